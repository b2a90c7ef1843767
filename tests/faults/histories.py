"""Runs random histories of a machine until there were enough steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

if TYPE_CHECKING:
    from tests.faults.machine import Machine

__all__ = ["run_histories"]

_HOW = settings(
    max_examples=20,
    stateful_step_count=100,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


def run_histories(machine: type[Machine], chosen: int, steps: int) -> None:
    """At least so many steps, in the histories that `chosen` names; a failure shows its shortest history."""
    most = steps // 20 + 1
    for round_ in range(most):
        if machine.steps >= steps:
            break
        run_state_machine_as_test(seed(chosen + round_)(machine), settings=_HOW)
    print(f"{machine.steps:,} steps")

"""The engine's scripts against a plain model of them: after each step of a random history every key is compared.

MODEL_STEPS says how many steps are run at least, MODEL_SEED which histories; a failure shows its shortest history.
"""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.faults.histories import run_histories
from tests.faults.history import MOVES
from tests.faults.machine import Machine

STEPS_THAT_SEE_ALL = 10_000
"""So long a run goes through every transition of the table."""


@pytest.mark.parametrize("part", [0, 1])
def test_the_scripts_do_what_the_model_says(part, store):
    chosen = int(os.environ.get("MODEL_SEED") or random.randrange(10**6))
    most = int(os.environ.get("MODEL_STEPS", "2000")) // 2

    class Histories(Machine):
        pass

    Histories.store = store
    Histories.is_watched = part == 1
    began = time.monotonic()
    print(f"MODEL_SEED={chosen}")
    run_histories(Histories, chosen + part * 10**6, most)
    unseen = [f"{a} to {b}" for a, b in MOVES - Histories.moves if a is not b]
    print(f"{Histories.steps:,} steps in {time.monotonic() - began:.0f} s; transitions not seen: {unseen or 'none'}")
    assert not unseen or most < STEPS_THAT_SEE_ALL

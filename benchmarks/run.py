"""Runs rows of the suite and prints their tables: `python -m benchmarks.run [ROW …] [--quick] [--rounds N] [--write]`.

Without ROW, all of them. Rounds are interleaved: each goes once through all rows and all systems. Every figure is left
in `.bench/last.json`; `--write` makes `docs/benchmarks.md` and `benchmarks/recorded.json` of it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from benchmarks import environments, report
from benchmarks.drivers import MISHAPS
from benchmarks.results import LAST, QUICK, Results
from benchmarks.rows import FAILURES, NAMES, Size, failed, row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="one small round")
    parser.add_argument("--rounds", type=int, default=0, help="instead of each row's own number")
    parser.add_argument("--minutes", type=float, default=50.0, help="begin no further round after so long")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and benchmarks/recorded.json")
    given = parser.parse_args()
    if unknown := set(given.rows) - set(NAMES):
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    environments.install()
    if not given.rows:
        (QUICK if given.quick else LAST).unlink(missing_ok=True)
    chosen = [name for name in NAMES if name in (given.rows or NAMES)]
    results = measured(chosen, Size(given.quick), given.rounds, given.minutes)
    sys.stdout.write(report.text(results))
    if given.write:
        report.write(_kept(results, Size(given.quick)))


def measured(chosen: list[str], size: Size, rounds: int, minutes: float) -> Results:
    """All rounds of these rows, except that after so many minutes no second or later round of a row is begun."""
    results = Results(facts={"machine": environments.machine(), "versions": environments.versions(), "rounds": {}})
    results.facts["load"] = round(os.getloadavg()[0], 1)
    wanted = {name: rounds or (1 if size.quick else row(name).ROUNDS) for name in chosen}
    stop = time.perf_counter() + 60 * minutes
    for number in range(max(wanted.values())):
        for name in chosen:
            if number < wanted[name] and (number == 0 or time.perf_counter() < stop):
                started = time.perf_counter()
                try:
                    results.add(row(name).measure(size, number))
                except MISHAPS as problem:
                    failed(name, problem)
                    continue
                results.facts["rounds"][name] = number + 1
                results.failures = list(FAILURES)
                _kept(results, size).save(QUICK if size.quick else LAST)
                _say(f"round {number + 1}: {name}: {time.perf_counter() - started:.0f} s")
    return results


def _kept(results: Results, size: Size) -> Results:
    """These figures over the last ones of other rows."""
    kept = Results.load(QUICK if size.quick else LAST)
    kept.metrics |= results.metrics
    rounds = kept.facts.get("rounds", {}) | results.facts["rounds"]
    kept.facts |= results.facts | {"rounds": {name: rounds[name] for name in NAMES if name in rounds}}
    kept.failures = results.failures
    return kept


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()

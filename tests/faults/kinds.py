"""The kinds of jobs that the killer's stream is made of: what is sent, and how each of them may end."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

COMPLETE = "complete"
MOST_RUNNING = 2
"""Jobs of the task `limited` that run at a time, on all workers together."""
ENDLESS = 1000
"""Deliveries, where a job is to complete however often what runs it is killed."""


@dataclass
class Wish:
    """What one submit asks for."""

    requests: list[dict[str, Any]]
    ends: list[set[str]]
    """For each job, the ends it may come to: `complete`, or a reason."""
    kind: str = ""
    cancel: str = ""
    """`at once`, or `running`: as soon as it runs."""
    is_refused: bool = False
    """Whether there is a fault in it, so that nothing of it may be recorded."""
    is_array: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_array = len(self.requests) > 1


def work(seconds: float, **options: Any) -> dict[str, Any]:
    """A job that sleeps and returns its id."""
    return {"task": "work", "params": {"seconds": round(seconds, 3)}, "max_deliveries": ENDLESS, **options}


def short(chance: random.Random) -> Wish:
    return Wish([work(chance.uniform(0, 0.1), priority=chance.randint(-2, 2))], [{COMPLETE}])


def long(chance: random.Random) -> Wish:
    return Wish([work(chance.uniform(1, 4))], [{COMPLETE}])


def retrying(chance: random.Random) -> Wish:
    failures = chance.randint(1, 3)
    request = {"task": "flaky", "params": {"failures": failures}, "max_attempts": failures + 1}
    return Wish([request | {"max_deliveries": ENDLESS}], [{COMPLETE}])


def _hopeless() -> dict[str, Any]:
    return {"task": "flaky", "params": {"failures": 99}, "max_attempts": 2, "max_deliveries": ENDLESS}


def hopeless(chance: random.Random) -> Wish:
    return Wish([_hopeless()], [{"error"}])


def mortal(chance: random.Random) -> Wish:
    return Wish([work(chance.uniform(0.1, 2), max_deliveries=chance.choice([1, 2]))], [{COMPLETE, "lost"}])


def deadly(chance: random.Random) -> Wish:
    """Ends its own process, once or always."""
    if chance.random() < 0.5:
        return Wish([{"task": "die", "params": {"times": 1}, "max_deliveries": ENDLESS}], [{COMPLETE}])
    return Wish([{"task": "die", "params": {"times": 99}, "max_deliveries": 2}], [{"lost"}])


def slow(chance: random.Random) -> Wish:
    """Takes too long, with a process of its own that hears no signal."""
    request = {"task": "stubborn", "params": {"seconds": 60}, "timeout": 0.5, "max_deliveries": ENDLESS}
    return Wish([request], [{"timeout"}])


def delayed(chance: random.Random) -> Wish:
    seconds = round(chance.uniform(0.2, 4), 3)
    if chance.random() < 0.5:
        return Wish([work(0, delay=seconds)], [{COMPLETE}])
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return Wish([work(0, run_at=moment.isoformat(timespec="milliseconds"))], [{COMPLETE}])


def expiring(chance: random.Random) -> Wish:
    if chance.random() < 0.5:
        return Wish([work(0, delay=5, expires_in=1)], [{"expired"}])
    return Wish([work(0.1, expires_in=round(chance.uniform(0.02, 2), 3))], [{COMPLETE, "expired"}])


def keyed(chance: random.Random) -> Wish:
    return Wish([work(chance.uniform(0, 1), key=f"key {chance.randrange(4)}")], [{COMPLETE}])


def cancelled(chance: random.Random) -> Wish:
    if chance.random() < 0.5:
        return Wish([work(0, delay=60)], [{"cancelled"}], cancel="at once")
    return Wish([work(60)], [{"cancelled"}], cancel="running")


def cancelled_somewhere(chance: random.Random) -> Wish:
    return Wish([work(chance.uniform(0, 0.5))], [{COMPLETE, "cancelled"}], cancel="at once")


def family(chance: random.Random) -> Wish:
    """Several, one that comes after them all and looks at their results, and one after that."""
    count = chance.randint(2, 8)
    parents = [work(chance.uniform(0, 0.2)) for _ in range(count)]
    last = {"task": "gather", "max_deliveries": ENDLESS, "after": [f"#{i}" for i in range(count)]}
    return Wish([*parents, last, work(0, after=[f"#{count}"], delay=0.5)], [{COMPLETE}] * (count + 2))


def cascade(chance: random.Random) -> Wish:
    """A failure that is passed on, to where it does not matter."""
    chain = [work(0, after=[f"#{i}"]) for i in range(chance.randint(1, 5))]
    last = [work(0, after_any=[f"#{len(chain)}"]), work(0, after=["#0"])]
    ends = [{"error"}, *[{"dependency"}] * len(chain), {COMPLETE}, {"dependency"}]
    return Wish([_hopeless(), *chain, *last], ends)


def limited(chance: random.Random) -> Wish:
    """Some of a task of which MOST_RUNNING run at a time."""
    count = chance.randint(3, 6)
    request = {"task": "limited", "params": {"seconds": round(chance.uniform(0.1, 0.5), 3)}, "max_deliveries": ENDLESS}
    return Wish([request] * count, [{COMPLETE}] * count)


def bulk(chance: random.Random) -> Wish:
    return Wish([work(0)] * 300, [{COMPLETE}] * 300)


def refused(chance: random.Random) -> Wish:
    """A fault in a request, alone or among good ones."""
    fault = chance.choice(
        [
            {"task": "nothing"},
            {"task": "work", "params": {"seconds": "long"}},
            {"task": "work", "wish": 1},
            {"task": "work", "after": ["00" + "z" * 18]},
        ]
    )
    requests = [work(0)] * chance.choice([0, 1, 150]) + [fault]
    return Wish(requests, [set()] * len(requests), is_refused=True)


KINDS: dict[Callable[[random.Random], Wish], float] = {
    short: 12,
    long: 3,
    retrying: 3,
    hopeless: 1,
    mortal: 2,
    deadly: 1,
    slow: 0.5,
    delayed: 3,
    expiring: 2,
    keyed: 4,
    cancelled: 2,
    cancelled_somewhere: 2,
    family: 2,
    cascade: 1,
    limited: 1,
    bulk: 0.4,
    refused: 1,
}
"""How often each of them comes, one against the other."""


def draw(chance: random.Random) -> Wish:
    """A kind by chance, and one of it."""
    [kind] = chance.choices(list(KINDS), list(KINDS.values()))
    wish = kind(chance)
    wish.kind = kind.__name__
    return wish

"""What a random history asks for: lists of jobs with any options, as the engine takes them and as the model does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from jobsapi.submission import prepare
from tests.faults.records import CACHE, Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobsapi.store import Store
    from jobsapi.submission import Submission
    from tests.faults.model import Model

TASKS, QUEUES, WORKERS = ("work", "other"), ("default", "fast"), ("w1", "w2", "w3")

few = st.integers(1, 4)
pick = st.integers(0, 15)
"""Which of the newest jobs or claims."""
rates = st.sampled_from([None, "1/h", "3/d"])  # longer than a run of this test: the server's own clock ends them
parents = st.lists(pick, min_size=1, max_size=3, unique=True)
extras = {
    "task": st.just("other"),
    "user": st.sampled_from(["ann", "bob"]),
    "queue": st.just("fast"),
    "priority": st.sampled_from([-100, -1, 7, 100]),
    "delay": st.sampled_from([0, 0.001, 1, 60]),
    "expires_in": st.sampled_from([0.001, 1, 60]),
    "key": st.sampled_from("ab"),
    "on_conflict": st.just("return"),
    "max_attempts": st.integers(2, 3),
    "max_deliveries": st.integers(1, 2),
    "keep": st.sampled_from([1, 60]),
    "tags": st.sampled_from([["x"], ["x", "y"]]),
    "webhook": st.just("https://hooks.example.org/"),
    "after": parents,
    "after_any": parents,
    "same": st.sampled_from("ab"),
}
options = st.lists(st.sampled_from(list(extras)), max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({"task": st.just("work")} | {name: extras[name] for name in names})
)


def _keys_differ(asked: Sequence[dict[str, Any]]) -> bool:
    keys = [each["key"] for each in asked if "key" in each]
    return len(set(keys)) == len(keys)


lists = st.lists(options, min_size=1, max_size=5).filter(_keys_differ)
"""What one submit brings; two jobs of it never have one key, which is refused before anything is sent."""

alike = st.fixed_dictionaries(
    {"task": st.sampled_from(TASKS)},
    optional={name: extras[name] for name in ("queue", "priority", "max_attempts", "keep", "webhook")},
)
"""What jobs that differ in nothing bring that decides where they stand."""

everything = {queue: list(TASKS) for queue in QUEUES}
wanted = st.just(everything) | st.dictionaries(
    st.sampled_from(QUEUES), st.lists(st.sampled_from(TASKS), min_size=1, unique=True), min_size=1
)


def newest(all_: Sequence[Any], which: int) -> Any:
    """One of them, counted from the last."""
    return all_[-1 - which % len(all_)]


def prepared(
    store: Store, model: Model, ids: Sequence[str], asked: Sequence[dict[str, Any]]
) -> tuple[list[Submission], list[Job]]:
    """The list as the engine takes it and as the model does; `ids`: jobs that are or were there."""
    sent: list[Submission] = []
    made: list[Job] = []
    for i, one in enumerate(asked):
        given = dict(one)
        known = [*model.jobs, *(job.id for job in made)]
        _name_parents(given, known, ids)
        task, same = given.pop("task"), given.pop("same", None)
        params = {"user": given.pop("user")} if "user" in given else {}
        sent.append(prepare(store, task, params, given, f"/{i}", f"/{i}/params"))
        made.append(_job(model.now, sent[-1].id, task, given))
        if same:  # as tasks with a cache make it of equal parameters
            sent[-1] = replace(sent[-1], fields={**sent[-1].fields, "ck": f"{CACHE}:{same}"})
            made[-1].same = same
        made[-1].group = model.limits[task].group(task, params, {}) or None
    return sent, made


def _name_parents(given: dict[str, Any], known: Sequence[str], ids: Sequence[str]) -> None:
    """Numbers become ids: of jobs that are there, those of the same list first, or now and then of one that was."""
    used: set[str] = set()
    for name in ("after", "after_any"):
        places = given.get(name, []) if known else []
        chosen = dict.fromkeys(newest(known if place < 15 else ids or known, place) for place in places)
        given[name] = [jid for jid in chosen if jid not in used] or None
        used |= chosen.keys()


def _job(now: int, jid: str, task: str, given: dict[str, Any]) -> Job:
    def at(name: str) -> int | None:
        return now + round(given[name] * 1000) if given.get(name) else None

    return Job(
        id=jid,
        task=task,
        queue=given.get("queue", "default"),
        priority=given.get("priority", 0),
        tags=tuple(given.get("tags", ())),
        key=given.get("key"),
        content_with_other=given.get("on_conflict") == "return",
        most_attempts=given.get("max_attempts", 1),
        most_lost=given.get("max_deliveries"),
        keep=given["keep"] * 1000 if "keep" in given else None,
        has_webhook="webhook" in given,
        run_at=at("delay"),
        expires=at("expires_in"),
        expires_in=round(given["expires_in"] * 1000) if given.get("expires_in") else None,
        after=tuple(given.get("after") or ()),
        after_any=tuple(given.get("after_any") or ()),
    )

"""The diagram of a job's life in docs/architecture.md is made of `states.TRANSITIONS`; this file writes it."""

from __future__ import annotations

from pathlib import Path

from jobsapi.states import TRANSITIONS, Status

PAGE = Path(__file__).parent.parent.parent / "docs" / "architecture.md"
BEGIN, END = "<!-- made by `make docs` from states.TRANSITIONS -->\n", "<!-- end -->\n"


def diagram() -> str:
    """A Mermaid diagram: the statuses, and from each to each the verbs that lead there, in the order of the table."""
    verbs: dict[tuple[Status | None, Status | None], list[str]] = {}
    for verb, moves in TRANSITIONS.items():
        for move in moves:
            verbs.setdefault(move, []).append(verb)
    order = [None, *Status]
    lines = [f'    state "{status.value}" as {_name(status)}' for status in Status if " " in status.value]
    for origin, target in sorted(verbs, key=lambda move: (order.index(move[0]), order.index(move[1]))):
        lines.append(f"    {_name(origin)} --> {_name(target)}: {', '.join(verbs[origin, target])}")
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```\n"])


def _name(status: Status | None) -> str:
    return status.value.replace(" ", "_") if status else "[*]"


def page(text: str) -> str:
    """The page with the diagram as it should be."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + diagram() + END + rest.split(END, 1)[1]


def test_the_diagram_shows_the_table_of_transitions():
    text = PAGE.read_text()
    assert text == page(text), "`make docs` writes it anew"


def test_every_status_can_be_reached_and_left():
    moves = {move for verb in TRANSITIONS.values() for move in verb}
    assert {origin for origin, _ in moves} == {target for _, target in moves} == {None, *Status}


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))

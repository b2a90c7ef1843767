"""What processes have used: CPU seconds and resident memory, with their children's."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """A process and all that descend from it and live."""
    found, at = [pid], 0
    while at < len(found):
        for task in Path(f"/proc/{found[at]}/task").glob("*"):
            try:
                found += [int(each) for each in (task / "children").read_text().split()]
            except OSError:  # gone meanwhile
                continue
        at += 1
    return found


def cpu_seconds(pids: list[int]) -> float:
    """CPU time that they have used so far; children that have ended count with their parents."""
    told = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        told += sum(int(each) for each in fields[11:15])
    return told / _TICK


def resident_mb(pid: int) -> float:
    """Resident memory of a process and its descendants, MB."""
    pages = 0
    for each in family(pid):
        try:
            pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * _PAGE / 1e6

"""CPU time of what is measured: other than the clock, it hardly depends on who else is at work."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def used_s(*roots: int) -> float:
    """Return the CPU seconds of these processes and of all below them, ended ones included."""
    children: dict[int, list[int]] = {}
    spent: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(folder.name))
            # utime, stime, and those of children that have ended (proc(5), fields 14 to 17)
            spent[int(folder.name)] = sum(int(each) for each in fields[11:15])
    return sum(spent.get(each, 0) for each in _below(roots, children)) / TICKS


def _below(roots: Iterable[int], children: dict[int, list[int]]) -> Iterator[int]:
    for each in roots:
        yield each
        yield from _below(children.get(each, []), children)


def postmaster(data: Path) -> int:
    """Return the process id of the cluster in `data`."""
    return int((data / "postmaster.pid").read_text().splitlines()[0])


def meter(*roots: int) -> Callable[[], float]:
    """Return a function that tells the CPU seconds spent since now."""
    start = used_s(*roots)
    return lambda: used_s(*roots) - start

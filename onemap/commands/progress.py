"""Progress bars on the terminal; silent where there is none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from onemap.trouble import say

Report = Callable[[str, int, int | None], None]
"""``progress(what, done, total)``: what may be "中文 | English", total None while unknown."""


@contextlib.contextmanager
def bars() -> Iterator[Report]:
    """Draw one bar for each thing that is reported, on standard error."""
    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as drawn:

        def report(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                zh, bar, en = what.partition(" | ")
                shown = say(zh, en) if bar else what
                tasks[what] = drawn.add_task(shown, total=total)
                if not console.is_terminal:
                    console.print(f"· {shown}", highlight=False)
            drawn.update(tasks[what], completed=done, total=total)

        yield report

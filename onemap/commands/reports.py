"""What commands print: tables and reports for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from onemap.trouble import language, say

if TYPE_CHECKING:
    from importers.report import Report

SHOWN_LINES = 60


def print_json(value: Any) -> None:
    """Print one JSON value on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def table(rows: Sequence[Mapping[str, Any]], *, as_json: bool, one: bool = False) -> None:
    """Print rows as a table, or as JSON (a list, or one object)."""
    if as_json:
        print_json(rows[0] if one else list(rows))
        return
    console = Console()
    if not rows:
        console.print(say("（无）", "(none)"))
        return
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    if one:
        drawn.show_header = False
        drawn.add_column()
        drawn.add_column()
        for name, value in rows[0].items():
            drawn.add_row(name, _text(value))
    else:
        for name in rows[0]:
            drawn.add_column(name, overflow="fold")
        for row in rows:
            drawn.add_row(*(_text(value) for value in row.values()))
    console.print(drawn)


def show(report: Report, *, as_json: bool) -> None:
    """Print the report of an import: the counts, how it was read, then what was found where."""
    if as_json:
        print_json(report.as_dict())
        return
    console = Console()
    if report.dry_run:
        console.print(say("试运行，未写入任何内容：", "dry run, nothing was written:"))
    lines = report.text(language()).splitlines()
    for line in lines[:SHOWN_LINES]:
        console.print(line, highlight=False, markup=False)
    rest = len(lines) - SHOWN_LINES
    if rest > 0:
        console.print(say(f"…另有 {rest} 条，见 --json", f"… and {rest} more, see --json"))


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and {"zh", "en"} <= set(value):
        return say(str(value["zh"]), str(value["en"]))
    return "" if value is None else str(value)

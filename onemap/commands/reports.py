"""What commands print: tables and reports for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from onemap.trouble import language, say

if TYPE_CHECKING:
    from importers.report import Report

SHOWN_LINES = 60


def print_json(value: Any) -> None:
    """Print one JSON value on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def table(rows: Sequence[Mapping[str, Any]], *, as_json: bool, one: bool = False) -> None:
    """Print rows as a table, or as JSON (a list, or one object).

    A table is for people: it leaves out the columns that no row fills, and tells times to the
    second in the service's zone. JSON has all of it, as it is.
    """
    if as_json:
        print_json(rows[0] if one else list(rows))
        return
    if not rows:
        Console().print(say("（无）", "(none)"))
        return
    Console().print(_drawn(rows, one=one))


def _drawn(rows: Sequence[Mapping[str, Any]], *, one: bool) -> Table:
    from onemap.settings import load

    timed = any(isinstance(value, datetime) for row in rows for value in row.values())
    zone = load().zone if timed else None
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    if one:
        drawn.show_header = False
        drawn.add_column()
        drawn.add_column()
        for name, value in rows[0].items():
            drawn.add_row(name, Text(_text(value, zone)))
    else:
        texts = {name: [_text(row[name], zone) for row in rows] for name in rows[0]}
        filled = {name: column for name, column in texts.items() if any(column)}
        for name in filled:
            drawn.add_column(name, overflow="fold")
        for line in zip(*filled.values(), strict=True):
            drawn.add_row(*map(Text, line))  # else what stands in brackets is a style
    return drawn


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


def _text(value: Any, zone: tzinfo | None) -> str:
    if isinstance(value, Mapping) and {"zh", "en"} <= set(value):
        return say(str(value["zh"]), str(value["en"]))
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(" ", "seconds")
    if isinstance(value, bool):
        return say("是", "yes") if value else say("否", "no")
    return "" if value is None else str(value)

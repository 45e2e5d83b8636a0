"""What commands print: tables and reports for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from onemap.trouble import say

SHOWN_ISSUES = 20
_COUNTS = {
    "read": ("读取", "read"),
    "loaded": ("新增", "loaded"),
    "updated": ("更新", "updated"),
    "unchanged": ("未变", "unchanged"),
    "repaired": ("修复", "repaired"),
    "quarantined": ("待修", "quarantined"),
}


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


def show(report: Mapping[str, Any], *, as_json: bool, dry_run: bool) -> None:
    """Print the report of an import: the counts, then what was found in which row."""
    if as_json:
        print_json(report)
        return
    console = Console()
    if dry_run:
        console.print(say("试运行，未写入：", "dry run, nothing written:"))
    console.print(
        "  ".join(f"{say(*text)} {report.get(name, 0)}" for name, text in _COUNTS.items()),
        highlight=True,
    )
    issues = list(report.get("issues", ()))
    for issue in issues[:SHOWN_ISSUES]:
        console.print(f"  · {_issue(issue)}", highlight=False, markup=False)
    if len(issues) > SHOWN_ISSUES:
        rest = len(issues) - SHOWN_ISSUES
        console.print(
            say(f"  …另有 {rest} 条，见 --json", f"  … and {rest} more, see --json"),
            highlight=False,
        )


def _issue(issue: Any) -> str:
    if not isinstance(issue, Mapping):
        return str(issue)
    return "  ".join(
        f"{name}={_text(value)}" for name, value in issue.items() if value not in (None, "")
    )


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and {"zh", "en"} <= set(value):
        return say(str(value["zh"]), str(value["en"]))
    return "" if value is None else str(value)

"""Rows in quarantine as a sheet: to be mended in a spreadsheet and imported again."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TextIO

from layers.labels import Text

FILE, ROW, REASONS, GEOMETRY = "文件", "行", "原因", "几何"
# What makes a spreadsheet take a cell for a formula, also behind white space that it drops.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def headings(names: Iterable[str], *, shapes: bool) -> list[str]:
    """Return the headings of a sheet whose rows hold `names`, see `layers.waiting.headings`."""
    return list(dict.fromkeys([FILE, ROW, REASONS, *names, *([GEOMETRY] if shapes else ())]))


def as_sheet(rows: Iterable[Mapping[str, Any]], language: str) -> Iterator[dict[str, Any]]:
    """Yield the rows as they were read, with file, row and reasons before them.

    Parameters
    ----------
    rows : of `layers.waiting.waiting`.
    language : of the reasons, ``"zh"`` or ``"en"``.
    """
    for row in rows:
        yield {
            FILE: row["file"],
            ROW: row["row"],
            REASONS: "；".join(_said(each, language) for each in row["reasons"]),
            **row["values"],
            **({GEOMETRY: row["geometry"]} if row["geometry"] else {}),
        }


def write_csv(rows: Iterable[Mapping[str, Any]], names: Sequence[str], file: TextIO) -> None:
    """Write rows of a sheet as CSV, without headings.

    The caller opens the file, with a BOM where Excel is to read it.
    """
    writer = csv.DictWriter(file, names)
    for row in rows:
        writer.writerow({name: as_cell(value) for name, value in row.items()})


def write_headings(names: Sequence[str], file: TextIO) -> None:
    """Write the first line of a CSV; headings come of the users' files as well."""
    csv.writer(file).writerow([as_cell(name) for name in names])


def as_cell(value: Any) -> Any:
    """Return a cell: structures as JSON, and text that a spreadsheet would run as text."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def _said(reason: Any, language: str) -> str:
    if isinstance(reason, dict):
        said = Text(str(reason.get("zh", reason)), str(reason.get("en", reason)))
        return said.in_language(language)
    return str(reason)

"""Sealed records as files: CSV and XLSX, with the same care as lists take."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import IO, Any
from zoneinfo import ZoneInfo

from api.exports import Column, Workbook, csv_heading, csv_lines
from layers.audit.reading import KINDS, OUTCOMES
from layers.audit.tables import Kind
from layers.labels import Text

TITLE = Text("审计记录", "Audit records")
NOTES = Text("说明", "Notes")
_HEADINGS = {
    "number": Text("序号", "Number"),
    "at": Text("时间", "Time"),
    "kind": Text("种类", "Kind"),
    "outcome": Text("结果", "Outcome"),
    "account": Text("账号", "Account"),
    "address": Text("来源地址", "Address"),
    "route": Text("接口或命令", "Route or command"),
    "layer": Text("图层", "Layer"),
    "details": Text("详情", "Details"),
    "request": Text("请求编号", "Request"),
    "batch": Text("批次", "Batch"),
    "mac": Text("校验码", "Code"),
}
_TYPES = {"number": "integer", "batch": "integer", "at": "date-time"}


def columns(language: str, zone: ZoneInfo) -> list[Column]:
    """Return the columns of the file, in a language and a time zone."""
    return [
        Column(
            name,
            heading.in_language(language),
            _TYPES.get(name, "string"),
            None,
            partial(_read, name=name, language=language, zone=zone),
        )
        for name, heading in _HEADINGS.items()
    ]


def _read(row: Mapping[str, Any], *, name: str, language: str, zone: ZoneInfo) -> Any:
    value = row[name]
    if value is None:
        return None
    if name == "at":
        return value.astimezone(zone)
    if name == "kind":
        return KINDS[Kind(value)].in_language(language) if value in set(Kind) else value
    if name == "outcome":
        return OUTCOMES[value].in_language(language) if value in OUTCOMES else value
    if name == "details":
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return None if told == "{}" else told
    return value


def csv_of(made: list[Column], chunks: Iterable[list[Any]]) -> Iterator[bytes]:
    """Yield a CSV of rows that come in chunks."""
    yield csv_heading(made)
    for chunk in chunks:
        yield csv_lines(made, chunk)


def workbook(file: IO[bytes], parts: str, language: str, made: list[Column]) -> Workbook:
    """Begin a workbook of records.

    Parameters
    ----------
    parts : a folder in which rows lie until they are zipped.
    """
    return Workbook(file, parts, TITLE.in_language(language), made)

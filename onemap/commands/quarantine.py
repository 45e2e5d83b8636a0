"""``quarantine``: what could not be loaded, to be mended and imported again."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onemap.trouble import say

if TYPE_CHECKING:
    import sqlalchemy as sa

FILE, ROW, REASONS, GEOMETRY = "文件", "行", "原因", "几何"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        help=say("待修的行：列出，或写成可修改后重新导入的 CSV",
                 "rows that could not be loaded: list them, or write them as CSV to mend")
    )(quarantine)  # fmt: skip


def quarantine(
    batch: Annotated[
        int | None, typer.Option(help=say("只看这一批次", "of this batch alone"))
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=say("写成 CSV（带 BOM）", "write as CSV (with BOM)")),
    ] = None,
    demo: Annotated[
        bool, typer.Option(help=say("用示例库，而非正式库", "the demo's database"))
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help=say("数据目录", "folder of the private database"))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=say("输出 JSON", "print JSON"))] = False,
) -> None:
    """List the rows in quarantine by batch; with --output or --batch show the rows themselves."""
    from onemap.commands.reports import print_json, table
    from onemap.database import connected
    from onemap.settings import load

    with connected(load(data_dir=data_dir), demo=demo) as connection:
        if batch is None and output is None:
            table(_batches(connection), as_json=as_json)
            return
        rows = _rows(connection, batch)
    if output is not None:
        with output.open("w", encoding="utf-8-sig", newline="") as file:
            _write(rows, file)
    elif as_json:
        print_json(rows)
    else:
        _write(rows, sys.stdout)


def _batches(connection: sa.Connection) -> list[dict[str, Any]]:
    import sqlalchemy as sa

    from layers.base import table_of
    from layers.records import ImportBatch, Quarantine

    waiting, run = table_of(Quarantine), table_of(ImportBatch)
    query = (
        sa.select(
            run.c.id.label("batch"), run.c.kind, run.c.source, run.c.started_at,
            sa.func.count().label("rows"),
        )
        .join_from(waiting, run, waiting.c.batch_id == run.c.id)
        .group_by(run.c.id)
        .order_by(run.c.id)
    )  # fmt: skip
    return [dict(row._mapping) for row in connection.execute(query)]


def _rows(connection: sa.Connection, batch: int | None) -> list[dict[str, Any]]:
    """Return the rows as they were read, with file, row and reasons before them."""
    import sqlalchemy as sa

    from layers.base import table_of
    from layers.records import Quarantine

    waiting = table_of(Quarantine)
    query = sa.select(waiting).order_by(waiting.c.id)
    if batch is not None:
        query = query.where(waiting.c.batch_id == batch)
    return [
        {
            FILE: row.file,
            ROW: row.row,
            REASONS: "；".join(_said(each) for each in row.reasons),
            **row.values_,
            **({GEOMETRY: row.geometry} if row.geometry else {}),
        }
        for row in connection.execute(query.add_columns(waiting.c["values"].label("values_")))
    ]


def _said(reason: Any) -> str:
    if isinstance(reason, dict):
        return say(str(reason.get("zh", reason)), str(reason.get("en", reason)))
    return str(reason)


def _write(rows: list[dict[str, Any]], file: Any) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(file, names)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _plain(value) for name, value in row.items()})


def _plain(value: Any) -> Any:
    """Return a cell: structures as JSON, and text that a spreadsheet would run as text."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        return "'" + value
    return value

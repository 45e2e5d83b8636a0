"""``quarantine``: what could not be loaded, to be mended and imported again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from onemap.commands.options import Demo, Json
from onemap.trouble import language, say

if TYPE_CHECKING:
    import sqlalchemy as sa

_CHUNK = 1_000


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
    demo: Demo = False,
    data_dir: Annotated[
        Path | None, typer.Option(help=say("数据目录", "folder of the private database"))
    ] = None,
    as_json: Json = False,
) -> None:
    """List the rows in quarantine by batch; with --output or --batch show the rows themselves."""
    from importers.quarantine import as_sheet
    from layers.waiting import batches, waiting
    from onemap.commands.reports import print_json, table
    from onemap.database import connected
    from onemap.settings import load

    with connected(load(data_dir=data_dir), demo=demo) as connection:
        if batch is None and output is None:
            table(_listed(connection, batches()), as_json=as_json)
            return
        if output is not None:
            with output.open("w", encoding="utf-8-sig", newline="") as file:
                _write(connection, batch, file)
        elif as_json:
            found = _listed(connection, waiting(batch=batch))
            print_json(list(as_sheet(found, language())))
        else:
            _write(connection, batch, sys.stdout)


def _write(connection: sa.Connection, batch: int | None, file: TextIO) -> None:
    """Write the rows as CSV as they come, so that memory does not grow with them."""
    from importers.quarantine import as_sheet, headings, write_csv, write_headings
    from layers import waiting

    extent = connection.execute(waiting.extent(batch=batch)).one()
    found = connection.scalars(waiting.headings(extent.last, batch=batch))
    names = headings(found, shapes=extent.shapes)
    write_headings(names, file)
    rows = connection.execution_options(yield_per=_CHUNK).execute(
        waiting.waiting(batch=batch, until=extent.last)
    )
    write_csv(as_sheet((dict(row) for row in rows.mappings()), language()), names, file)


def _listed(connection: sa.Connection, statement: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(each) for each in connection.execute(statement).mappings()]

"""``quarantine``: what could not be loaded, to be mended and imported again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onemap.trouble import language, say

if TYPE_CHECKING:
    import sqlalchemy as sa


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
    from importers.quarantine import as_sheet, write_csv
    from layers.waiting import batches, waiting
    from onemap.commands.reports import print_json, table
    from onemap.database import connected
    from onemap.settings import load

    with connected(load(data_dir=data_dir), demo=demo) as connection:
        if batch is None and output is None:
            table(_listed(connection, batches()), as_json=as_json)
            return
        rows = as_sheet(_listed(connection, waiting(batch=batch)), language())
    if output is not None:
        with output.open("w", encoding="utf-8-sig", newline="") as file:
            write_csv(rows, file)
    elif as_json:
        print_json(rows)
    else:
        write_csv(rows, sys.stdout)


def _listed(connection: sa.Connection, statement: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(each) for each in connection.execute(statement).mappings()]

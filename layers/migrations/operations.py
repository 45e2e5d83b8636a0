"""Migration operations of our own: a layer's table with its history, and the shipped SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import op

SQL = Path(__file__).parent.parent / "sql"


def run_sql(name: str) -> None:
    """Run one of the shipped files of ``layers/sql``."""
    op.get_bind().exec_driver_sql((SQL / name).read_text("utf-8"))


def track(table: str) -> None:
    """Write the history and the log of changes of `table` from now on."""
    op.execute(_call("onemap_track_table", table))


def grant(table: str, *privileges: str) -> None:
    """Let the application's role do `privileges` on `table`, where that role exists."""
    op.execute(_call("onemap_grant", table, ", ".join(privileges) or "SELECT"))


def _call(function: str, *arguments: str) -> Any:
    import sqlalchemy as sa

    return sa.select(getattr(sa.func, function)(*arguments))

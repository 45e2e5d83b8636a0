"""What stands in a database, as a backup tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from layers.base import table_of
from layers.basemap import Imagery
from layers.history import ChangeRecord, history_table

SQL = Path(__file__).parents[1] / "sql"


def tables(connection: sa.Connection) -> list[sa.TableClause]:
    """List the tables that hold rows, but for those of extensions."""
    found = connection.execute(sa.text((SQL / "tables.sql").read_text("utf-8")))
    return [sa.table(name, schema=schema) for schema, name in found]


def counts(connection: sa.Connection) -> Iterator[tuple[str, int]]:
    """Count the rows of each table, by ``schema.table``."""
    for table in tables(connection):
        number = connection.scalar(sa.select(sa.func.count()).select_from(table))
        yield f"{table.schema}.{table.name}", number or 0


def guarded(connection: sa.Connection) -> list[str]:
    """List the functions that not everybody may call."""
    return list(connection.scalars(sa.text((SQL / "guarded.sql").read_text("utf-8"))))


def pictures(connection: sa.Connection) -> list[str]:
    """List the files of the data folder that a row names, or named once."""
    table = table_of(Imagery)
    named = (sa.select(each.c.path) for each in (table, history_table(table)))
    return sorted(path for path in connection.scalars(sa.union(*named)) if path)


def recorded(connection: sa.Connection) -> tuple[int | None, int]:
    """Return the last place in the order of commits, and the highest number of a transaction."""
    record = table_of(ChangeRecord)
    highest = sa.select(sa.cast(record.c.tx, sa.Text)).order_by(record.c.tx.desc()).limit(1)
    return connection.scalar(sa.select(sa.func.max(record.c.seq))), int(
        connection.scalar(highest) or 0
    )


def next_number(connection: sa.Connection) -> int:
    """Return the number that a transaction of now bears in the record."""
    return int(connection.scalar(sa.select(sa.cast(sa.func.onemap_tx(), sa.Text))) or 0)

"""Frames of rows become rows of a table: by binary COPY, and one statement that merges them.

A row whose values are the same is not touched; one that differs gains a revision.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from geoalchemy2 import Geometry
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from layers.copy import copy_rows
from layers.types import AnyGeometry

Step = Callable[[float], None]


@dataclass(frozen=True)
class Counts:
    """What a write did to the rows of one table, exactly.

    Attributes
    ----------
    inserted, updated, unchanged : numbers of rows.
    ids : the ids of the rows that were inserted or updated (empty for series).
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def with_edited(self, other: Counts) -> Counts:
        """Return these counts with those of rows that people had edited."""
        return replace(
            self,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
        )


def copied(
    connection: sa.Connection,
    table: sa.Table,
    frame: pd.DataFrame,
    names: list[str],
    sources: list[str],
    progress: Step | None,
) -> Counts | None:
    """Copy straight into the table when it holds nothing of these sources yet, else None."""
    if any(_as_text(table.c[name].type) for name in names):
        return None
    mine = table.c.source.in_(sources)
    if connection.scalar(sa.select(sa.exists().where(mine))):
        return None
    copy_rows(raw(connection), table.name, [table.c[n] for n in names], frame, progress)
    ids = connection.scalar(sa.select(sa.func.array_agg(table.c.id)).where(mine))
    return Counts(inserted=len(frame), ids=np.asarray(ids or [], dtype=np.int64))


def merged(
    connection: sa.Connection,
    table: sa.Table,
    frame: pd.DataFrame,
    names: list[str],
    keys: Sequence[sa.Column[Any]],
    insert_only: tuple[str, ...],
    progress: Step | None,
) -> Counts:
    """Insert what has no row of the same `keys`, and update what differs from its row.

    Parameters
    ----------
    names : the columns to write, those of the keys among them.
    insert_only : columns that are written of new rows alone.
    """
    staging = staged(connection, table, names, frame, progress)
    matches = sa.and_(*(staging.c[k.name].is_not_distinct_from(table.c[k.name]) for k in keys))
    if all(not k.nullable for k in keys):
        matches = sa.and_(*(staging.c[k.name] == table.c[k.name] for k in keys))
    existing = connection.scalar(
        sa.select(sa.func.count()).select_from(staging.join(table, matches))
    )
    statement = insert(table).from_select(
        names, sa.select(*(sa.cast(staging.c[n], table.c[n].type) for n in names))
    )
    key_names = [k.name for k in keys]
    changing = [n for n in names if n not in key_names and n not in insert_only]
    if changing:
        new = statement.excluded
        values: dict[str, Any] = {n: new[n] for n in changing}
        if "revision" in table.c:
            values["revision"] = table.c.revision + 1
        differs = sa.tuple_(*(table.c[n] for n in changing)).is_distinct_from(
            sa.tuple_(*(new[n] for n in changing))
        )
        statement = statement.on_conflict_do_update(
            index_elements=key_names, set_=values, where=differs
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=key_names)
    touched, ids = _run(connection, statement, table)
    staging.drop(connection)
    inserted = len(frame) - int(existing or 0)
    updated = touched - inserted
    return Counts(inserted, updated, int(existing or 0) - updated, ids)


def _run(
    connection: sa.Connection, statement: Any, table: sa.Table
) -> tuple[int, NDArray[np.int64]]:
    if "id" not in table.c:
        kept = {"preserve_rowcount": True}  # SQLAlchemy forgets it for inserts
        done = connection.execute(statement, execution_options=kept)
        return done.rowcount, np.empty(0, dtype=np.int64)
    done = statement.returning(table.c.id).cte("done")
    ids = connection.scalar(sa.select(sa.func.array_agg(done.c.id)))
    return len(ids or []), np.asarray(ids or [], dtype=np.int64)


def staged(
    connection: sa.Connection,
    table: sa.Table,
    names: Sequence[str],
    frame: pd.DataFrame,
    progress: Step | None,
) -> sa.Table:
    """Return a temporary table that holds a frame; whoever asks for it drops it."""
    staging = sa.Table(
        f"staging_{uuid.uuid4().hex[:12]}",
        sa.MetaData(),
        *(sa.Column(n, _staging_type(table.c[n].type)) for n in names),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    connection.execute(CreateTable(staging))
    copy_rows(raw(connection), staging.name, list(staging.c), frame, progress)
    # A fresh table has no statistics, and the merge would be planned for a few rows.
    raw(connection).execute(sql.SQL("ANALYZE {}").format(sql.Identifier(staging.name)))
    return staging


def raw(connection: sa.Connection) -> Any:
    """Return the driver's own connection, for COPY."""
    return connection.connection.driver_connection


def _as_text(kind: TypeEngine[Any]) -> bool:
    """Tell whether a type has no vectorised binary form and is cast from text instead."""
    return isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float)


def _staging_type(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type a column has in the staging table."""
    if isinstance(kind, Geometry):
        return AnyGeometry()
    if isinstance(kind, sa.Enum) or _as_text(kind):
        return sa.Text()
    return kind


def writable(table: sa.Table, frame: pd.DataFrame) -> list[str]:
    """Name the columns of a frame that the table stores."""
    return [c.name for c in table.c if c.name in frame.columns and c.computed is None]


def unique_key(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns by which rows are told apart beside their id."""
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            return list(constraint.columns)
    for index in table.indexes:
        if index.unique:
            return list(index.columns)
    raise TypeError(f"{table.name} has no unique key")

"""What the files said last of values that people have changed since: where imports meet edits.

A value that nobody changed by hand is what its file said last, so nothing beside it is kept. When
a person changes one, what the file had said goes to `hand_edit`; of a row that a person deletes,
the whole row. An import compares the newer file with that: what the file did not change it leaves
to the person, and where both changed it a person decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB, insert

from layers.base import table_of
from layers.records import HandEdit

BY_HAND = "manual"
"""The source of rows that were made by hand: no file says anything of them."""

_EDIT = table_of(HandEdit)
_KEYS = ("layer", "source", "source_key", "row_id", "field", "imported")


def as_json(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a value as JSON keeps it; geometry as hexadecimal EWKB, exact to the bit."""
    if isinstance(column.type, Geometry):
        return sa.func.to_jsonb(sa.func.encode(sa.func.ST_AsEWKB(column), "hex"))
    return sa.func.to_jsonb(column)


def _key(table: sa.Table) -> list[sa.ColumnElement[Any]]:
    return [sa.literal(table.name), table.c.source, table.c.source_key, table.c.id]


def note(
    connection: sa.Connection,
    table: sa.Table,
    given: sa.FromClause,
    names: Sequence[str],
    match: sa.ColumnElement[bool],
) -> None:
    """Keep what files said of the columns `names` of rows that will have the values `given`.

    What is kept already stays: it is what the file said, whatever people did since.
    """
    if "source" not in table.c:
        return
    for name in names:
        if name in ("source", "source_key"):
            continue
        was = as_json(table.c[name])
        will = given.c[name]
        differs = table.c[name].is_distinct_from(will)
        if isinstance(table.c[name].type, Geometry):
            differs = sa.func.ST_AsEWKB(table.c[name]).is_distinct_from(sa.func.ST_AsEWKB(will))
        query = (
            sa.select(*_key(table), sa.literal(name), was)
            .select_from(table.join(given, match))
            .where(table.c.source != BY_HAND, differs)
        )
        connection.execute(insert(_EDIT).from_select(list(_KEYS), query).on_conflict_do_nothing())


def note_deleted(connection: sa.Connection, table: sa.Table, ids: Sequence[int]) -> None:
    """Keep that a person deleted rows which files brought, and what the files had said."""
    if "source" not in table.c:
        return
    said = (
        sa.select(sa.func.jsonb_object_agg(_EDIT.c.field, _EDIT.c.imported))
        .where(
            _EDIT.c.layer == table.name,
            _EDIT.c.source == table.c.source,
            _EDIT.c.source_key == table.c.source_key,
            _EDIT.c.field != "",
        )
        .correlate(table)
        .scalar_subquery()
    )
    # Of values that were changed by hand before, what the file had said goes with it.
    empty = sa.cast(sa.literal("{}", sa.Text), JSONB)
    whole = _whole(table).op("||")(sa.func.coalesce(said, empty))
    query = sa.select(*_key(table), sa.literal(""), whole).where(
        table.c.id == sa.func.any(sa.literal(list(ids), sa.ARRAY(sa.BigInteger))),
        table.c.source != BY_HAND,
    )
    connection.execute(insert(_EDIT).from_select(list(_KEYS), query).on_conflict_do_nothing())


def _whole(table: sa.Table) -> sa.ColumnElement[Any]:
    stored = [c for c in table.c if c.computed is None and c.name not in ("id", "revision")]
    parts: list[Any] = []
    for column in stored:
        parts += [sa.literal(column.name), as_json(column)]
    return sa.func.jsonb_build_object(*parts, type_=JSONB)


def forget_deleted(connection: sa.Connection, table: sa.Table, ids: Sequence[int]) -> None:
    """Forget that rows were deleted: they come back."""
    connection.execute(
        sa.delete(_EDIT).where(
            _EDIT.c.layer == table.name,
            _EDIT.c.field == "",
            _EDIT.c.row_id == sa.func.any(sa.literal(list(ids), sa.ARRAY(sa.BigInteger))),
        )
    )


def pending(
    after: int | None = None, limit: int | None = None, tables: Sequence[str] | None = None
) -> sa.Select[Any]:
    """Return what is to be decided, the oldest first: what a person set, and what a file says.

    Parameters
    ----------
    tables : of these alone.
    """
    query = sa.select(_EDIT).where(waits()).order_by(_EDIT.c.id).limit(limit)
    if tables is not None:
        query = query.where(_EDIT.c.layer.in_(tables))
    return query if after is None else query.where(_EDIT.c.id > after)


def waits() -> sa.ColumnElement[bool]:
    """Return the condition that a value waits for a decision."""
    return _EDIT.c.offered["value"].is_not(None)


def was_kept() -> sa.ColumnElement[bool]:
    """Return the condition that somebody decided for the person's value, and no file since."""
    return _EDIT.c.offered["kept"].is_not(None)


def keep_mine(connection: sa.Connection, key: int) -> None:
    """Decide for what the person set: the file's value counts as told and asks no more."""
    # What it had said before is set aside: the decision may be taken back.
    connection.execute(
        sa.update(_EDIT)
        .where(_EDIT.c.id == key)
        .values(
            imported=_EDIT.c.offered["value"],
            offered=sa.func.jsonb_build_object("kept", _EDIT.c.imported),
        )
    )


def ask_again(connection: sa.Connection, key: int) -> None:
    """Take back that the person's value was kept: both stand as they did before."""
    connection.execute(
        sa.update(_EDIT)
        .where(_EDIT.c.id == key)
        .values(
            imported=_EDIT.c.offered["kept"],
            offered=sa.func.jsonb_build_object("value", _EDIT.c.imported),
        )
    )


def forget(connection: sa.Connection, key: int) -> None:
    """Forget what is kept: the row says again what its file says."""
    connection.execute(sa.delete(_EDIT).where(_EDIT.c.id == key))

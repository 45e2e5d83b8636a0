"""What was committed, in its order: the log of changes as those read it who follow it.

Every set of changes has a place in the order of commits that leaves no gap, so that a follower
asks for what stands after the last one it knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    true,
)
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import OID, REGCLASS, array
from sqlalchemy.sql.elements import ColumnElement

from layers.base import Base
from layers.history import table_of_change
from layers.prepared import Prepared, prepare

CHANNEL = "onemap_change"
"""Where the database tells the place of each set at its commit."""
MANY = 5_000
"""More changes than this are told by their extents alone."""
MOST = 1_000
"""Who is more sets behind than this had better begin anew."""
CELL_DEG = 0.05

Box = tuple[float, float, float, float]
"""West, south, east and north in EPSG:4326."""


@dataclass(frozen=True)
class Touched:
    """One row that a set changed; with `id` None, all those of a table in some place.

    Attributes
    ----------
    operation : ``I``, ``U`` or ``D``.
    before, after : its extents in EPSG:4326, where it had and has any.
    changed : of the columns that are watched those that are no longer the same; None is unknown.
    """

    table: str
    id: int | None
    operation: str
    before: Box | None = None
    after: Box | None = None
    changed: frozenset[str] | None = None


@dataclass(frozen=True)
class Committed:
    """One set of changes, committed together."""

    seq: int
    recorded_at: datetime
    actor: str | None
    reason: str | None
    changes: tuple[Touched, ...] = ()

    @property
    def tables(self) -> frozenset[str]:
        """The names of the tables that have changed rows."""
        return frozenset(each.table for each in self.changes)


@dataclass(frozen=True)
class State:
    """How the log stands: which log it is, what time it is there, and the sets from a place on."""

    log: int
    now_s: float
    sets: tuple[Committed, ...]


def _sets() -> Any:
    return Base.metadata.tables["change_set"]


def state_from() -> Prepared:
    """Return the statement of the state of the log; its values are ``from`` and ``most``."""
    record = _sets()
    sets = (
        select(record.c.seq, record.c.recorded_at, record.c.actor, record.c.reason)
        .where(record.c.seq >= bindparam("from", 0, type_=BigInteger))
        .order_by(record.c.seq)
        .limit(bindparam("most", 1, type_=BigInteger))
        .subquery("sets")
    )
    one = select(literal_column("1").label("one")).subquery("one")
    name: ColumnElement[Any] = literal("change_set", TextType)
    return prepare(
        select(
            cast(cast(cast(name, REGCLASS), OID), BigInteger).label("log"),
            func.date_part("epoch", func.onemap_now()).label("now_s"),
            sets.c.seq,
            sets.c.recorded_at,
            sets.c.actor,
            sets.c.reason,
        ).select_from(one.outerjoin(sets, true()))
    )


def last_place() -> Prepared:
    """Return the statement of the place of the newest set; NULL before the first one."""
    return prepare(select(func.max(_sets().c.seq)))


def state_of(found: Sequence[Mapping[str, Any]]) -> State:
    """Read the rows of `state_from`."""
    sets = tuple(
        Committed(row["seq"], row["recorded_at"], row["actor"], row["reason"])
        for row in found
        if row["seq"] is not None
    )
    return State(found[0]["log"], found[0]["now_s"], sets)


def _between() -> list[ColumnElement[bool]]:
    seq = _sets().c.seq
    return [
        seq >= bindparam("first", 0, type_=BigInteger),
        seq <= bindparam("last", 0, type_=BigInteger),
    ]


def _box(shape: ColumnElement[Any]) -> list[ColumnElement[float]]:
    return [f(shape) for f in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)]


def changes_between() -> Prepared:
    """Return the statement of the changes of the sets `first` to `last`, one more than `MANY`."""
    record, change = _sets(), table_of_change()
    query: Select[Any] = (
        select(
            record.c.seq,
            change.c.layer,
            change.c.id,
            change.c.operation,
            *(c.label(f"b{n}") for n, c in enumerate(_box(change.c.before))),
            *(c.label(f"a{n}") for n, c in enumerate(_box(change.c.after))),
        )
        .select_from(record.join(change, change.c.tx == record.c.tx))
        .where(*_between())
        .limit(MANY + 1)
    )
    return prepare(query)


def extents_between() -> Prepared:
    """Return the statement of where the sets `first` to `last` changed each table, by cells."""
    record, change = _sets(), table_of_change()
    place = func.coalesce(change.c.after, change.c.before)
    cell = [func.floor(f(place) / CELL_DEG) for f in (func.ST_XMin, func.ST_YMin)]
    query: Select[Any] = (
        select(
            record.c.seq,
            change.c.layer,
            *(c.label(f"b{n}") for n, c in enumerate(_box(func.ST_Extent(change.c.before)))),
            *(c.label(f"a{n}") for n, c in enumerate(_box(func.ST_Extent(change.c.after)))),
        )
        .select_from(record.join(change, change.c.tx == record.c.tx))
        .where(*_between())
        .group_by(record.c.seq, change.c.layer, *cell)
    )
    return prepare(query)


def columns_between(table: str, columns: Sequence[str]) -> Prepared:
    """Return the statement of which columns of the rows of `table` differ from before those sets.

    Compared is with the row as it is now: what a later set took back does not differ.
    """
    record, now = _sets(), Base.metadata.tables[table]
    past = Base.metadata.tables[table + "_history"]
    differ: ColumnElement[Any] = array(
        [
            case((past.c[name].is_distinct_from(now.c[name]), literal(name, TextType)), else_=None)
            for name in columns
        ],
        type_=TextType(),
    )
    return prepare(
        select(record.c.seq, past.c.id, func.array_remove(differ, null()).label("changed"))
        .select_from(record.join(past, past.c.tx == record.c.tx).join(now, now.c.id == past.c.id))
        .where(*_between())
    )


def touched_of(row: Mapping[str, Any]) -> Touched:
    """Read a row of `changes_between` or `extents_between`."""
    row = dict(row)
    before = None if row["b0"] is None else (row["b0"], row["b1"], row["b2"], row["b3"])
    after = None if row["a0"] is None else (row["a0"], row["a1"], row["a2"], row["a3"])
    return Touched(row["layer"], row.get("id"), row.get("operation", "U"), before, after)


def with_changes(
    sets: Iterable[Committed], found: Mapping[int, Sequence[Touched]]
) -> tuple[Committed, ...]:
    """Return the sets with what they changed, by their places."""
    return tuple(replace(each, changes=tuple(found.get(each.seq, ()))) for each in sets)

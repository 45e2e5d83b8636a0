"""In which room, level, building and site each row of a layer is, by joins over whole layers.

`layers.places` asks it of a few rows, one by one; here it is asked of all rows of a list at once:
to narrow it to a place, to sum it up by place, and to say where on the map a row is shown that
has no place of its own. All is derived from keys and link tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.base import Base, Layer
from layers.history import dated
from layers.places import CONTAINERS, keys_to, link_tables
from layers.scope import valid_on

INNERMOST_FIRST = tuple(CONTAINERS)


@dataclass(frozen=True)
class Housed:
    """A FROM-item widened by joins, and the id of each container as an expression over it.

    Attributes
    ----------
    source : the rows, left-joined with what tells their containers; one line each, still.
    ids : the container's id by the name of its table; a table's own kind is its own id.
    """

    source: FromClause
    ids: Mapping[str, ColumnElement[Any]]


def housed(
    layer: Layer, t: FromClause, at: datetime | None = None, on: date | None = None
) -> Housed:
    """Return the rows `t` of a layer with all the containers that hold them.

    A row in several rooms (a person with two offices) counts in the first of them, always the
    same one; so does a hall on two levels, and a level of two buildings.

    Parameters
    ----------
    on : the day on which occupancies count; None is the day of `at`, or today.
    """
    return outward(direct(layer, t, at, on), at)


def direct(
    layer: Layer, t: FromClause, at: datetime | None = None, on: date | None = None
) -> Housed:
    """Return the rows with the containers that they name themselves, by a key or by a link."""
    table = layer.table
    if table.name in INNERMOST_FIRST:
        return Housed(t, {table.name: t.c.id})
    source: FromClause = t
    ids: dict[str, ColumnElement[Any]] = {}
    for kind in INNERMOST_FIRST:
        if keys := keys_to(table, kind):
            ids[kind] = t.c[keys[0].name]
        # A body sits in many rooms: none of them is its place.
        elif table.name != "body" and (link := link_tables(table.name, kind)):
            joined = _first_of(link[0], table.name, kind, at, on)
            source = source.outerjoin(joined, joined.c.here == t.c.id)
            ids[kind] = joined.c.there
    return Housed(source, ids)


def outward(found: Housed, at: datetime | None = None) -> Housed:
    """Return the same lines with what holds their containers, step by step from the inside out."""
    source, ids = found.source, dict(found.ids)
    for inner, outer in pairwise(INNERMOST_FIRST):
        if inner not in ids:
            continue
        above = _above(inner, outer, at)
        if above is None:
            continue
        source = source.outerjoin(above, above.c.here == ids[inner])
        known = ids.get(outer)
        ids[outer] = above.c.there if known is None else func.coalesce(known, above.c.there)
    return Housed(source, ids)


def _above(inner: str, outer: str, at: datetime | None) -> FromClause | None:
    table = Base.metadata.tables[inner]
    for key in keys_to(table, outer)[:1]:
        held = dated(table, at).alias()
        return select(held.c.id.label("here"), held.c[key.name].label("there")).subquery()
    links = link_tables(inner, outer)
    return _first_of(links[0], inner, outer, at, None) if links else None


def _first_of(
    link: Table, here: str, there: str, at: datetime | None, on: date | None
) -> FromClause:
    t = dated(link, at).alias()
    key, target = t.c[keys_to(link, here)[0].name], t.c[keys_to(link, there)[0].name]
    return (
        select(key.label("here"), func.min(target).label("there"))
        .where(key.is_not(None), target.is_not(None), valid_on(t, on, at))
        .group_by(key)
        .subquery()
    )

"""Rules of assets: who no longer keeps any, what is on the books, what lies idle for whom.

The idle of one body may serve the request of another (公物仓, 调剂使用): buying comes after. Two
names are the same where they differ in case and outer blanks alone.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause, Subquery

from layers.access import rows
from layers.assets import ASSETS
from layers.measures.base import Question

IDLE = "idle"


def kept(asset: FromClause) -> ColumnElement[bool]:
    """Return whether an asset is on the books: whatever was not disposed of."""
    return asset.c.state.is_distinct_from("disposed")


def gone(person: FromClause, question: Question) -> ColumnElement[bool]:
    """Return whether a person has retired or left by the question's day, as `space.held` says."""
    return or_(person.c.left_on <= question.day, person.c.state.in_(("left", "retired")))


def folded(name: ColumnElement[Any]) -> ColumnElement[str]:
    """Return a name as it is compared."""
    return func.lower(func.btrim(name))


def idle_in_rooms(question: Question) -> Subquery:
    """Return ``name`` (folded), ``room_id, count, value``: idle assets of a name in each room."""
    asset = rows(ASSETS, question.actor, question.at)
    name = folded(asset.c.name)
    return (
        select(
            name.label("name"),
            asset.c.room_id,
            func.count().label("count"),
            func.sum(asset.c.value_cny).label("value"),
        )
        .where(asset.c.state == IDLE, asset.c.name.is_not(None))
        .group_by(name, asset.c.room_id)
        .subquery("lying")
    )


def idle_by_name(question: Question) -> Subquery:
    """Return ``name`` (folded), ``idle`` and ``room_id``, the room that holds most of them."""
    lying = idle_in_rooms(question)
    order = (lying.c.room_id.is_(None), lying.c.count.desc(), lying.c.room_id)
    placed = select(
        lying.c.name,
        lying.c.room_id,
        func.sum(lying.c.count).over(partition_by=lying.c.name).label("idle"),
        func.row_number().over(partition_by=lying.c.name, order_by=order).label("rank"),
    ).subquery("placed")
    return (
        select(placed.c.name, placed.c.room_id, placed.c.idle)
        .where(placed.c.rank == 1)
        .subquery("by_name")
    )

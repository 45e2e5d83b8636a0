"""What a scope of bodies may see beyond what it owns: the rooms it occupies and what holds them.

"Visible" is the owner's or an occupier's subtree, plus the level, building and site that contain
it. Everything is asked of the dated tables, so that a past moment is judged by its own facts, and
an occupancy counts while it holds: on the day of that moment, or today by the service's clock.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Date,
    DateTime,
    Select,
    and_,
    any_,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy import Text as TextType
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.base import Base
from layers.history import dated

# Days are counted here where the connection does not say (`onemap.timezone`) where else.
TIMEZONE = "Asia/Shanghai"


def _table(name: str, at: datetime | None) -> FromClause:
    return dated(Base.metadata.tables[name], at).alias()


def day_of(at: datetime | None) -> ColumnElement[date]:
    """Return the day of a moment (None: of the service's clock) in the connection's time zone.

    It is a subquery, so that the clock is read once for a statement and not once for each row.
    """
    moment: ColumnElement[Any] = (
        func.onemap_now() if at is None else literal(at, DateTime(timezone=True))
    )
    return select(cast(func.timezone(timezone_of_estate(), moment), Date)).scalar_subquery()


def timezone_of_estate() -> ColumnElement[str]:
    """Return the name of the time zone in which the connection's estate counts its days."""
    given = func.nullif(func.current_setting("onemap.timezone", true(), type_=TextType), "")
    return func.coalesce(given, TIMEZONE)


def valid_on(
    t: FromClause, on: date | None = None, at: datetime | None = None
) -> ColumnElement[bool]:
    """Return the condition that a row holds on a day; None is the day of `at`, or today."""
    if "valid_from" not in t.c or "valid_to" not in t.c:
        return true()
    day = day_of(at) if on is None else literal(on, Date)
    return and_(
        or_(t.c.valid_from.is_(None), t.c.valid_from <= day),
        or_(t.c.valid_to.is_(None), t.c.valid_to > day),
    )


def occupied_rooms(bodies: ColumnElement[Any], at: datetime | None) -> CompoundSelect[Any]:
    """Return the ids of rooms that `bodies` own, or that they or their people occupy that day.

    A person's room is opened by the body the person belongs to, whatever the occupancy copied.
    """
    room, body_held, held, person = (
        _table(name, at) for name in ("room", "occupancy", "occupancy", "person")
    )
    # Each part is found by an index of its own; one condition with "or" would read whole tables.
    return union_all(
        select(room.c.id).where(room.c.body_id == any_(bodies)),
        select(body_held.c.room_id).where(
            body_held.c.person_id.is_(None),
            body_held.c.body_id == any_(bodies),
            valid_on(body_held, at=at),
        ),
        select(held.c.room_id)
        .join(person, person.c.id == held.c.person_id)
        .where(person.c.body_id == any_(bodies), valid_on(held, at=at)),
    )


def containers_of_occupied(
    kind: str, bodies: ColumnElement[Any], at: datetime | None
) -> Select[Any]:
    """Return the ids of the levels, buildings or sites that hold something of `bodies`.

    Parameters
    ----------
    kind : ``"level"``, ``"building"`` or ``"site"``.
    """
    room_level = _table("room_level", at)
    levels = select(room_level.c.level_id).where(
        room_level.c.room_id.in_(occupied_rooms(bodies, at))
    )
    if kind == "level":
        return levels
    level_building = _table("level_building", at)
    buildings = select(level_building.c.building_id).where(level_building.c.level_id.in_(levels))
    if kind == "building":
        return buildings
    building = _table("building", at)
    return select(building.c.site_id).where(
        building.c.site_id.is_not(None),
        or_(building.c.body_id == any_(bodies), building.c.id.in_(buildings)),
    )


def through(
    model: type[Any], key: ColumnElement[Any], bodies: ColumnElement[Any], at: datetime | None
) -> ColumnElement[bool]:
    """Return the condition that `key` names a row of `model` that `bodies` may see now.

    What belongs to another thing is seen with it: a copied owner may be out of date.
    """
    thing = dated(model.__table__, at).alias()
    return key.in_(select(thing.c.id).where(model.visible(thing, bodies, at)))

"""What a scope of bodies may see beyond what it owns: the rooms it occupies and what holds them.

"Visible" is the owner's or an occupier's subtree, plus the level, building and site that contain
it. Everything is asked of the dated tables, so that a past moment is judged by its own facts.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, any_, or_, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.base import Base
from layers.history import dated


def _table(name: str, at: datetime | None) -> FromClause:
    return dated(Base.metadata.tables[name], at).alias()


def occupied_rooms(bodies: ColumnElement[Any], at: datetime | None) -> Select[Any]:
    """Return the ids of rooms owned or occupied by `bodies`."""
    room, occupancy = _table("room", at), _table("occupancy", at)
    return select(room.c.id).where(
        or_(
            room.c.body_id == any_(bodies),
            room.c.id.in_(select(occupancy.c.room_id).where(occupancy.c.body_id == any_(bodies))),
        )
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

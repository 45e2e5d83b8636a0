"""A building as a stack of storeys: how high each lies, and the shapes of its rooms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from layers.access import Actor, rows
from layers.estate import BUILDINGS, LEVELS, LevelBuilding
from layers.places import title_of
from layers.space import ROOMS, RoomLevel

# Where no plan says a height. Said to be assumed wherever it is used.
ASSUMED_STOREY_M = 3.6


class Storey(NamedTuple):
    """A level and where it lies, metres above the building's ground floor.

    `assumed` says that the base, the height or both are recorded nowhere.
    """

    id: int
    ordinal: int
    short_name: str | None
    base_m: float
    height_m: float
    assumed: bool

    @property
    def top_m(self) -> float:
        """Where it ends."""
        return round(self.base_m + self.height_m, 3)


def building(actor: Actor, key: int, at: datetime | None = None) -> Select[Any]:
    """Return the statement for the building's ``id`` and ``title``."""
    found = rows(BUILDINGS, actor, at)
    return select(found.c.id, title_of(BUILDINGS, found).label("title")).where(found.c.id == key)


def levels(actor: Actor, key: int, at: datetime | None = None) -> Select[Any]:
    """Return the statement for the building's levels from the lowest up, as recorded."""
    level, held = rows(LEVELS, actor, at), rows(LevelBuilding, actor, at)
    return (
        select(level.c.id, level.c.ordinal, level.c.short_name, level.c.base_m, level.c.height_m)
        .join(held, held.c.level_id == level.c.id)
        .where(held.c.building_id == key)
        .order_by(level.c.ordinal, level.c.id)
    )


def rooms(actor: Actor, key: int, at: datetime | None = None) -> Select[Any]:
    """Return the statement for the rooms drawn on the building's levels.

    Returns
    -------
    Select of ``id, number, name, use, state, geojson`` and ``level_ids``, from the lowest up.
    """
    room, level = rows(ROOMS, actor, at), rows(LEVELS, actor, at)
    lies, held = rows(RoomLevel, actor, at), rows(LevelBuilding, actor, at)
    on = (
        select(
            lies.c.room_id,
            func.array_agg(aggregate_order_by(level.c.id, level.c.ordinal, level.c.id)).label(
                "level_ids"
            ),
        )
        .join(held, and_(held.c.level_id == lies.c.level_id, held.c.building_id == key))
        .join(level, level.c.id == lies.c.level_id)
        .group_by(lies.c.room_id)
        .subquery("on_levels")
    )
    return (
        select(
            room.c.id,
            room.c.number,
            room.c.name,
            room.c.use,
            room.c.state,
            func.ST_AsGeoJSON(room.c.geom, 7).label("geojson"),
            on.c.level_ids,
        )
        .join(on, on.c.room_id == room.c.id)
        .where(room.c.geom.is_not(None))
        .order_by(room.c.number, room.c.id)
    )


def storeys(found: Iterable[Mapping[str, Any]]) -> list[Storey]:
    """Return the rows of `levels` with a height each: the recorded one, else the assumed one."""
    return [
        Storey(
            row["id"],
            row["ordinal"],
            row["short_name"],
            round(row["ordinal"] * ASSUMED_STOREY_M, 3) if row["base_m"] is None else row["base_m"],
            ASSUMED_STOREY_M if row["height_m"] is None else row["height_m"],
            row["base_m"] is None or row["height_m"] is None,
        )
        for row in found
    ]

"""Rooms, openings and who is in them (IMDF unit, opening, occupant)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Date,
    Float,
    Integer,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.schema import UniqueConstraint
from sqlalchemy.sql.selectable import FromClause

from layers.base import (
    Base,
    Entity,
    Feature,
    Layer,
    Paint,
    See,
    Sharing,
    Text,
    Words,
    choice,
    column,
    reference,
    table_of,
)
from layers.estate import Level
from layers.history import dated
from layers.links import Link
from layers.people import Person
from layers.scope import containers_of_occupied, occupied_rooms, through
from layers.sharing import share

# Whoever works on a level may see how to walk through it.
CIRCULATION = ("walkway", "lobby", "stairs", "elevator", "escalator", "ramp", "steps", "restroom")


class Room(Feature):
    """A room (IMDF ``unit``); its three areas are kept apart and never mixed."""

    __tablename__ = "room"
    geometry_type: ClassVar[str] = "MULTIPOLYGON"
    number: Mapped[str | None] = column(
        TextType, "房间号", "room number", index=True, example="B01-301"
    )
    category: Mapped[str | None] = choice("unit_category", "类别", "category")
    use: Mapped[str | None] = choice("room_use", "用途", "use")
    state: Mapped[str | None] = choice("room_state", "状态", "state")
    vacant_since: Mapped[date | None] = column(
        Date, "空置起始", "vacant since", example="2026-04-01"
    )
    usable_area_m2: Mapped[float | None] = column(
        Float, "使用面积", "declared usable area", unit="m²", example="17.5"
    )
    capacity: Mapped[int | None] = column(Integer, "可容纳人数", "capacity", unit="人", example="2")
    built_area_m2: Mapped[float | None] = column(
        Float, "建筑面积", "built area", unit="m²", example="26.0"
    )
    polygon_area_m2: Mapped[float | None] = column(
        Float,
        "图形面积",
        "area of the polygon",
        Computed("ST_Area(geom::geography)", persisted=True),
        unit="m²",
    )
    restriction: Mapped[str | None] = choice("restriction", "限制", "restriction")

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """As an entity, occupied by the scope, or circulation on a level it occupies."""
        on_level = dated(Base.metadata.tables["room_level"], at).alias()
        walks = and_(
            t.c.category.in_(CIRCULATION),
            exists(
                select(on_level.c.id).where(
                    on_level.c.room_id == t.c.id,
                    on_level.c.level_id.in_(containers_of_occupied("level", bodies, at)),
                )
            ),
        )
        return or_(super().visible(t, bodies, at), t.c.id.in_(occupied_rooms(bodies, at)), walks)

    @classmethod
    def derived(
        cls, t: FromClause, at: datetime | None, _see: See
    ) -> dict[str, ColumnElement[Any]]:
        """Return the room's levels, for the floor switch: their ids and their ordinals."""
        link = dated(Base.metadata.tables["room_level"], at).alias()
        level = dated(Base.metadata.tables["level"], at).alias()
        joined = link.join(level, level.c.id == link.c.level_id)

        def listed(c: ColumnElement[Any]) -> ColumnElement[Any]:
            text = func.string_agg(cast(c, TextType), aggregate_order_by(literal(","), c))
            return (
                select(text).select_from(joined).where(link.c.room_id == t.c.id).scalar_subquery()
            )

        return {"levels": listed(level.c.id), "ordinals": listed(level.c.ordinal)}


class RoomLevel(Link):
    """A room lies on a level (a hall of two storeys lies on two)."""

    __tablename__ = "room_level"
    __table_args__ = (UniqueConstraint("room_id", "level_id"),)
    room_id: Mapped[int] = reference(
        "room.id", "房间", "room", nullable=False, index=False, ondelete="CASCADE"
    )
    level_id: Mapped[int] = reference(
        "level.id", "楼层", "level", nullable=False, ondelete="CASCADE"
    )


class Occupancy(Entity):
    """A person, or a body as such, holds a share of a room for a time.

    `body_id` is the occupying body: the person's own, or the body that holds the room.
    """

    __tablename__ = "occupancy"
    __table_args__ = (
        UniqueConstraint("source", "source_key"),
        CheckConstraint("share > 0 AND share <= 1", name="share"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="validity"),
    )
    room_id: Mapped[int] = reference("room.id", "房间", "room", nullable=False, ondelete="CASCADE")
    person_id: Mapped[int | None] = reference("person.id", "人员", "person", ondelete="CASCADE")
    share: Mapped[float] = column(
        Float, "占用份额", "share of the room", nullable=False, server_default="1", example="1"
    )
    valid_from: Mapped[date | None] = column(Date, "起始日期", "valid from", example="2026-01-01")
    valid_to: Mapped[date | None] = column(Date, "截止日期", "valid to (exclusive)")

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """With its person, whose body may have changed since; without one, as an entity."""
        return or_(
            and_(t.c.person_id.is_(None), super().visible(t, bodies, at)),
            through(Person, t.c.person_id, bodies, at),
        )


# The key of an occupancy is that of its room, its person and its first day.
share(table_of(Occupancy), source_key=Sharing.IDENTITY, attributes=Sharing.CONTACT)


class Opening(Feature):
    """A door or passage between rooms."""

    __tablename__ = "opening"
    geometry_type: ClassVar[str] = "LINESTRING"
    category: Mapped[str | None] = choice("opening_category", "类别", "category")
    level_id: Mapped[int | None] = reference("level.id", "楼层", "level", ondelete="CASCADE")

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """With its level; without one, as an entity."""
        return or_(
            and_(t.c.level_id.is_(None), super().visible(t, bodies, at)),
            through(Level, t.c.level_id, bodies, at),
        )

    @classmethod
    def derived(
        cls, t: FromClause, at: datetime | None, _see: See
    ) -> dict[str, ColumnElement[Any]]:
        """Return the ordinal of the level, for the floor switch."""
        level = dated(Base.metadata.tables["level"], at).alias()
        ordinal = select(level.c.ordinal).where(level.c.id == t.c.level_id).scalar_subquery()
        return {"ordinal": ordinal}


ROOMS = Layer(
    name="rooms",
    model=Room,
    title=Text("房间", "Rooms"),
    description=Text("平面图上的房间（IMDF unit）", "Rooms of the floor plans (IMDF unit)"),
    group="estate",
    zooms=(16, 19),
    tiled=("name", "number", "category", "use", "state"),
    searchable=("number", "name"),
    paint=Paint(
        "fill",
        "#fbfaf7",
        "#2a2f35",
        outline="#b9ae9c",
        outline_dark="#545b64",
        label="number",
        label_zoom=18,
        words=Words(size=11, rank=20, close=19.5, tail="-", more="name"),
        empty=("state", "vacant"),
        by="use",
        colors={
            "circulation": "#ece8e0",
            "ancillary": "#e4e9ec",
            "equipment": "#dfe3e6",
            "meeting": "#e6eef7",
            "service": "#eef2e4",
        },
    ),
)
OPENINGS = Layer(
    name="openings",
    model=Opening,
    title=Text("门", "Openings"),
    description=Text("房间之间的门和通道", "Doors and passages between rooms"),
    group="estate",
    zooms=(18, 19),
    tiled=("category",),
    searchable=(),
    paint=Paint("line", "#8d8271", "#7d8791", width=1.5),
)
OCCUPANCIES = Layer(
    name="occupancies",
    model=Occupancy,
    title=Text("房间占用", "Occupancies"),
    description=Text("谁在何时使用哪间房", "Who uses which room, and when"),
    group="estate",
    searchable=(),
)

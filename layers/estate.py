"""Sites, buildings and levels: the land and what stands on it (IMDF venue, building, level)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Float, Integer, or_
from sqlalchemy import Text as TextType
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.schema import UniqueConstraint
from sqlalchemy.sql.selectable import FromClause

from layers.base import Area, Feature, Layer, Paint, Text, Words, choice, column, reference
from layers.links import Link
from layers.scope import containers_of_occupied


class Site(Area):
    """A plot of land with the buildings of one or more bodies (院落)."""

    __tablename__ = "site"
    geometry_type: ClassVar[str] = "MULTIPOLYGON"
    address: Mapped[str | None] = column(TextType, "地址", "address")
    land_area_m2: Mapped[float | None] = column(
        Float, "土地面积", "land area", unit="m²", example="12000"
    )
    tenure: Mapped[str | None] = choice("tenure", "权属", "tenure")

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """As an entity, or because it holds something visible."""
        return or_(
            super().visible(t, bodies, at), t.c.id.in_(containers_of_occupied("site", bodies, at))
        )


class Building(Area):
    """A building: its footprint and the facts of its file."""

    __tablename__ = "building"
    geometry_type: ClassVar[str] = "MULTIPOLYGON"
    site_id: Mapped[int | None] = reference("site.id", "院落", "site")
    code: Mapped[str | None] = column(TextType, "楼号", "building code", index=True, example="B01")
    address: Mapped[str | None] = column(TextType, "地址", "address")
    use: Mapped[str | None] = choice("building_use", "用途", "use")
    tenure: Mapped[str | None] = choice("tenure", "权属", "tenure")
    levels_above: Mapped[int | None] = column(
        Integer, "地上层数", "levels above ground", example="6"
    )
    levels_below: Mapped[int | None] = column(
        Integer, "地下层数", "levels below ground", example="1"
    )
    height_m: Mapped[float | None] = column(Float, "高度", "height", unit="m", example="24.5")
    built_area_m2: Mapped[float | None] = column(
        Float, "建筑面积", "built area", unit="m²", example="5200"
    )
    usable_area_m2: Mapped[float | None] = column(
        Float, "使用面积", "usable area", unit="m²", example="3400"
    )
    built_year: Mapped[int | None] = column(Integer, "建成年份", "year built", example="1998")

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """As an entity, or because it holds something visible."""
        return or_(
            super().visible(t, bodies, at),
            t.c.id.in_(containers_of_occupied("building", bodies, at)),
        )


class Level(Feature):
    """A storey; one level may belong to several buildings (IMDF ``building_ids``)."""

    __tablename__ = "level"
    geometry_type: ClassVar[str] = "MULTIPOLYGON"
    ordinal: Mapped[int] = column(
        Integer, "楼层序号", "ordinal (0 = ground)", index=True, example="0"
    )
    short_name: Mapped[str | None] = column(TextType, "楼层", "short name", example="1F")
    base_m: Mapped[float | None] = column(Float, "底标高", "base height", unit="m")
    height_m: Mapped[float | None] = column(Float, "层高", "height", unit="m")

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """As an entity, or because it holds something visible."""
        return or_(
            super().visible(t, bodies, at), t.c.id.in_(containers_of_occupied("level", bodies, at))
        )


class LevelBuilding(Link):
    """A level belongs to a building."""

    __tablename__ = "level_building"
    __table_args__ = (UniqueConstraint("level_id", "building_id"),)
    level_id: Mapped[int] = reference(
        "level.id", "楼层", "level", nullable=False, index=False, ondelete="CASCADE"
    )
    building_id: Mapped[int] = reference(
        "building.id", "建筑", "building", nullable=False, ondelete="CASCADE"
    )


SITES = Layer(
    name="sites",
    model=Site,
    title=Text("院落", "Sites"),
    description=Text("土地及其上的建筑", "Plots of land and what stands on them"),
    group="estate",
    zooms=(9, 16),
    searchable=("name", "address"),
    paint=Paint(
        "fill",
        "#e9e4f2",
        "#2b2836",
        outline="#a598c8",
        outline_dark="#5d5478",
        opacity=0.55,
        label="name",
        label_zoom=13,
        words=Words(size=13, strong=True, color="#4b3f78", dark="#c3b8e6", rank=10, until=18),
    ),
)
BUILDINGS = Layer(
    name="buildings",
    model=Building,
    title=Text("建筑", "Buildings"),
    description=Text("建筑物轮廓及其档案", "Footprints of buildings and their file"),
    group="estate",
    zooms=(10, 16),
    tiled=("name", "code", "height_m", "levels_above", "use"),
    searchable=("name", "code", "address"),
    paint=Paint(
        "fill",
        "#e2ddd5",
        "#353a40",
        outline="#cbbfae",
        outline_dark="#565d66",
        label="name",
        label_zoom=15,
        words=Words(size=12, rank=30, close=16.5, short="code"),
    ),
)
LEVELS = Layer(
    name="levels",
    model=Level,
    title=Text("楼层", "Levels"),
    description=Text("建筑物的各层", "The storeys of the buildings"),
    group="estate",
    zooms=(15, 18),
    tiled=("name", "ordinal", "short_name"),
    paint=Paint("fill", "#f7f5f1", "#22262b", outline="#b9ae9c", outline_dark="#4a515a"),
)

"""The base map of our own: roads, water, green and blocks, so that no outside tiles are needed."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import DateTime, Float
from sqlalchemy import Text as TextType
from sqlalchemy.orm import Mapped

from layers.base import Area, Feature, Layer, Paint, Stroke, Text, Words, choice, column


class Road(Feature):
    """A street or path."""

    __tablename__ = "road"
    geometry_type: ClassVar[str] = "MULTILINESTRING"
    road_class: Mapped[str | None] = choice("road_class", "道路等级", "class")


class Water(Area):
    """A river, lake or sea."""

    __tablename__ = "water"
    geometry_type: ClassVar[str] = "MULTIPOLYGON"


class Green(Area):
    """A park, wood or lawn."""

    __tablename__ = "green"
    geometry_type: ClassVar[str] = "MULTIPOLYGON"


class Block(Area):
    """A block of the town between streets."""

    __tablename__ = "block"
    geometry_type: ClassVar[str] = "MULTIPOLYGON"
    use: Mapped[str | None] = choice("block_use", "用地", "use")


class Imagery(Feature):
    """A georeferenced picture (GeoTIFF) in the data folder; `geom` is its footprint."""

    __tablename__ = "imagery"
    managed: ClassVar[bool] = False  # a file on the disk
    geometry_type: ClassVar[str] = "MULTIPOLYGON"
    path: Mapped[str] = column(
        TextType, "文件", "file, relative to the data folder", nullable=False
    )
    taken_at: Mapped[object | None] = column(DateTime(timezone=True), "拍摄时间", "taken at")
    resolution_m: Mapped[float | None] = column(Float, "分辨率", "resolution", unit="m")


_DAY_WATER, _NIGHT_WATER = "#cfe0ee", "#1c2b3a"

BLOCKS = Layer(
    name="blocks",
    model=Block,
    title=Text("街区", "Blocks"),
    description=Text("街道之间的地块", "The ground between streets"),
    group="basemap",
    zooms=(8, 14),
    tiled=("name", "use"),
    searchable=(),
    paint=Paint("fill", "#ece9e3", "#1d2126", opacity=0.8),
)
GREENS = Layer(
    name="greens",
    model=Green,
    title=Text("绿地", "Green"),
    description=Text("公园、林地和草地", "Parks, woods and lawns"),
    group="basemap",
    zooms=(6, 14),
    paint=Paint(
        "fill",
        "#dfeadb",
        "#1e2a22",
        label="name",
        label_zoom=15,
        words=Words(size=11, color="#5d7a56", dark="#86a585", rank=60),
    ),
)
WATERS = Layer(
    name="waters",
    model=Water,
    title=Text("水域", "Water"),
    description=Text("河流和湖泊", "Rivers and lakes"),
    group="basemap",
    zooms=(4, 14),
    paint=Paint(
        "fill",
        _DAY_WATER,
        _NIGHT_WATER,
        label="name",
        label_zoom=13,
        words=Words(size=12, color="#5480a3", dark="#7fa6c6", rank=55),
    ),
)
ROADS = Layer(
    name="roads",
    model=Road,
    title=Text("道路", "Roads"),
    description=Text("街道和小路", "Streets and paths"),
    group="basemap",
    zooms=(8, 15),
    tiled=("name", "road_class"),
    paint=Paint(
        "line",
        "#ffffff",
        "#343a41",
        outline="#e3e0da",
        outline_dark="#23272c",
        width=5,
        label="name",
        label_zoom=12,
        words=Words(size=11, color="#7a746a", dark="#98a1ab", rank=70),
        by="road_class",
        lines={
            "motorway": Stroke("#fbeecb", "#5a5138", "#dfcfa4", "#2a2619", 10, 8, 12),
            "primary": Stroke("#ffffff", "#474e56", "#d9d4cb", "#23272c", 9, 8, 13),
            "secondary": Stroke("#ffffff", "#3d434a", "#e0dcd5", "#22262b", 7, 10, 14),
            "residential": Stroke("#ffffff", "#343a41", "#e6e3dd", "#22262b", 5, 12, 16),
            "service": Stroke("#faf9f7", "#2e343a", "#e6e3dd", "#22262b", 3, 14, 17),
            "path": Stroke("#f0ede7", "#2b3036", "#e6e3dd", "#22262b", 1.5, 15, 17),
        },
    ),
)
IMAGERY = Layer(
    name="imagery",
    model=Imagery,
    title=Text("影像", "Imagery"),
    description=Text("正射影像等栅格图", "Orthophotos and other rasters"),
    group="basemap",
    zooms=(0, 22),
    searchable=("name",),
)

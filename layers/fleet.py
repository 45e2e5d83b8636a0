"""Official vehicles, their positions, and the trips and stops found in them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, DateTime, Float, Index, Integer, Numeric, select
from sqlalchemy import Text as TextType
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.base import (
    SRID,
    Base,
    Feature,
    Layer,
    Paint,
    See,
    Series,
    Sharing,
    Text,
    Words,
    choice,
    column,
    reference,
    table_of,
)
from layers.scope import through
from layers.sharing import share


class Vehicle(Feature):
    """A vehicle; `geom` is its fixed parking place, not where it is now."""

    __tablename__ = "vehicle"
    geometry_type: ClassVar[str] = "POINT"
    plate: Mapped[str | None] = column(
        TextType, "车牌号", "plate", index=True, example="演A·D0001", sharing=Sharing.PLATE
    )
    vehicle_class: Mapped[str | None] = choice("vehicle_class", "车辆类别", "class")
    model: Mapped[str | None] = column(TextType, "品牌型号", "make and model")
    energy: Mapped[str | None] = choice("vehicle_energy", "能源", "energy")
    displacement_l: Mapped[float | None] = column(
        Float, "排量", "displacement", unit="L", example="1.6"
    )
    price_cny: Mapped[Decimal | None] = column(
        Numeric(14, 2), "购置价格", "price", unit="元", example="118000"
    )
    state: Mapped[str | None] = choice("vehicle_state", "状态", "state")
    parking: Mapped[str | None] = column(TextType, "固定停放点", "fixed parking place")


# A register of cars is kept by plates, and often says who drives.
share(table_of(Vehicle), source_key=Sharing.PLATE, attributes=Sharing.CONTACT)


class PositionLatest(Base):
    """The newest fix of each vehicle: what the map shows as "now"."""

    __tablename__ = "position_latest"
    __table_args__ = {"postgresql_with": {"fillfactor": "70"}}  # noqa: RUF012 - SQLAlchemy's own form
    vehicle_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    geom: Mapped[Any] = mapped_column(Geometry("POINT", SRID, spatial_index=False), nullable=False)
    speed_kmh: Mapped[float | None] = mapped_column(Float)
    heading_deg: Mapped[float | None] = mapped_column(Float)
    altitude_m: Mapped[float | None] = mapped_column(Float)


class Position(Series):
    """A fix of a vehicle, in EPSG:4326; partitioned by day."""

    __tablename__ = "position"
    __table_args__ = (
        Index("ix_position_time", "time", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (time)"},
    )
    thing: ClassVar[type[Vehicle]] = Vehicle
    thing_key: ClassVar[str] = "vehicle_id"
    latest: ClassVar[type[Base]] = PositionLatest
    vehicle_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="车辆 | vehicle"
    )
    time: Mapped[datetime] = column(DateTime(timezone=True), "时间", "time", primary_key=True)
    geom: Mapped[Any] = mapped_column(
        Geometry("POINT", SRID, spatial_index=False), comment="位置 | position", nullable=False
    )
    speed_kmh: Mapped[float | None] = column(
        Float, "速度", "speed", unit="km/h", sharing=Sharing.LOCATION
    )
    heading_deg: Mapped[float | None] = column(
        Float, "方向", "heading, clockwise from north", unit="°", sharing=Sharing.LOCATION
    )
    altitude_m: Mapped[float | None] = column(
        Float, "海拔", "altitude", unit="m", sharing=Sharing.LOCATION
    )

    @classmethod
    def derived(
        cls, t: FromClause, _at: datetime | None, see: See
    ) -> dict[str, ColumnElement[Any]]:
        """Return the plate: what one calls the car by."""
        car = see(Vehicle)
        return {"plate": select(car.c.plate).where(car.c.id == t.c.id).scalar_subquery()}


share(table_of(Position), geom=Sharing.LOCATION)


class Trip(Feature):
    """A movement between two stops; the M of its line is seconds since 1970 (UTC)."""

    __tablename__ = "trip"
    managed: ClassVar[bool] = False  # made of positions
    geometry_type: ClassVar[str] = "LINESTRINGM"
    dimension: ClassVar[int] = 3
    vehicle_id: Mapped[int] = reference(
        "vehicle.id", "车辆", "vehicle", nullable=False, ondelete="CASCADE"
    )
    started_at: Mapped[datetime] = column(
        DateTime(timezone=True), "出发时间", "started at", index=True
    )
    ended_at: Mapped[datetime] = column(DateTime(timezone=True), "到达时间", "ended at")
    length_km: Mapped[float] = column(Float, "里程", "length", unit="km")
    moving_s: Mapped[int] = column(Integer, "行驶时长", "time moving", unit="s")
    fixes: Mapped[int] = column(Integer, "定位点数", "number of fixes")

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """With its vehicle, as its positions are."""
        return through(Vehicle, t.c.vehicle_id, bodies, at)


class Stop(Feature):
    """A stay of a vehicle between trips."""

    __tablename__ = "stop"
    managed: ClassVar[bool] = False  # made of positions
    geometry_type: ClassVar[str] = "POINT"
    vehicle_id: Mapped[int] = reference(
        "vehicle.id", "车辆", "vehicle", nullable=False, ondelete="CASCADE"
    )
    started_at: Mapped[datetime] = column(
        DateTime(timezone=True), "到达时间", "started at", index=True
    )
    ended_at: Mapped[datetime] = column(DateTime(timezone=True), "离开时间", "ended at")
    duration_s: Mapped[int] = column(Integer, "停留时长", "duration", unit="s")

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """With its vehicle, as its positions are."""
        return through(Vehicle, t.c.vehicle_id, bodies, at)


for _found in (Trip, Stop):
    # Their keys are that of the car and the time.
    share(
        table_of(_found),
        geom=Sharing.TRACK,
        geom_3857=Sharing.TRACK,
        source_key=Sharing.PLATE,
        attributes=Sharing.CONTACT,
    )

VEHICLES = Layer(
    name="vehicles",
    model=Vehicle,
    title=Text("车辆", "Vehicles"),
    description=Text("公务用车及其固定停放点", "Official vehicles and their fixed parking places"),
    group="fleet",
    zooms=(10, 16),
    tiled=("name", "plate", "state"),
    searchable=("plate", "name", "model"),
    paint=Paint("circle", "#9fb3c8", "#51657a", outline="#ffffff", width=4),
    shown=False,
)
POSITIONS = Layer(
    name="positions",
    model=Position,
    title=Text("车辆位置", "Vehicle positions"),
    description=Text(
        "每辆车的最后位置；历史可查询", "Last position of each car; the past by query"
    ),
    group="fleet",
    zooms=(6, 16),
    tiled=("time", "speed_kmh", "heading_deg"),
    searchable=(),
    paint=Paint(
        "circle",
        "#1f5fbf",
        "#6aa5ff",
        outline="#ffffff",
        outline_dark="#16191d",
        width=6,
        label="plate",
        label_zoom=15,
        words=Words(size=11, strong=True, rank=5, close=18, tail="·"),
    ),
)
TRIPS = Layer(
    name="trips",
    model=Trip,
    title=Text("行程", "Trips"),
    description=Text("由定位点得出的行程", "Trips found in the positions"),
    group="fleet",
    zooms=(9, 16),
    max_features=2_000,
    tiled=("vehicle_id", "started_at", "length_km"),
    searchable=(),
    paint=Paint("line", "#1f5fbf", "#6aa5ff", width=2, opacity=0.5),
    shown=False,
)
STOPS = Layer(
    name="stops",
    model=Stop,
    title=Text("停留", "Stops"),
    description=Text("行程之间的停留", "Stays between trips"),
    group="fleet",
    zooms=(11, 16),
    tiled=("vehicle_id", "duration_s"),
    searchable=(),
    paint=Paint("circle", "#5c7fa8", "#86a8cf", outline="#ffffff", width=3),
    shown=False,
)

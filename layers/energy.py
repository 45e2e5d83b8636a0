"""Meters, what they measure, and their readings."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Float, Index, Integer
from sqlalchemy import Text as TextType
from sqlalchemy.orm import Mapped, mapped_column

from layers.base import Base, Feature, Layer, Paint, Series, Text, choice, column, reference
from layers.links import Link


class Meter(Feature):
    """A meter: how its register is read and which item it measures."""

    __tablename__ = "meter"
    geometry_type: ClassVar[str] = "POINT"
    number: Mapped[str | None] = column(
        TextType, "表号", "meter number", index=True, example="E-0001"
    )
    kind: Mapped[str | None] = choice("meter_kind", "能源种类", "kind")
    item: Mapped[str | None] = choice("meter_item", "分项", "item")
    unit: Mapped[str | None] = column(TextType, "计量单位", "unit", example="kWh")
    parent_id: Mapped[int | None] = reference("meter.id", "上级表", "parent meter")
    multiplier: Mapped[float] = column(
        Float, "倍率", "multiplier", server_default="1", nullable=False, example="40"
    )
    digits: Mapped[int | None] = column(Integer, "表位数", "digits before the point", example="5")
    reading_form: Mapped[str] = choice(
        "reading_form", "读数形式", "form of readings", server_default="register", nullable=False
    )


class MeterScope(Link):
    """A meter serves a site, a building, a level or a room: exactly one of them a row."""

    __tablename__ = "meter_scope"
    __table_args__ = (
        CheckConstraint("num_nonnulls(site_id, building_id, level_id, room_id) = 1", name="one"),
        Index(
            "uq_meter_scope",
            "meter_id",
            "site_id",
            "building_id",
            "level_id",
            "room_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )
    meter_id: Mapped[int] = reference(
        "meter.id", "计量表", "meter", nullable=False, index=False, ondelete="CASCADE"
    )
    site_id: Mapped[int | None] = reference("site.id", "院落", "site", ondelete="CASCADE")
    building_id: Mapped[int | None] = reference(
        "building.id", "建筑", "building", ondelete="CASCADE"
    )
    level_id: Mapped[int | None] = reference("level.id", "楼层", "level", ondelete="CASCADE")
    room_id: Mapped[int | None] = reference("room.id", "房间", "room", ondelete="CASCADE")


class Reading(Series):
    """A reading at the end of an interval; `start` is NULL for a register.

    `value` is the register (before the multiplier) or the consumption of [start, time).
    `closing_value` is the last register of a meter that was taken out at this very time.
    """

    __tablename__ = "reading"
    __table_args__ = (
        Index("ix_reading_time", "time", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (time)"},
    )
    thing: ClassVar[type[Meter]] = Meter
    thing_key: ClassVar[str] = "meter_id"
    partition: ClassVar[str] = "month"
    meter_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="计量表 | meter"
    )
    time: Mapped[datetime] = column(
        DateTime(timezone=True), "抄表时间", "end of the interval", primary_key=True
    )
    start: Mapped[datetime | None] = column(
        DateTime(timezone=True), "区间起点", "start of the interval"
    )
    value: Mapped[float] = column(Float, "读数", "value", nullable=False, example="12034.5")
    closing_value: Mapped[float | None] = column(
        Float, "旧表止数", "closing value of the replaced meter"
    )
    quality: Mapped[str] = choice(
        "reading_quality", "质量", "quality", server_default="measured", nullable=False
    )


class MeterEvent(Base):
    """What is not plain in the readings of a meter: derived from them, and rebuilt when they come.

    With it any window between two readings is one sum: the registers' difference and the
    `correction` of the events between, times the multiplier.
    """

    __tablename__ = "meter_event"
    meter_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="计量表 | meter"
    )
    time: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), primary_key=True, comment="区间终点 | end of the interval"
    )
    kind: Mapped[str] = mapped_column(
        TextType, primary_key=True, comment="情况 | reason code of geo.messages.READING_MESSAGES"
    )
    start: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), comment="区间起点 | start of the interval"
    )
    consumption: Mapped[float | None] = mapped_column(
        Float, comment="区间用量 | consumption of the interval in the meter's unit, where known"
    )
    correction: Mapped[float] = mapped_column(
        Float,
        server_default="0",
        comment="底数修正 | what the register's difference lacks, before the multiplier",
    )


SET_ASIDE: Final = (
    "spurious_zero", "spurious_dip", "spurious_spike", "no_value", "too_many_digits",
    "duplicate_reading", "conflict", "overlap",
)  # fmt: skip
"""Kinds of events that are a reading which does not count; the others are intervals."""

METERS = Layer(
    name="meters",
    model=Meter,
    title=Text("计量表", "Meters"),
    description=Text("水、电、气、热计量表", "Meters of electricity, water, gas and heat"),
    group="energy",
    zooms=(14, 19),
    tiled=("name", "number", "kind", "item"),
    searchable=("number", "name"),
    paint=Paint(
        "circle", "#c98b00", "#e8b94a", outline="#ffffff", width=5, label="number", label_zoom=19
    ),
    shown=False,
)
READINGS = Layer(
    name="readings",
    model=Reading,
    title=Text("读数", "Readings"),
    description=Text("计量表的读数", "The readings of the meters"),
    group="energy",
    searchable=(),
)

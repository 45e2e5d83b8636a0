"""Regulated numbers as dated data: energy factors and office area standards."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Date, Float, UniqueConstraint
from sqlalchemy import Text as TextType
from sqlalchemy.orm import Mapped

from layers.base import Entity, Layer, Text, choice, column


class Factor(Entity):
    """What one unit of an energy carrier counts for, in one edition, for a time and a region."""

    __tablename__ = "factor"
    __table_args__ = (
        UniqueConstraint("source", "source_key"),
        CheckConstraint("value >= 0", name="value"),
    )
    quantity: Mapped[str] = choice("factor_quantity", "折算量", "quantity", nullable=False)
    carrier: Mapped[str] = choice("meter_kind", "能源种类", "carrier", nullable=False)
    method: Mapped[str | None] = choice("factor_method", "折算方法", "method")
    region: Mapped[str | None] = column(TextType, "地区", "region", example="全国")
    value: Mapped[float] = column(Float, "系数", "value", nullable=False, example="0.1229")
    unit: Mapped[str] = column(TextType, "单位", "unit", nullable=False, example="kgce/kWh")
    edition: Mapped[str] = column(TextType, "版本", "edition", nullable=False)
    valid_from: Mapped[date] = column(Date, "生效日期", "valid from", nullable=False)
    valid_to: Mapped[date | None] = column(Date, "失效日期", "valid to (exclusive)")
    citation: Mapped[str | None] = column(TextType, "依据", "citation")


class AreaStandard(Entity):
    """The most usable office area for one person of a rank at a tier, in one edition."""

    __tablename__ = "area_standard"
    __table_args__ = (
        UniqueConstraint("source", "source_key"),
        CheckConstraint("area_m2 > 0", name="area_m2"),
    )
    tier: Mapped[str] = choice("tier", "层级", "tier", nullable=False)
    rank: Mapped[str] = choice("rank", "职级", "rank", nullable=False)
    area_m2: Mapped[float] = column(
        Float,
        "面积标准",
        "usable area a person",
        unit="m²",
        nullable=False,
        example="9",
        summed=False,
    )
    edition: Mapped[str] = column(TextType, "版本", "edition", nullable=False)
    valid_from: Mapped[date] = column(Date, "生效日期", "valid from", nullable=False)
    valid_to: Mapped[date | None] = column(Date, "失效日期", "valid to (exclusive)")
    citation: Mapped[str | None] = column(TextType, "依据", "citation")


FACTORS = Layer(
    name="factors",
    model=Factor,
    title=Text("折算系数", "Factors"),
    description=Text("标准煤和碳排放系数，按版本", "Standard coal and carbon factors by edition"),
    group="standards",
)
AREA_STANDARDS = Layer(
    name="area_standards",
    model=AreaStandard,
    title=Text("面积标准", "Area standards"),
    description=Text("办公用房面积标准，按版本", "Office area standards by edition"),
    group="standards",
)

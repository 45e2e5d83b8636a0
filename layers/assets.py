"""Movable assets: equipment and furniture with a tag, a custodian and a room."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import CheckConstraint, Date, DateTime, Integer, Numeric, UniqueConstraint
from sqlalchemy import Text as TextType
from sqlalchemy.orm import Mapped, declared_attr

from layers.base import Entity, Feature, Layer, Paint, Text, choice, column, reference


class Asset(Feature):
    """An asset; one known only by its room has no `geom` and is counted on the room."""

    __tablename__ = "asset"
    geometry_type: ClassVar[str] = "POINT"

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[object, ...]:
        return (*super().__table_args__, CheckConstraint("value_cny >= 0", name="value_cny"))

    number: Mapped[str | None] = column(
        TextType, "资产编号", "asset number", index=True, example="ZC-2026-000001"
    )
    tag: Mapped[str | None] = column(
        TextType, "标签号", "tag (QR or RFID)", index=True, example="E28011700000020A1B2C3D4E"
    )
    class_code: Mapped[str | None] = column(
        TextType, "分类代码", "class (GB/T 14885)", example="A02010104"
    )
    model: Mapped[str | None] = column(TextType, "规格型号", "model")
    serial: Mapped[str | None] = column(TextType, "序列号", "serial number")
    state: Mapped[str | None] = choice("asset_state", "状态", "state")
    room_id: Mapped[int | None] = reference("room.id", "所在房间", "room")
    custodian_id: Mapped[int | None] = reference("person.id", "保管人", "custodian")
    value_cny: Mapped[Decimal | None] = column(
        Numeric(14, 2), "原值", "value", unit="元", example="5600.00"
    )
    acquired_on: Mapped[date | None] = column(Date, "取得日期", "acquired on", example="2023-05-12")
    scanned_room_id: Mapped[int | None] = reference("room.id", "盘点房间", "room last scanned in")
    scanned_at: Mapped[datetime | None] = column(
        DateTime(timezone=True), "盘点时间", "last scanned at"
    )


class PurchaseRequest(Entity):
    """A body's request to buy things: `name` is what, `body_id` the body that asks."""

    __tablename__ = "purchase_request"
    __table_args__ = (
        UniqueConstraint("source", "source_key"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("unit_price_cny >= 0", name="unit_price_cny"),
    )
    number: Mapped[str | None] = column(
        TextType, "申请单号", "request number", index=True, example="CG-20261010-001"
    )
    quantity: Mapped[int] = column(
        Integer, "数量", "quantity", unit="件", nullable=False, example="40"
    )
    unit_price_cny: Mapped[Decimal | None] = column(
        Numeric(14, 2), "单价", "unit price", unit="元", example="1200.00", summed=False
    )
    requested_on: Mapped[date | None] = column(
        Date, "申请日期", "requested on", example="2026-10-10"
    )


ASSETS = Layer(
    name="assets",
    model=Asset,
    title=Text("资产", "Assets"),
    description=Text("设备和家具", "Equipment and furniture"),
    group="assets",
    zooms=(14, 19),
    tiled=("name", "number", "state"),
    searchable=("number", "tag", "name", "serial"),
    paint=Paint(
        "circle", "#7a5195", "#b48fd0", outline="#ffffff", width=4, label="name", label_zoom=20
    ),
)
PURCHASE_REQUESTS = Layer(
    name="purchase_requests",
    model=PurchaseRequest,
    title=Text("采购申请", "Purchase requests"),
    description=Text("各机构申请购置的资产", "What the bodies ask to buy"),
    group="assets",
    searchable=("number", "name"),
)

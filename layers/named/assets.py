"""Counted questions of assets: what has no place, stands elsewhere, lost its keeper, lies idle."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, Select, cast, select
from sqlalchemy.sql.selectable import FromClause

from layers.access import rows
from layers.assets import ASSETS, PURCHASE_REQUESTS
from layers.labels import Text
from layers.measures.base import Question
from layers.named.base import Column, Found, NamedFilter
from layers.people import Person
from layers.places import name_of
from layers.rules.assets import IDLE, folded, gone, idle_by_name, kept
from layers.space import ROOMS

PIECES = Text("件", "assets")


def _assets(question: Question) -> FromClause:
    return rows(ASSETS, question.actor, question.at)


def without_place(question: Question, _found: Found) -> Select[Any]:
    """Return the assets that neither a point nor a room places."""
    asset = _assets(question)
    return select(asset.c.id).where(kept(asset), asset.c.geom.is_(None), asset.c.room_id.is_(None))


def misplaced(question: Question, _found: Found) -> Select[Any]:
    """Return the assets that the stocktake found in another room than the books say."""
    asset = _assets(question)
    booked = rows(ROOMS, question.actor, question.at).alias("booked")
    scanned = rows(ROOMS, question.actor, question.at).alias("scanned")
    return (
        select(
            asset.c.id,
            name_of(ROOMS, booked).label("booked"),
            name_of(ROOMS, scanned).label("scanned"),
            asset.c.scanned_at.label("stocktake_at"),
        )
        .outerjoin(booked, booked.c.id == asset.c.room_id)
        .outerjoin(scanned, scanned.c.id == asset.c.scanned_room_id)
        .where(kept(asset), asset.c.scanned_room_id != asset.c.room_id)
    )


def of_leavers(question: Question, _found: Found) -> Select[Any]:
    """Return the assets whose custodian has retired or left by the day."""
    asset = _assets(question)
    person = rows(Person, question.actor, question.at)
    return (
        select(asset.c.id, person.c.name.label("custodian"), person.c.left_on)
        .join(person, person.c.id == asset.c.custodian_id)
        .where(kept(asset), gone(person, question))
    )


def idle(question: Question, _found: Found) -> Select[Any]:
    """Return the assets that nobody uses; their value is a column of the layer."""
    asset = _assets(question)
    return select(asset.c.id).where(asset.c.state == IDLE)


def served_by_idle(question: Question, _found: Found) -> Select[Any]:
    """Return the requests to buy what lies idle under the same name."""
    request = rows(PURCHASE_REQUESTS, question.actor, question.at)
    lying = idle_by_name(question)
    room = rows(ROOMS, question.actor, question.at)
    return (
        select(
            request.c.id,
            request.c.quantity.label("asked"),
            cast(lying.c.idle, Integer).label("idle"),
            (request.c.quantity * request.c.unit_price_cny).label("total_cny"),
            name_of(ROOMS, room).label("where"),
        )
        .join(lying, lying.c.name == folded(request.c.name))
        .outerjoin(room, room.c.id == lying.c.room_id)
    )


NAMED = (
    NamedFilter(
        name="assets_without_place",
        layer="assets",
        title=Text("无位置资产", "Assets without a place"),
        description=Text(
            "未处置的资产，既无坐标也未登记房间",
            "Assets not disposed of, with neither coordinates nor a room",
        ),
        unit=PIECES,
        ask=without_place,
        order="number",
        group="body",
    ),
    NamedFilter(
        name="misplaced_assets",
        layer="assets",
        rests=("rooms",),
        title=Text("账实不符", "Not where the books say"),
        description=Text(
            "最近一次盘点所在的房间与登记的房间不同",
            "The last stocktake found the asset in another room than the one it is booked in",
        ),
        unit=PIECES,
        tone="bad",
        ask=misplaced,
        columns=(
            Column("booked", Text("账面房间", "booked in"), "string"),
            Column("scanned", Text("实际房间", "found in"), "string"),
            Column("stocktake_at", Text("盘点于", "found at"), "date-time"),
        ),
        order="-stocktake_at,number",
        group="building",
    ),
    NamedFilter(
        name="assets_of_leavers",
        layer="assets",
        rests=("persons",),
        title=Text("离岗人员资产", "Assets of people who left"),
        description=Text(
            "保管人当日已退休或离岗、资产尚未移交或处置",
            "Assets, not disposed of, whose custodian has retired or left by that day",
        ),
        unit=PIECES,
        ask=of_leavers,
        columns=(
            Column("custodian", Text("原保管人", "former custodian"), "string"),
            Column("left_on", Text("离岗日期", "left on"), "date"),
        ),
        order="custodian,number",
        group="body",
    ),
    NamedFilter(
        name="idle_assets",
        layer="assets",
        title=Text("闲置资产", "Idle assets"),
        description=Text("状态为闲置的资产", "Assets whose state is idle"),
        unit=PIECES,
        tone="neutral",
        ask=idle,
        order="name,number",
        group="level",
    ),
    NamedFilter(
        name="purchases_idle_could_serve",
        layer="purchase_requests",
        rests=("assets",),
        title=Text("可调剂采购", "Purchases that idle assets could serve"),
        description=Text(
            "采购申请中已有同名闲置资产的（名称不计大小写和首尾空格）",
            "Requests to buy what lies idle under the same name (case and outer blanks aside)",
        ),
        unit=Text("单", "requests"),
        ask=served_by_idle,
        columns=(
            Column("asked", Text("申请数量", "asked for"), "integer", "件", summed=True),
            Column("idle", Text("同名闲置", "idle of that name"), "integer", "件"),
            Column("total_cny", Text("申请金额", "total"), "number", "元", summed=True),
            Column("where", Text("闲置最多处", "most of them in"), "string"),
        ),
        order="-total_cny,number",
        group="body",
    ),
)

"""What the rules of assets say of an asset, its keeper, a room and a request to buy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select

from layers.access import rows
from layers.assets import ASSETS, PURCHASE_REQUESTS
from layers.insights.base import Found, Insight, Line, Told
from layers.labels import CHOICES, Text
from layers.measures.base import Question
from layers.people import PERSONS, Person
from layers.places import name_of
from layers.rules.assets import folded, gone, idle_in_rooms, kept
from layers.space import ROOMS

YUAN = "元"
PIECES = "件"
MOST = 20
_STATES = CHOICES["asset_state"]


# -- stocktake ---------------------------------------------------------------------------------


def _stocktake_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    asset = rows(ASSETS, question.actor, question.at)
    booked = rows(ROOMS, question.actor, question.at).alias("booked")
    scanned = rows(ROOMS, question.actor, question.at).alias("scanned")
    return {
        "asset": select(
            asset.c.room_id,
            asset.c.scanned_room_id,
            asset.c.scanned_at,
            booked.c.id.label("booked_id"),
            scanned.c.id.label("scanned_id"),
            name_of(ROOMS, booked).label("booked"),
            name_of(ROOMS, scanned).label("scanned"),
        )
        .outerjoin(booked, booked.c.id == asset.c.room_id)
        .outerjoin(scanned, scanned.c.id == asset.c.scanned_room_id)
        .where(asset.c.id == key)
    }


def _stocktake(question: Question, _key: int, found: Found) -> Told | None:
    for row in found["asset"]:
        if row["scanned_room_id"] is None:
            return None
        at = row["scanned_at"]
        lines = [
            _room("booked", Text("账面房间", "booked in"), row["booked"], row["booked_id"]),
            _room("scanned", Text("实际房间", "found in"), row["scanned"], row["scanned_id"]),
            Line(
                "scanned_at",
                Text("盘点时间", "found at"),
                at.astimezone(question.zone) if at else None,
            ),
        ]
        on = at.astimezone(question.zone).date() if at else None
        when = Text(f"{on} 盘点", f"the stocktake of {on}") if on else Text("盘点", "the stocktake")
        if row["room_id"] is None:
            said = Text(
                f"账面无房间；{when.zh}时在 {row['scanned'] or '他处'}",
                f"Booked in no room; {when.en} found it in {row['scanned'] or 'another place'}",
            )
            return Told("attention", said, lines[1:])
        if row["room_id"] == row["scanned_room_id"]:
            return Told("ok", Text(f"{when.zh}：账实相符", f"As booked, by {when.en}"), lines)
        said = Text(
            f"账实不符：账面在 {row['booked'] or '他处'}，{when.zh}时在 {row['scanned'] or '他处'}",
            f"Booked in {row['booked'] or 'another place'}, but {when.en} found it in "
            f"{row['scanned'] or 'another place'}",
        )
        return Told("bad", said, lines)
    return None


def _room(name: str, title: Text, said: str | None, key: int | None) -> Line:
    return Line(name, title, said, link=(ROOMS.name, key) if key is not None else None)


# -- custody -----------------------------------------------------------------------------------


def _custody_of(question: Question, person: Any, asset: Any) -> Select[Any]:
    """Return the people joined to what they keep, one row each."""
    return select(
        person.c.id,
        person.c.name,
        person.c.state,
        person.c.left_on,
        gone(person, question).label("gone"),
        func.count(asset.c.id).label("count"),
        func.sum(asset.c.value_cny).label("value"),
    ).group_by(person.c.id, person.c.name, person.c.state, person.c.left_on)


def _custodian_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    this = rows(ASSETS, question.actor, question.at).alias("this")
    asset = rows(ASSETS, question.actor, question.at).alias("kept")
    person = rows(Person, question.actor, question.at)
    keeper = select(this.c.custodian_id).where(this.c.id == key, kept(this))
    return {
        "custody": _custody_of(question, person, asset)
        .join(asset, asset.c.custodian_id == person.c.id)
        .where(kept(asset), person.c.id.in_(keeper))
    }


def _custodian(_question: Question, _key: int, found: Found) -> Told | None:
    for row in found["custody"]:
        if not row["gone"]:
            return None
        left = _left(row)
        said = Text(
            f"保管人{row['name']}已{left.zh}，名下仍有 {row['count']} 件资产",
            f"The custodian, {row['name']}, {left.en} and still keeps {row['count']} assets",
        )
        return Told(
            "attention",
            said,
            [
                Line(
                    "custodian", Text("保管人", "custodian"), row["name"],
                    link=(PERSONS.name, row["id"]),
                ),
                Line("left_on", Text("离岗日期", "left on"), row["left_on"]),
                *_counted(row),
            ],
        )  # fmt: skip
    return None


def _custody_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    asset = rows(ASSETS, question.actor, question.at)
    person = rows(Person, question.actor, question.at)
    return {
        "custody": _custody_of(question, person, asset)
        .join(asset, asset.c.custodian_id == person.c.id)
        .where(kept(asset), person.c.id == key)
    }


def _custody(_question: Question, _key: int, found: Found) -> Told | None:
    for row in found["custody"]:
        if row["gone"]:
            left = _left(row)
            said = Text(
                f"已{left.zh}，仍保管 {row['count']} 件", f"{left.en}; still keeps {row['count']}"
            )
            return Told("attention", said, _counted(row))
        said = Text(f"保管 {row['count']} 件资产", f"Keeps {row['count']} assets")
        return Told("neutral", said, _counted(row))
    return None


def _left(row: Mapping[str, Any]) -> Text:
    on: date | None = row["left_on"]
    what = Text("退休", "retired") if row["state"] == "retired" else Text("离岗", "left")
    return Text(f"于 {on} {what.zh}", f"{what.en} on {on}") if on else what


def _counted(row: Mapping[str, Any]) -> list[Line]:
    return [
        Line("count", Text("保管件数", "assets kept"), row["count"], PIECES),
        Line("value", Text("原值合计", "value in all"), _yuan(row["value"]), YUAN),
    ]


def _yuan(value: Any) -> float | None:
    return None if value is None else float(value)


# -- rooms -------------------------------------------------------------------------------------


def _room_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    asset = rows(ASSETS, question.actor, question.at)
    return {
        "states": select(
            asset.c.state,
            func.count().label("count"),
            func.sum(asset.c.value_cny).label("value"),
        )
        .where(asset.c.room_id == key, kept(asset))
        .group_by(asset.c.state)
    }


def _in_room(_question: Question, _key: int, found: Found) -> Told | None:
    counts = {row["state"]: row for row in found["states"]}
    if not counts:
        return None
    total = sum(row["count"] for row in counts.values())
    known = [row["value"] for row in counts.values() if row["value"] is not None]
    lines = [
        Line(state or "unknown", _STATES.get(state or "", Text("状态未记录", "no state")),
             counts[state]["count"], PIECES)
        for state in (*_STATES, None)
        if state in counts
    ]  # fmt: skip
    value = float(sum(known)) if known else None
    lines.append(Line("value", Text("原值合计", "value in all"), value, YUAN))
    lying = counts.get("idle")
    said = Text(f"{total} 件资产", f"{total} assets")
    if lying is not None:
        said = Text(f"{said.zh}，其中闲置 {lying['count']} 件", f"{said.en}, {lying['count']} idle")
    return Told("neutral", said, lines)


# -- purchases ---------------------------------------------------------------------------------


def _purchase_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    request = rows(PURCHASE_REQUESTS, question.actor, question.at)
    room = rows(ROOMS, question.actor, question.at)
    lying = idle_in_rooms(question)
    wanted = select(folded(request.c.name)).where(request.c.id == key).scalar_subquery()
    return {
        "request": select(request.c.name, request.c.quantity, request.c.unit_price_cny).where(
            request.c.id == key
        ),
        "rooms": select(lying.c.count, lying.c.value, room.c.id, name_of(ROOMS, room).label("room"))
        .outerjoin(room, room.c.id == lying.c.room_id)
        .where(lying.c.name == wanted)
        .order_by(lying.c.room_id.is_(None), lying.c.count.desc(), lying.c.room_id),
    }


def _purchase(_question: Question, _key: int, found: Found) -> Told | None:
    for row in found["request"]:
        asked, price = row["quantity"], row["unit_price_cny"]
        idle = sum(each["count"] for each in found["rooms"])
        lines = [Line("asked", Text("申请数量", "asked for"), asked, PIECES)]
        if price is not None:
            lines.append(Line("total", Text("申请金额", "total"), _yuan(asked * price), YUAN))
        lines.append(Line("idle", Text("同名闲置", "idle of that name"), idle, PIECES))
        for each in found["rooms"][:MOST]:
            where = Text(
                f"闲置于 {each['room'] or '未登记房间'}", f"idle in {each['room'] or 'no room'}"
            )
            lines.append(
                Line("room", where, each["count"], PIECES,
                     (ROOMS.name, each["id"]) if each["id"] is not None else None)
            )  # fmt: skip
        if not idle:
            said = Text(
                f"没有闲置的“{row['name']}”可调剂", f"Nothing called {row['name']} lies idle"
            )
            return Told("ok", said, lines)
        enough = min(idle, asked)
        said = Text(
            f"申请 {asked} 件，现有同名闲置 {idle} 件，可调剂 {enough} 件",
            f"{asked} asked for; {idle} of that name lie idle and could serve {enough}",
        )
        return Told("attention", said, lines)
    return None


INSIGHTS = (
    Insight(
        name="stocktake",
        layer=ASSETS.name,
        rests=("rooms",),
        title=Text("盘点", "Stocktake"),
        ask=_stocktake_parts,
        read=_stocktake,
    ),
    Insight(
        name="custodian",
        layer=ASSETS.name,
        rests=("persons",),
        title=Text("保管人", "Custodian"),
        ask=_custodian_parts,
        read=_custodian,
    ),
    Insight(
        name="custody",
        layer=PERSONS.name,
        rests=("assets",),
        title=Text("保管资产", "Assets kept"),
        ask=_custody_parts,
        read=_custody,
    ),
    Insight(
        name="assets",
        layer=ROOMS.name,
        rests=("assets",),
        title=Text("室内资产", "Assets in the room"),
        ask=_room_parts,
        read=_in_room,
    ),
    Insight(
        name="idle",
        layer=PURCHASE_REQUESTS.name,
        rests=("assets",),
        title=Text("可调剂", "What lies idle"),
        ask=_purchase_parts,
        read=_purchase,
    ),
)

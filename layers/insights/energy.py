"""What the panel says of a meter: its newest reading, its events, and its balance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, exists, func, select

from layers.access import ESTATE, rows
from layers.base import table_of
from layers.energy import METERS, READINGS, SET_ASIDE, MeterEvent, MeterScope
from layers.estate import LevelBuilding
from layers.insights.base import Found, Insight, Line, Told
from layers.labels import CHOICES, Text
from layers.measures.base import Question, Window, last_month
from layers.rules.energy import SILENT, UNEXPLAINED, YEAR, balances
from layers.space import ROOMS, RoomLevel

Statements = Mapping[str, Select[Any]]
_SERVER_ROOM = "serverroom"
_ROOMS = 5


def rounded(value: float | None) -> float | None:
    """Return an amount without what floating point adds to it."""
    return None if value is None else round(value, 6)


def number(value: float) -> str:
    """Return an amount as it is read: thousands apart, one decimal where there is one."""
    return f"{value:,.1f}".removesuffix(".0")


def register(value: float | None, digits: int = 1) -> str:
    """Return a register as the meter shows it, with leading zeros up to `digits`."""
    if value is None:
        return "?"
    whole, _, rest = f"{value:.3f}".partition(".")
    rest = rest.rstrip("0")
    return whole.zfill(digits) + (f".{rest}" if rest else "")


def moment(time: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Return a moment: without the hour at midnight, without the year in this one."""
    local = time.astimezone(zone)
    day = "%m-%d" if local.year == now.astimezone(zone).year else "%Y-%m-%d"
    return local.strftime(day if (local.hour, local.minute) == (0, 0) else day + " %H:%M")


def month_of(window: Window, zone: ZoneInfo) -> Text:
    """Return the name of a window that is a calendar month."""
    first = window.start.astimezone(zone)
    return Text(f"{first.year}年{first.month}月", f"{first:%Y-%m}")


def _newest(question: Question, key: int) -> Statements:
    meter = rows(METERS, question.actor, question.at)
    reading = rows(READINGS, question.actor, question.at)
    names = ("unit", "multiplier", "digits", "reading_form")
    return {
        "meter": select(*(meter.c[name] for name in names)).where(meter.c.id == key),
        "newest": select(reading.c.time, reading.c.value)
        .where(reading.c.meter_id == key, reading.c.time <= question.now)
        .order_by(reading.c.time.desc())
        .limit(1),
    }


def _age(age: timedelta) -> Text:
    hours = age.total_seconds() / 3600
    if hours < 48:
        return Text(f"{hours:.0f} 小时", f"{hours:.0f} h")
    return Text(f"{hours / 24:.1f} 天", f"{hours / 24:.1f} days")


def _readings(question: Question, _key: int, found: Found) -> Told | None:
    if not found["meter"]:
        return None
    meter = found["meter"][0]
    unit, is_register = meter["unit"], meter["reading_form"] == "register"
    lines = [Line("multiplier", Text("倍率", "multiplier"), meter["multiplier"])]
    if meter["digits"] is not None:
        lines.append(Line("digits", Text("表位数", "digits"), meter["digits"]))
    if not found["newest"]:
        return Told("attention", Text("没有任何读数", "There is no reading"), lines)
    newest = found["newest"][0]
    age = question.now - newest["time"]
    silent = is_register and age > SILENT
    said = _age(age)
    title = Text("最近区间用量", "newest interval")
    if is_register:
        title, unit = Text("表底数", "register"), None  # before the multiplier
    lines = [
        Line("last_read_at", Text("最近读数时间", "last read at"), newest["time"]),
        Line("value", title, newest["value"], unit),
        *lines,
    ]
    zh, en = ("停报", "Silent for") if silent else ("最近读数距今", "Last read")
    after = "" if silent else " ago"
    headline = Text(f"{zh} {said.zh}", f"{en} {said.en}{after}")
    status = "attention" if silent else "ok" if is_register else "neutral"
    return Told(status, headline, lines)  # type: ignore[arg-type]


def _events(question: Question, key: int) -> Statements:
    meter = rows(METERS, question.actor, question.at)
    event, first, last = (
        table_of(MeterEvent),
        *(rows(READINGS, ESTATE, question.at).alias() for _ in range(2)),
    )

    def read_at(reading: Any, time: Any) -> Any:
        return and_(reading.c.meter_id == event.c.meter_id, reading.c.time == time)

    return {
        "events": select(
            event.c.kind,
            event.c.start,
            event.c.time,
            event.c.consumption,
            first.c.value.label("first"),
            last.c.value.label("last"),
            last.c.closing_value,
            meter.c.unit,
            meter.c.digits,
        )
        .join(meter, meter.c.id == event.c.meter_id)
        .outerjoin(first, read_at(first, event.c.start))
        .outerjoin(last, read_at(last, event.c.time))
        .where(
            event.c.meter_id == key,
            event.c.time > question.now - YEAR,
            event.c.time <= question.now,
        )
        .order_by(event.c.time.desc(), event.c.kind)
    }


def _event(question: Question, row: Mapping[str, Any]) -> Line:
    """Return one event as a line: what and when in its title, how much as its value."""
    kind = CHOICES["reading_event"][row["kind"]]
    start, end = (moment(row[name], question.zone, question.now) for name in ("start", "time"))
    if row["kind"] in SET_ASIDE:
        title = Text(f"{kind.zh}：{end} 的读数", f"{kind.en}: the reading of {end}")
        return Line(row["kind"], title, row["last"])
    digits = (row["digits"] or 1) if row["kind"] == "roll_over" else 1
    first, last = register(row["first"], digits), register(row["last"], digits)
    if row["kind"] == "replaced" and row["closing_value"] is not None:
        closing = register(row["closing_value"])
        zh, en = f"{end}，旧表止数 {closing}，新表起数 {last}", f"{end}, {closing}, then {last}"
    else:
        zh = en = f"{start} {first} → {end} {last}"
    return Line(
        row["kind"], Text(f"{kind.zh}：{zh}", f"{kind.en}: {en}"), row["consumption"], row["unit"]
    )


def _told_events(question: Question, _key: int, found: Found) -> Told | None:
    lines = [_event(question, row) for row in found["events"]]
    if not lines:
        return None
    count = len(lines)
    return Told(
        "attention",
        Text(f"近 12 个月有 {count} 次异常读数", f"Odd readings in the last 12 months: {count}"),
        lines,
    )


def _balance(question: Question, key: int) -> Statements:
    window = last_month(question.now, question.zone)
    return {"balance": balances(question, window, key), "rooms": _unmetered(question, key)}


def _unmetered(question: Question, key: int) -> Select[Any]:
    """Return the server rooms without a meter in the buildings that a meter serves."""
    at = question.at
    room = rows(ROOMS, question.actor, at)
    scope, metered = (rows(MeterScope, ESTATE, at).alias() for _ in range(2))
    on_level, held = rows(RoomLevel, ESTATE, at), rows(LevelBuilding, ESTATE, at)
    inside = (
        select(on_level.c.room_id)
        .join(held, held.c.level_id == on_level.c.level_id)
        .join(scope, scope.c.building_id == held.c.building_id)
        .where(scope.c.meter_id == key)
    )
    return (
        select(room.c.id, func.coalesce(room.c.number, room.c.name).label("title"))
        .where(
            room.c.category == _SERVER_ROOM,
            room.c.id.in_(inside),
            ~exists(select(metered.c.meter_id).where(metered.c.room_id == room.c.id)),
        )
        .order_by(room.c.number)
        .limit(_ROOMS)
    )


def _told_balance(question: Question, _key: int, found: Found) -> Told | None:
    if not found["balance"]:
        return None
    row = found["balance"][0]
    month = month_of(last_month(question.now, question.zone), question.zone)
    lines = [
        Line("main", Text("总表用量", "main meter"), rounded(row["main"]), row["unit"]),
        Line("subs", Text("分表合计", "meters below"), rounded(row["subs"]), row["unit"]),
    ]
    if row["main"] is None or row["subs"] is None or row["main"] <= 0:
        zh = f"{month.zh}：{row['meters']} 块表中 {row['judged']} 块的用量可知，不作判断"
        en = f"{month.en}: {row['judged']} of {row['meters']} meters are known, so nothing is said"
        return Told("neutral", Text(zh, en), lines)
    rest = row["main"] - row["subs"]
    share = rest / row["main"]
    lines += [
        Line("unexplained", Text("差额", "unexplained"), rounded(rest), row["unit"]),
        Line("unexplained_share", Text("差额占比", "share"), round(100 * share, 2), "%"),
    ]
    amount = f"{number(rest)} {row['unit'] or ''}".strip()
    headline = Text(
        f"{month.zh}有 {amount}（{100 * share:.1f} %）不在分表之中",
        f"{month.en}: {amount} ({100 * share:.1f} %) are in none of the meters below",
    )
    if share <= UNEXPLAINED:
        return Told("ok", headline, lines)
    hint = Text("可能原因：机房没有单独装表", "Possibly: a server room without its own meter")
    lines += [
        Line("possible_cause", hint, each["title"], link=("rooms", each["id"]))
        for each in found["rooms"]
    ]
    return Told("attention", headline, lines)


_RESTS = ("readings",)

INSIGHTS: tuple[Insight, ...] = (
    Insight("readings", "meters", Text("抄表", "Readings"), _newest, _readings, rests=_RESTS),
    Insight(
        "events", "meters", Text("读数异常", "Odd readings"), _events, _told_events, rests=_RESTS
    ),
    Insight(
        "balance", "meters", Text("分项平衡", "Balance"), _balance, _told_balance, rests=_RESTS
    ),
)

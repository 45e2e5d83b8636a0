"""Counted questions about meters: what is odd in readings, who is silent, what is unexplained."""

from __future__ import annotations

from typing import Any

from sqlalchemy import DateTime, Float, Select, cast, exists, func, literal, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by

from layers.access import rows
from layers.base import table_of
from layers.energy import METERS, READINGS, MeterEvent
from layers.labels import Text
from layers.measures.base import Question, last_month
from layers.named.base import Column, Found, NamedFilter
from layers.rules.energy import SILENT, YEAR, balances, unexplained

_METERS = Text("块", "meters")


def anomalies(question: Question, _found: Found) -> Select[Any]:
    """Return the meters with an event in the last twelve months, and their newest event."""
    meter, event = rows(METERS, question.actor, question.at), table_of(MeterEvent)

    def newest(value: Any) -> Any:
        return func.array_agg(aggregate_order_by(value, event.c.time.desc(), event.c.kind))[1]

    told = (
        select(
            event.c.meter_id,
            func.count().label("events"),
            newest(event.c.kind).label("last_kind"),
            func.max(event.c.time).label("last_at"),
            newest(event.c.consumption).label("last_consumption"),
        )
        .where(event.c.time > question.now - YEAR, event.c.time <= question.now)
        .group_by(event.c.meter_id)
        .subquery("told")
    )
    names = ("events", "last_kind", "last_at", "last_consumption")
    return select(meter.c.id, *(told.c[name] for name in names)).join(
        told, told.c.meter_id == meter.c.id
    )


def silent(question: Question, _found: Found) -> Select[Any]:
    """Return the registers without a reading in the last two days.

    Whether there is one is asked of the newest partition alone; the last reading is looked up
    only of those that have none.
    """
    meter = rows(METERS, question.actor, question.at)
    heard, reading = (rows(READINGS, question.actor, question.at).alias() for _ in range(2))
    now = literal(question.now, DateTime(timezone=True))
    lately = exists(
        select(heard.c.meter_id).where(
            heard.c.meter_id == meter.c.id,
            heard.c.time >= literal(question.now - SILENT, DateTime(timezone=True)),
            heard.c.time <= now,
        )
    )
    last = (
        select(reading.c.time)
        .where(reading.c.meter_id == meter.c.id, reading.c.time <= now)
        .order_by(reading.c.time.desc())
        .limit(1)
        .lateral("last")
    )
    days = cast(func.date_part("epoch", now - last.c.time) / 86_400, Float)
    return (
        select(meter.c.id, last.c.time.label("last_read_at"), days.label("silent_days"))
        .select_from(meter.outerjoin(last, true()))
        .where(meter.c.reading_form == "register", ~lately)
    )


def unexplained_meters(question: Question, _found: Found) -> Select[Any]:
    """Return the main meters of which last month's sub-meters lack more than 10 %."""
    month = last_month(question.now, question.zone)
    found = balances(question, month).subquery("balance")
    rest = found.c.main - found.c.subs
    return select(
        found.c.id,
        found.c.main.label("main_kwh"),
        found.c.subs.label("sub_kwh"),
        rest.label("unexplained_kwh"),
        (100 * rest / func.nullif(found.c.main, 0)).label("unexplained_share"),
    ).where(found.c.kind == "electricity", unexplained(found))


NAMED: tuple[NamedFilter, ...] = (
    NamedFilter(
        name="meter_anomalies",
        layer="meters",
        rests=("readings",),
        title=Text("读数异常", "Odd readings"),
        description=Text(
            "近 12 个月内有表码翻转、换表、漏抄，或有读数因误报而不计的计量表",
            "Meters with a roll-over, an exchange, missed readings, or a reading that was set "
            "aside as false in the last 12 months",
        ),
        unit=_METERS,
        ask=anomalies,
        columns=(
            Column("events", Text("次数", "events"), "integer", summed=True),
            Column("last_kind", Text("最近情况", "latest"), "string", choices="reading_event"),
            Column("last_at", Text("最近时间", "latest at"), "date-time"),
            Column("last_consumption", Text("该段用量", "consumption of it"), "number"),
        ),
        order="-last_at",
        group="building",
    ),
    NamedFilter(
        name="silent_meters",
        layer="meters",
        rests=("readings",),
        title=Text("停报计量表", "Silent meters"),
        description=Text(
            "最近一次读数早于 2 天前、或从未抄表的计量表；按账单录入区间用量的表不在此列",
            "Meters whose newest reading is older than 2 days, or that were never read; those "
            "whose bills are entered by interval are left out",
        ),
        unit=_METERS,
        tone="bad",
        ask=silent,
        columns=(
            Column("last_read_at", Text("最近读数时间", "last read at"), "date-time"),
            Column("silent_days", Text("停报天数", "days silent"), "number", unit="天"),
        ),
        order="last_read_at",
        group="building",
    ),
    NamedFilter(
        name="unexplained_meters",
        layer="meters",
        rests=("readings",),
        title=Text("分项差额", "Unexplained consumption"),
        description=Text(
            "上一个自然月下级分表用电之和比总表少 10% 以上。月初、月末各取离零时最近"
            "（不超过 12 小时）的有效读数；总表或任一分表缺这样的读数、或其间用量不明的，不作判断",
            "Electricity of the last calendar month: the meters below lack more than 10 % of the "
            "main one. At each end of the month the nearest good reading counts, 12 hours away at "
            "most; where one of the meters has none, or its consumption between is not known, "
            "nothing is said",
        ),
        unit=_METERS,
        ask=unexplained_meters,
        columns=(
            Column("main_kwh", Text("总表用量", "main meter"), "number", unit="kWh", summed=True),
            Column("sub_kwh", Text("分表合计", "meters below"), "number", unit="kWh", summed=True),
            Column(
                "unexplained_kwh", Text("差额", "unexplained"), "number", unit="kWh", summed=True
            ),
            Column("unexplained_share", Text("差额占比", "share unexplained"), "number", unit="%"),
        ),
        order="-unexplained_kwh",
        group="building",
    ),
)

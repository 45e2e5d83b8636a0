"""What meters used in a window, and what the sub-meters of a main meter do not explain.

A register is taken at each end of the window and never in between: consumption = (register at
the end − register at the start + Σ correction of the events between) × multiplier, where the
events are those of `layers.meter_events`. So thousands of meters cost two look-ups each.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    DateTime,
    Select,
    Text,
    and_,
    case,
    exists,
    func,
    literal,
    not_,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause, LateralFromClause

from layers.access import ESTATE, rows
from layers.base import table_of
from layers.energy import METERS, SET_ASIDE, MeterEvent, Reading
from layers.measures.base import Question, Window

Part = LateralFromClause
_EDGE: Final = timedelta(hours=12)
_EDGE_SHARE: Final = 50
YEAR: Final = timedelta(days=365)
SILENT: Final = timedelta(days=2)
"""A register that is read daily has missed two readings by then."""
UNEXPLAINED: Final = 0.10
"""A main meter whose sub-meters lack more than this share of it wants an explanation.

Line losses and the error of class 1 and 2 meters stay well below it.
"""


def edge(length: timedelta) -> timedelta:
    """Return how far from an end of a window its reading may lie: 2 % of it, 12 hours at most."""
    return min(_EDGE, length / _EDGE_SHARE)


def _moment(value: datetime) -> ColumnElement[Any]:
    return literal(value, DateTime(timezone=True))


def set_aside(kind: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that an event is a reading that does not count."""
    return kind == func.any(literal(list(SET_ASIDE), ARRAY(Text)))


def _register_at(meter: FromClause, moment: datetime, window: Window, name: str) -> Part:
    """Return the reading that counts nearest to an end of the window: ``time, value``."""
    reading, event = table_of(Reading), table_of(MeterEvent).alias()
    near = edge(window.end - window.start)
    bad = exists(
        select(event.c.kind).where(
            event.c.meter_id == reading.c.meter_id,
            event.c.time == reading.c.time,
            set_aside(event.c.kind),
        )
    )
    away = func.abs(func.date_part("epoch", reading.c.time) - moment.timestamp())
    return (
        select(reading.c.time, reading.c.value)
        .where(
            meter.c.reading_form == "register",
            reading.c.meter_id == meter.c.id,
            reading.c.time >= _moment(moment - near),
            reading.c.time <= _moment(moment + near),
            not_(bad),
        )
        .order_by(away, reading.c.time)
        .limit(1)
        .lateral(name)
    )


def _between(meter: FromClause, opening: LateralFromClause, closing: LateralFromClause) -> Part:
    """Return ``correction``: what the events between two registers add, NULL where unknown."""
    event = table_of(MeterEvent).alias()
    unknown = and_(not_(set_aside(event.c.kind)), event.c.consumption.is_(None))
    added = func.coalesce(func.sum(event.c.correction), 0.0)
    known = not_(func.coalesce(func.bool_or(unknown), False))
    return (
        select(case((known, added)).label("correction"))
        .where(
            event.c.meter_id == meter.c.id,
            event.c.start >= opening.c.time,
            event.c.time <= closing.c.time,
        )
        .lateral("between")
    )


def _recorded(meter: FromClause, window: Window) -> Part:
    """Return ``value``: the intervals within the window, NULL where they do not make it up."""
    reading, event = table_of(Reading), table_of(MeterEvent).alias()
    bad = exists(
        select(event.c.kind).where(
            event.c.meter_id == reading.c.meter_id, event.c.time == reading.c.time
        )
    )
    length = func.sum(reading.c.time - reading.c.start)
    span = window.end - window.start
    whole = length >= literal(span - edge(span))
    return (
        select(case((whole, func.sum(reading.c.value))).label("value"))
        .where(
            meter.c.reading_form == "interval",
            reading.c.meter_id == meter.c.id,
            reading.c.start >= _moment(window.start),
            reading.c.time > _moment(window.start),
            reading.c.time <= _moment(window.end),
            not_(bad),
        )
        .lateral("recorded")
    )


def used(meter: FromClause, window: Window, *columns: ColumnElement[Any]) -> Select[Any]:
    """Return ``id, amount`` of meters: consumption in the meter's unit, NULL where not known.

    It is not known where no reading that counts lies at an end of the window (a gap across it),
    where the register fell without explanation between, or where a meter was exchanged and its
    last register not noted.

    Parameters
    ----------
    meter : rows with ``id, multiplier, reading_form`` of a meter.
    columns : further columns of `meter` to return.
    """
    opening = _register_at(meter, window.start, window, "opening")
    closing = _register_at(meter, window.end, window, "closing")
    between, recorded = _between(meter, opening, closing), _recorded(meter, window)
    steps = closing.c.value - opening.c.value + between.c.correction
    amount = func.coalesce(steps, recorded.c.value) * meter.c.multiplier
    source: Any = meter
    for part in (opening, closing, between, recorded):
        source = source.outerjoin(part, true())
    return select(meter.c.id, *columns, amount.label("amount")).select_from(source)


def balances(question: Question, window: Window, main_id: int | None = None) -> Select[Any]:
    """Return what the meters below each main meter tell of it.

    Select of ``id, kind, unit``; ``main``, ``subs``: consumption in the window, NULL where not
    known (that of the sub-meters where one of them is not); ``meters`` and ``judged``: how many
    there are, the main one among them, and how many of them are known.

    A main meter has meters of its kind and unit directly below it. They are found whoever asks,
    since a hidden one would pass for unexplained; where one is hidden, there is no answer.

    Parameters
    ----------
    main_id : only this main meter.
    """
    member = _members(question, main_id)
    names = ("main_id", "whole", "kind", "unit", "seen")
    each = used(member, window, *(member.c[name] for name in names)).subquery("each")
    known = func.count() == func.count(each.c.amount)
    sums = func.sum(each.c.amount).filter(not_(each.c.whole))
    one_unit = func.count(func.coalesce(each.c.unit, "").distinct()) == 1
    found: Select[Any] = select(
        each.c.main_id.label("id"),
        func.min(each.c.kind).label("kind"),
        func.min(each.c.unit).label("unit"),
        func.max(each.c.amount).filter(each.c.whole).label("main"),
        case((known, sums)).label("subs"),
        func.count().label("meters"),
        func.count(each.c.amount).label("judged"),
    )
    return found.group_by(each.c.main_id).having(and_(func.bool_and(each.c.seen), one_unit))


def _members(question: Question, main_id: int | None) -> FromClause:
    """Return every main meter (``whole``) and the meters below it, under the main one's id."""
    actor, at = question.actor, question.at
    main, sub, meter = (rows(METERS, ESTATE, at).alias() for _ in range(3))
    pairs = select(main.c.id.label("main_id"), sub.c.id.label("sub_id")).join(
        sub, and_(sub.c.parent_id == main.c.id, sub.c.kind == main.c.kind)
    )
    if main_id is not None:
        pairs = pairs.where(main.c.id == main_id)
    below = pairs.cte("below")
    tree = union_all(
        select(below.c.main_id, below.c.sub_id.label("id"), literal(False).label("whole")),
        select(below.c.main_id, below.c.main_id, literal(True)).distinct(),
    ).subquery("tree")
    visible = rows(METERS, actor, at)
    seen = true() if actor.sees_all(METERS) else meter.c.id.in_(select(visible.c.id))
    kept = [meter.c[name] for name in ("id", "kind", "unit", "multiplier", "reading_form")]
    return (
        select(tree.c.main_id, tree.c.whole, *kept, seen.label("seen"))
        .join(meter, meter.c.id == tree.c.id)
        .subquery("member")
    )


def unexplained(balance: FromClause) -> ColumnElement[bool]:
    """Return the condition that the sub-meters leave too much of the main meter unexplained."""
    return balance.c.main - balance.c.subs > UNEXPLAINED * balance.c.main

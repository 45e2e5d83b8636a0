"""Counted questions of official vehicles: what each is doing now, and where it went at night."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Float, Integer, Numeric, Select, and_, cast, exists, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from layers.access import rows
from layers.estate import SITES
from layers.fleet import STOPS, TRIPS, VEHICLES
from layers.labels import CHOICES, Text, heading
from layers.measures.base import Question, last_days
from layers.named.base import Column, Found, NamedFilter, Tone
from layers.rules.fleet import (
    LONG_STOP,
    MOVING_KMH,
    MOVING_WITHIN,
    NEAR_M,
    NIGHT,
    PLACE_RULE,
    SILENT_AFTER,
    at_night,
    cars_now,
    distance_m,
    moment,
    near_to,
    night_minutes,
    place_name,
)

_CARS = Text("辆", "cars")
_HOURS, _MINUTES = SILENT_AFTER.total_seconds() / 3600, MOVING_WITHIN.total_seconds() / 60
_LONG_MINUTES = LONG_STOP.total_seconds() / 60
_LAST_HEARD = Column("last_heard", Text("最后上报", "last heard"), "date-time")
_PLACE = Column("place", Text("所在", "where"), "string")
_DISTANCE = Column("distance_m", Text("距固定停放点", "from its parking place"), "number", "m")


def _rounded(value: ColumnElement[Any], digits: int) -> ColumnElement[float]:
    return cast(func.round(cast(value, Numeric), digits), Float)


def _cars(state: str, columns: Sequence[str]) -> Callable[[Question, Found], Select[Any]]:
    """Return the statement of the cars in a state, with some columns of why."""

    def ask(question: Question, _found: Found) -> Select[Any]:
        car = cars_now(question)
        known: dict[str, ColumnElement[Any]] = {
            "last_heard": car.c.last_heard,
            "silent_h": _rounded(car.c.silent_s / 3600, 1),
            "now_kmh": _rounded(car.c.speed_kmh, 1),
            "distance_m": _rounded(car.c.distance_m, 0),
            "place": place_name(question, car.c.fix),
        }
        return select(car.c.id, *(known[name].label(name) for name in columns)).where(
            car.c.state == state
        )

    return ask


def _filter(
    name: str,
    state: str,
    description: Text,
    columns: tuple[Column, ...],
    *,
    order: str = "plate",
    tone: Tone = "neutral",
    citation: Text | None = None,
) -> NamedFilter:
    return NamedFilter(
        name=name,
        layer="vehicles",
        title=heading(CHOICES["car_now"][state]),
        description=description,
        unit=_CARS,
        tone=tone,
        ask=_cars(state, [each.name for each in columns]),
        columns=columns,
        order=order,
        group="body",
        citation=citation,
        rests=("positions.geom", "positions.speed_kmh"),
    )


def night_trips(question: Question, _found: Found) -> Select[Any]:
    """Return the trips of the last seven days and of today that lie in a night, if in part."""
    trip = rows(TRIPS, question.actor, question.at)
    since = last_days(question.now, question.zone).start
    start, end = func.ST_StartPoint(trip.c.geom), func.ST_EndPoint(trip.c.geom)
    return select(
        trip.c.id,
        cast(func.round(cast(night_minutes(trip, question), Numeric)), Integer).label("night_min"),
        place_name(question, start).label("from_place"),
        place_name(question, end).label("to_place"),
    ).where(
        trip.c.ended_at > moment(since),
        trip.c.started_at < moment(question.now),
        at_night(trip, question),
    )


def long_stops(question: Question, _found: Found) -> Select[Any]:
    """Return the long stops of the last seven days and of today away from the whole estate."""
    stop = rows(STOPS, question.actor, question.at)
    car = rows(VEHICLES, question.actor, question.at)
    site = rows(SITES, question.actor, question.at)
    since = last_days(question.now, question.zone).start
    at_home = exists(
        select(literal(1)).where(
            car.c.id == stop.c.vehicle_id, distance_m(car.c.geom, stop.c.geom) <= NEAR_M
        )
    )
    in_site = exists(select(literal(1)).where(near_to(site.c.geom, stop.c.geom)))
    return select(
        stop.c.id,
        cast(stop.c.duration_s / 60, Integer).label("stood_min"),
        place_name(question, stop.c.geom).label("place"),
    ).where(
        and_(
            stop.c.ended_at > moment(since),
            stop.c.started_at < moment(question.now),
            stop.c.duration_s >= LONG_STOP.total_seconds(),
            stop.c.geom.is_not(None),
            ~at_home,
            ~in_site,
        )
    )


NAMED: tuple[NamedFilter, ...] = (
    _filter(
        "silent_cars",
        "silent",
        Text(
            f"在用车辆，最后一次定位早于 {_HOURS:g} 小时前；失联不等于停放",
            f"cars in service whose newest fix is older than {_HOURS:g} hours: not heard from, "
            "which is not the same as parked",
        ),
        (_LAST_HEARD, Column("silent_h", Text("失联时长", "silent for"), "number", "h"), _PLACE),
        # The hours go on while pages are turned; the moment stays.
        order="last_heard",
        tone="attention",
    ),
    _filter(
        "moving_cars",
        "moving",
        Text(
            f"在用车辆，{_MINUTES:g} 分钟内的定位显示速度不低于 {MOVING_KMH:g} km/h",
            f"cars in service whose fix of the last {_MINUTES:g} minutes says "
            f"{MOVING_KMH:g} km/h or more",
        ),
        (Column("now_kmh", Text("当前速度", "speed now"), "number", "km/h"), _LAST_HEARD),
        order="-now_kmh",
    ),
    _filter(
        "cars_at_place",
        "at_place",
        Text(
            f"在用车辆，最后位置距固定停放点不超过 {NEAR_M:g} 米，且不在行驶",
            f"cars in service, not moving, last seen within {NEAR_M:g} m of their fixed place",
        ),
        (_DISTANCE, _LAST_HEARD),
        citation=PLACE_RULE,
    ),
    _filter(
        "cars_elsewhere",
        "elsewhere",
        Text(
            f"在用车辆，最后位置距固定停放点超过 {NEAR_M:g} 米，且不在行驶；不说明是否有用车申请",
            f"cars in service, not moving, last seen over {NEAR_M:g} m from their fixed place; "
            "it does not say whether somebody asked for them",
        ),
        (_DISTANCE, _PLACE, _LAST_HEARD),
        order="-distance_m",
        citation=PLACE_RULE,
    ),
    _filter(
        "cars_never_heard",
        "never_heard",
        Text("在用车辆，没有任何定位记录", "cars in service without a single fix"),
        (),
        tone="attention",
    ),
    _filter(
        "cars_without_place",
        "no_place",
        Text(
            "在用车辆，有定位且不在行驶，但未登记固定停放点",
            "cars in service, heard from and not moving, whose fixed parking place is not recorded",
        ),
        (_LAST_HEARD, _PLACE),
        tone="attention",
        citation=Text("党政机关公务用车管理办法（2017）", "党政机关公务用车管理办法 (2017)"),
    ),
    NamedFilter(
        name="night_trips",
        layer="trips",
        rests=("trips.geom",),
        title=Text("夜间行程", "Night trips"),
        description=Text(
            f"近七天内有一段在 {NIGHT[0]} 至次日 {NIGHT[1]} 之间的行程；只陈述事实",
            f"trips of the last seven days, some part of which lies between {NIGHT[0]} and "
            f"{NIGHT[1]}; a fact, no accusation",
        ),
        unit=Text("次", "trips"),
        tone="neutral",
        ask=night_trips,
        columns=(
            Column("night_min", Text("夜间时长", "in the night"), "integer", "min", summed=True),
            Column("from_place", Text("起点", "from"), "string"),
            Column("to_place", Text("终点", "to"), "string"),
        ),
        order="-started_at",
    ),
    NamedFilter(
        name="long_stops",
        layer="stops",
        rests=("stops.geom", "vehicles"),
        title=Text("院外长时停留", "Long stops outside"),
        description=Text(
            f"近七天内停留 {_LONG_MINUTES:g} 分钟以上，{NEAR_M:g} 米内既无院落，"
            "也无本车固定停放点；只陈述事实",
            f"stops of the last seven days of {_LONG_MINUTES:g} minutes or more with neither a "
            f"site of the estate nor the car's fixed place within {NEAR_M:g} m; a fact, "
            "no accusation",
        ),
        unit=Text("次", "stops"),
        tone="neutral",
        ask=long_stops,
        columns=(
            Column("stood_min", Text("停留时长", "stood for"), "integer", "min"),
            _PLACE,
        ),
        order="-stood_min",
    ),
)

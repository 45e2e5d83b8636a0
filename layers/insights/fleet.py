"""What the rules say of a car, a trip and a stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Float, Interval, Select, cast, func, literal, select

from layers.access import latest_rows, rows
from layers.fleet import STOPS, TRIPS, VEHICLES, Position
from layers.insights.base import Found, Insight, Line, Status, Told
from layers.labels import CHOICES, Text
from layers.measures.base import Question, last_days
from layers.measures.moving import km_per_day, moving_hours_per_day
from layers.rules.fleet import (
    PLACE_RULE,
    Place,
    cars_now,
    distance_m,
    local,
    places_at,
    read_place,
    share,
)

_STATUS: dict[str, Status] = {
    "never_heard": "attention",
    "silent": "attention",
    "moving": "neutral",
    "at_place": "ok",
    "elsewhere": "neutral",
    "no_place": "attention",
}


def span_words(seconds: float) -> Text:
    """Return a span of time in words: days, hours and minutes, the first that are not 0."""
    minutes = int(seconds // 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "天", "d"), (hours, "小时", "h"), (rest, "分钟", "min")]
    said = [part for part in parts if part[0]]
    if not said:
        return Text("不到 1 分钟", "under 1 min")
    return Text(
        " ".join(f"{n} {zh}" for n, zh, _ in said), " ".join(f"{n} {en}" for n, _, en in said)
    )


def _wall(value: datetime, question: Question) -> str:
    return f"{value.astimezone(question.zone):%Y-%m-%d %H:%M}"


def _place_line(name: str, title: Text, place: Place | None) -> Line:
    if place is None:
        return Line(name, title, None)
    return Line(name, title, place.words(), link=(place.layer, place.id))


def _state_asked(question: Question, key: int) -> Mapping[str, Select[Any]]:
    car = cars_now(question)
    fix = latest_rows(Position, question.actor)
    point = select(fix.c.geom).where(fix.c.id == key).scalar_subquery()
    return {
        "car": select(car).where(car.c.id == key),
        "place": places_at(question, point),
    }


def _state_told(question: Question, _key: int, found: Found) -> Told | None:
    car = next(iter(found["car"]), None)
    if car is None:
        return None
    state: str = car["state"]
    label, place = CHOICES["car_now"][state], read_place(found["place"])
    lines = [Line("state", Text("当前状态", "state now"), label)]
    if state == "never_heard":
        return Told(_STATUS[state], Text("没有任何定位记录", "No fix was ever received"), lines)
    age = span_words(car["silent_s"])
    lines += [
        Line("last_heard", Text("最后上报", "last heard"), car["last_heard"]),
        Line("age", Text("距今", "ago"), age),
        _place_line("place", Text("最后所在", "last seen at"), place),
        Line(
            "distance",
            Text("距固定停放点", "from its parking place"),
            None if car["distance_m"] is None else round(car["distance_m"]),
            "m",
        ),
    ]
    if state == "moving":
        lines.append(Line("speed", Text("当前速度", "speed now"), car["speed_kmh"], "km/h"))
    return Told(_STATUS[state], _state_headline(question, car, place, age), lines)


def _state_headline(
    question: Question, car: Mapping[str, Any], place: Place | None, age: Text
) -> Text:
    state, when = car["state"], _wall(car["last_heard"], question)
    label = CHOICES["car_now"][state]
    if state == "silent":
        return Text(
            f"失联 {age.zh}：最后一次上报在 {when}；不知现在何处",
            f"Silent for {age.en}: last heard {when}; where it is now is not known",
        )
    where = place.words() if place else None
    return Text(
        f"{label.zh}：{where.zh if where else '附近没有可说明的地点'}（{age.zh}前）",
        f"{label.en}: {where.en if where else 'nothing near that has a name'} ({age.en} ago)",
    )


def _week(question: Question) -> Question:
    return replace(question, window=last_days(question.now, question.zone))


def _week_asked(question: Question, key: int) -> Mapping[str, Select[Any]]:
    week = _week(question)
    asked: dict[str, Select[Any]] = {}
    for name, measure in (("km", km_per_day), ("hours", moving_hours_per_day)):
        values = measure(week)["values"].order_by(None).subquery(name)
        asked[name] = select(values.c.numerator, values.c.coverage).where(values.c.id == key)
    trip = rows(TRIPS, question.actor, question.at)
    asked["trips"] = select(func.count().label("n")).where(
        trip.c.vehicle_id == key,
        trip.c.started_at < week.span.end,
        trip.c.ended_at > week.span.start,
    )
    return asked


def _week_told(question: Question, _key: int, found: Found) -> Told | None:
    km = next(iter(found["km"]), None)
    hours = next(iter(found["hours"]), None)
    if km is None or hours is None:
        return None
    first, last = _week(question).span.dates(question.zone)
    when = f"{first:%m-%d}…{last:%m-%d}"
    if km["numerator"] is None:
        return Told(
            "neutral",
            Text(f"{when} 没有上报，里程不详", f"Not heard from in {when}: no number is known"),
        )
    driven, moving, trips = km["numerator"], hours["numerator"], found["trips"][0]["n"]
    lines = [
        Line("trips", Text("行程", "trips"), trips),
        Line("km", Text("里程", "driven"), round(driven, 1), "km"),
        Line("moving_h", Text("行驶时长", "moving"), round(moving, 1), "h"),
        Line(
            "coverage",
            Text("有记录的时间", "time on record"),
            round(100 * km["coverage"]),
            "%",
        ),
    ]
    return Told(
        "neutral",
        Text(
            f"{when}：{trips} 次行程，{driven:.1f} km",
            f"{when}: {trips} trips, {driven:.1f} km",
        ),
        lines,
    )


def _trip_asked(question: Question, key: int) -> Mapping[str, Select[Any]]:
    trip = rows(TRIPS, question.actor, question.at)

    def end(which: Any) -> Any:
        return select(which(trip.c.geom)).where(trip.c.id == key).scalar_subquery()

    start, stop = (local(c, question) for c in (trip.c.started_at, trip.c.ended_at))
    day = literal(timedelta(days=1), Interval)
    days = (
        func.generate_series(func.date_trunc("day", start), func.date_trunc("day", stop), day)
        .table_valued("day", name="days")
        .render_derived()
    )
    begin = func.timezone(question.zone.key, days.c.day)
    finish = func.timezone(question.zone.key, days.c.day + day)
    return {
        "trip": select(
            trip.c.vehicle_id, trip.c.started_at, trip.c.ended_at, trip.c.length_km,
            trip.c.moving_s,
        ).where(trip.c.id == key),
        "days": select(
            days.c.day, (cast(trip.c.length_km, Float) * share(trip, begin, finish)).label("km")
        )
        .select_from(trip)
        .join(days, literal(True))
        .where(trip.c.id == key)
        .order_by(days.c.day),
        "start": places_at(question, end(func.ST_StartPoint)),
        "end": places_at(question, end(func.ST_EndPoint)),
    }  # fmt: skip


def _trip_told(_question: Question, _key: int, found: Found) -> Told | None:
    trip = next(iter(found["trip"]), None)
    if trip is None:
        return None
    seconds = (trip["ended_at"] - trip["started_at"]).total_seconds()
    length = trip["length_km"]
    start, end = read_place(found["start"]), read_place(found["end"])
    mean = round(length / trip["moving_s"] * 3600, 1) if trip["moving_s"] else None
    lines = [
        _place_line("from", Text("起点", "from"), start),
        _place_line("to", Text("终点", "to"), end),
        Line("length", Text("里程", "length"), round(length, 1), "km"),
        Line("duration", Text("历时", "took"), span_words(seconds)),
        Line("mean_kmh", Text("行驶平均速度", "mean speed while moving"), mean, "km/h"),
    ]
    if len(found["days"]) > 1:
        lines += [
            Line(
                f"km_{each['day']:%Y-%m-%d}",
                Text(f"其中 {each['day']:%m-%d}", f"of which {each['day']:%m-%d}"),
                round(each["km"], 1),
                "km",
            )
            for each in found["days"]
        ]
    names = [place.words() if place else Text("？", "?") for place in (start, end)]
    return Told(
        "neutral",
        Text(
            f"{names[0].zh} → {names[1].zh}，{length:.1f} km",
            f"{names[0].en} → {names[1].en}, {length:.1f} km",
        ),
        lines,
    )


def _stop_asked(question: Question, key: int) -> Mapping[str, Select[Any]]:
    stop = rows(STOPS, question.actor, question.at)
    car = rows(VEHICLES, question.actor, question.at)
    point = select(stop.c.geom).where(stop.c.id == key).scalar_subquery()
    return {
        "stop": select(
            stop.c.started_at,
            stop.c.ended_at,
            stop.c.duration_s,
            distance_m(stop.c.geom, car.c.geom).label("distance_m"),
        )
        .outerjoin(car, car.c.id == stop.c.vehicle_id)
        .where(stop.c.id == key),
        "place": places_at(question, point),
    }


def _stop_told(_question: Question, _key: int, found: Found) -> Told | None:
    stop = next(iter(found["stop"]), None)
    if stop is None:
        return None
    place = read_place(found["place"])
    stood = span_words(stop["duration_s"])
    where = place.words() if place else None
    away = stop["distance_m"]
    lines = [
        _place_line("place", Text("停留地点", "stood at"), place),
        Line("duration", Text("停留时长", "stood for"), stood),
        Line(
            "distance",
            Text("距本车固定停放点", "from the car's parking place"),
            None if away is None else round(away),
            "m",
        ),
    ]
    return Told(
        "neutral",
        Text(
            f"停留于 {where.zh}，{stood.zh}" if where else f"停留 {stood.zh}",
            f"Stood at {where.en} for {stood.en}" if where else f"Stood for {stood.en}",
        ),
        lines,
    )


INSIGHTS: tuple[Insight, ...] = (
    Insight(
        name="state",
        layer="vehicles",
        rests=("positions.geom", "positions.speed_kmh"),
        title=Text("现在", "Now"),
        ask=_state_asked,
        read=_state_told,
        citation=PLACE_RULE,
    ),
    Insight(
        name="week",
        layer="vehicles",
        rests=("trips.geom", "stops", "positions"),
        title=Text("近七天", "Last seven days"),
        ask=_week_asked,
        read=_week_told,
    ),
    Insight(
        name="summary",
        layer="trips",
        rests=("trips.geom",),
        title=Text("行程概要", "The trip"),
        ask=_trip_asked,
        read=_trip_told,
    ),
    Insight(
        name="place",
        layer="stops",
        rests=("stops.geom", "vehicles"),
        title=Text("停留地点", "Where it stood"),
        ask=_stop_asked,
        read=_stop_told,
    ),
)

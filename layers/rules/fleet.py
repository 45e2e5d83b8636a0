"""Rules of official vehicles: what a car is doing now, where it stands, and what is a night trip.

A fixed parking place and one system for all cars are asked for by 党政机关公务用车管理办法 (2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    Date,
    DateTime,
    Float,
    Interval,
    Select,
    Time,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy import Text as TextType
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.access import latest_rows, rows
from layers.base import Layer
from layers.basemap import GREENS, ROADS, WATERS
from layers.estate import BUILDINGS, SITES
from layers.fleet import VEHICLES, Position
from layers.labels import Text
from layers.measures.base import Question
from layers.places import name_of

SILENT_AFTER = timedelta(hours=24)
"""A standing terminal reports every 5 to 10 minutes: a day without a word is no parking."""
MOVING_WITHIN = timedelta(minutes=10)
"""A moving terminal reports every 30 to 60 seconds; after 10 minutes it may have stopped since."""
MOVING_KMH = 5.0
"""Walking pace: slower than that is a receiver drifting or a car being shunted."""
NEAR_M = 50.0
"""One county publishes the alert: a car over 50 m from its fixed place without a request."""
PLACE_RULE = Text(
    "一县公开的停放规则：无用车申请而距固定停放点超过 50 米时提醒",
    "a county's published rule: an alert over 50 m from the fixed place without a request",
)
LONG_STOP = timedelta(minutes=60)
NIGHT = ("22:00", "06:00")
"""From when to when a trip is a night trip, by the clock of the estate."""

_DEGREE_M = 111_000.0
# What names a place: what holds it, else what it is near to; how near, in metres.
_NAMING: tuple[tuple[Layer, float], ...] = (
    *((each, 0.0) for each in (BUILDINGS, SITES, GREENS, WATERS)),
    *((each, NEAR_M) for each in (SITES, GREENS, WATERS, ROADS)),
)


class Place(NamedTuple):
    """What stands where a car stands: ``metres`` is 0 within it."""

    layer: str
    id: int
    name: str
    metres: float

    def words(self) -> Text:
        """Return the name, and that it is only near by where it is."""
        if self.metres <= 0:
            return Text(self.name, self.name)
        return Text(f"{self.name}附近", f"near {self.name}")


def moment(value: datetime) -> ColumnElement[datetime]:
    """Return a moment as a value of a statement."""
    return literal(value, DateTime(timezone=True))


def distance_m(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[float]:
    """Return the metres between two places in degrees, on the ellipsoid."""
    return cast(func.ST_Distance(func.geography(one), func.geography(other)), Float)


def near_to(
    geom: ColumnElement[Any], point: ColumnElement[Any], metres: float = NEAR_M
) -> ColumnElement[bool]:
    """Return whether a shape is within some metres of a point; the shape's index serves."""
    reach = metres / _DEGREE_M / func.cos(func.radians(func.ST_Y(point)))
    around: ColumnElement[bool] = geom.op("&&")(func.ST_Expand(point, reach))
    # Most points lie within, which is told twenty times sooner than a distance.
    return and_(around, or_(func.ST_Covers(geom, point), distance_m(geom, point) <= metres))


def cars_now(question: Question) -> FromClause:
    """Return what each car in service is doing: each of them once, in one state of six.

    Returns
    -------
    FromClause of ``id, state`` (of the list ``car_now``), ``last_heard``, ``silent_s``,
    ``speed_kmh``, ``distance_m`` (to its fixed place) and ``fix`` (EPSG:4326). A car that is
    sealed, in repair or disposed of is none of them.
    """
    car = rows(VEHICLES, question.actor, question.at)
    fix = latest_rows(Position, question.actor)
    away = distance_m(fix.c.geom, car.c.geom)
    now = moment(question.now)
    # Silence comes before all else: an old fix tells neither that a car moves nor where it is.
    state = case(
        (fix.c.time.is_(None), "never_heard"),
        (fix.c.time < now - literal(SILENT_AFTER, Interval), "silent"),
        (
            and_(
                fix.c.time >= now - literal(MOVING_WITHIN, Interval),
                fix.c.speed_kmh >= MOVING_KMH,
            ),
            "moving",
        ),
        (car.c.geom.is_(None), "no_place"),
        (away <= NEAR_M, "at_place"),
        else_="elsewhere",
    )
    return (
        select(
            car.c.id,
            state.label("state"),
            fix.c.time.label("last_heard"),
            cast(func.extract("epoch", now - fix.c.time), Float).label("silent_s"),
            fix.c.speed_kmh,
            away.label("distance_m"),
            fix.c.geom.label("fix"),
        )
        .outerjoin(fix, fix.c.id == car.c.id)
        .where(car.c.state == "in_service")
        .subquery("cars_now")
    )


def place_name(question: Question, point: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the name of what stands at a point, for a column of a list; NULL where nothing is."""
    names = []
    for shown, near in _NAMING:
        thing = _Thing(question, shown, near, point)
        name = select(thing.name).where(thing.close).order_by(thing.metres, thing.size).limit(1)
        names.append(name.correlate_except(thing.rows).scalar_subquery())
    return func.coalesce(*names)


def places_at(question: Question, point: ColumnElement[Any]) -> Select[Any]:
    """Return the statement for what stands at a point: ``layer, id, name, metres``, one row.

    Parameters
    ----------
    point : in EPSG:4326; it may be a scalar subquery.
    """
    here = select(point.label("point")).cte("here")
    spot = select(here.c.point).scalar_subquery()
    found = union_all(
        *(
            _Thing(question, each, near, spot).candidate(rank)
            for rank, (each, near) in enumerate(_NAMING)
        )
    ).subquery("found")
    return (
        select(found.c.layer, found.c.id, found.c.name, found.c.metres)
        .order_by(found.c.rank, found.c.metres, found.c.size)
        .limit(1)
    )


def read_place(found: Sequence[Any]) -> Place | None:
    """Return the place in the rows of `places_at`, or None."""
    row = next(iter(found), None)
    return Place(row["layer"], row["id"], row["name"], row["metres"]) if row else None


class _Thing:
    """The things of a layer that may name a point: those around it, or near it."""

    def __init__(
        self, question: Question, shown: Layer, near: float, point: ColumnElement[Any]
    ) -> None:
        self.shown = shown
        self.rows = thing = rows(shown, question.actor, question.at).alias()
        self.name: ColumnElement[Any] = name_of(shown, thing)
        if "code" in thing.c:  # a code alone tells little, and many names begin with it
            told = func.strpos(thing.c.name, thing.c.code) > 0
            self.name = case(
                (told, thing.c.name), else_=func.concat_ws(" ", thing.c.code, thing.c.name)
            )
        self.metres: ColumnElement[Any] = literal(0.0)
        self.close: ColumnElement[Any] = func.ST_Covers(thing.c.geom, point)
        self.size = func.ST_Area(thing.c.geom)
        if near:
            self.metres = distance_m(thing.c.geom, point)
            self.close = near_to(thing.c.geom, point, near)
        self.close = and_(thing.c.name.is_not(None), self.close)

    def candidate(self, rank: int) -> Select[Any]:
        """Return them with their rank among the layers that name a place."""
        return select(
            literal(rank).label("rank"),
            literal(self.shown.name).label("layer"),
            self.rows.c.id,
            cast(self.name, TextType).label("name"),
            self.metres.label("metres"),
            self.size.label("size"),
        ).where(self.close)


def share(
    trip: FromClause, start: ColumnElement[Any], end: ColumnElement[Any]
) -> ColumnElement[float]:
    """Return the share of a trip's length that was driven from `start` to `end`.

    A trip that straddles midnight is cut where it was at midnight: the M of its line is time.
    """
    whole = and_(trip.c.started_at >= start, trip.c.ended_at <= end)
    inside = func.ST_LocateBetween(trip.c.geom, _epoch(start), _epoch(end))
    length = func.ST_Length(func.geography(func.ST_Force2D(trip.c.geom)))
    cut = func.ST_Length(func.geography(func.ST_Force2D(inside))) / func.nullif(length, 0)
    # A line without a length (or none) is cut by time instead.
    lasted = _epoch(trip.c.ended_at - trip.c.started_at)
    by_time = seconds_within(trip, start, end) / func.nullif(lasted, 0)
    return case((whole, 1.0), else_=func.coalesce(cut, by_time, 0.0))


def seconds_within(
    t: FromClause, start: ColumnElement[Any], end: ColumnElement[Any]
) -> ColumnElement[float]:
    """Return the seconds that a trip or stop spends from `start` to `end`."""
    return _epoch(func.least(t.c.ended_at, end) - func.greatest(t.c.started_at, start))


def _epoch(value: ColumnElement[Any]) -> ColumnElement[float]:
    return cast(func.extract("epoch", value), Float)


def local(value: ColumnElement[Any], question: Question) -> ColumnElement[Any]:
    """Return a moment by the estate's clock."""
    return func.timezone(question.zone.key, value)


def at_night(trip: FromClause, question: Question) -> ColumnElement[bool]:
    """Return whether some of a trip lies in the night; one over midnight does."""
    start, end = local(trip.c.started_at, question), local(trip.c.ended_at, question)
    evening, morning = (cast(literal(each), Time) for each in NIGHT)
    return or_(
        cast(start, Date) != cast(end, Date),
        cast(start, Time) >= evening,
        cast(start, Time) < morning,
        cast(end, Time) > evening,
    )


def night_minutes(trip: FromClause, question: Question) -> ColumnElement[float]:
    """Return the minutes of a trip that lie in the night."""
    start, end = local(trip.c.started_at, question), local(trip.c.ended_at, question)
    day = literal(timedelta(days=1), Interval)
    first = func.date_trunc("day", start) - day
    # The night that began the evening before the first day may reach into it.
    evening = func.generate_series(first, func.date_trunc("day", end), day).column_valued("evening")
    clock = [literal(timedelta(hours=int(each[:2])), Interval) for each in NIGHT]
    lasted = _epoch(
        func.least(end, evening + day + clock[1]) - func.greatest(start, evening + clock[0])
    )
    return select(func.sum(func.greatest(lasted, 0.0)) / 60).scalar_subquery()


__all__ = [
    "LONG_STOP",
    "MOVING_KMH",
    "MOVING_WITHIN",
    "NEAR_M",
    "NIGHT",
    "PLACE_RULE",
    "SILENT_AFTER",
    "Place",
    "at_night",
    "cars_now",
    "distance_m",
    "local",
    "moment",
    "near_to",
    "night_minutes",
    "place_name",
    "places_at",
    "read_place",
    "seconds_within",
    "share",
]

"""The literals of CQL2: moments, spans of time and shapes, checked before they meet the database.

A literal is brought to the type of the column it meets, never the column to the literal, so that
indexes serve. A bare date met by a time column is the whole of that day in the service's zone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Date, DateTime, LargeBinary, func, literal
from sqlalchemy.sql.elements import ColumnElement

from layers.base import SRID

Family = Literal["date", "instant"]
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_TICK = timedelta(microseconds=1)  # the resolution of PostgreSQL's times


@dataclass(frozen=True)
class Part:
    """One end of a span: a column, a date, a moment, or open."""

    column: ColumnElement[Any] | None = None
    value: date | datetime | None = None
    family: Family | None = None

    @property
    def is_day(self) -> bool:
        """Whether it is a bare date, which a time column meets as a whole day."""
        return self.value is not None and not isinstance(self.value, datetime)

    def resolve(self, family: Family, zone: ZoneInfo, *, last: bool) -> ColumnElement[Any] | None:
        """Return the value in SQL, None where open; `last` asks for the end of a day."""
        if self.column is not None:
            return self.column
        if self.value is None:
            return None
        if family == "date":
            day = self.value
            if isinstance(day, datetime):
                day = day.astimezone(zone).date()
            return literal(day, Date())
        return literal(moment_of(self.value, zone, last=last), DateTime(timezone=True))


OPEN = Part()


@dataclass(frozen=True)
class Span:
    """A span of time from `start` to `end`, both included; an instant has the two the same."""

    start: Part
    end: Part

    @property
    def parts(self) -> tuple[Part, Part]:
        """Both ends."""
        return self.start, self.end


def moment_in_utc(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment in UTC; without an offset it is read in `zone`.

    Raises
    ------
    ValueError : it lies so near to the first or the last year that it has no date in UTC or in
        `zone`.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(zone).astimezone(UTC)
    except OverflowError as beyond:
        raise ValueError(f"{moment.isoformat()} lies beyond the years 1 to 9999") from beyond


def moment_of(value: date | datetime, zone: ZoneInfo, *, last: bool) -> datetime:
    """Return the moment in UTC of a time, or of the first or the last tick of a day in `zone`.

    The first and the last day there are stand for "ever": what a calendar cannot tell of them in
    UTC is cut off.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    try:
        if not last:
            return datetime.combine(value, time(), zone).astimezone(UTC)
        following = datetime.combine(value + timedelta(days=1), time(), zone)
        return following.astimezone(UTC) - _TICK
    except OverflowError:
        return _FIRST if value.year == 1 else _LAST


def parse_time(text: str, zone: ZoneInfo) -> date | datetime:
    """Return the date, or the moment in UTC, that RFC 3339 `text` names.

    A time without an offset is read in `zone`.

    Raises
    ------
    ValueError : it is neither, or beyond the calendar.
    """
    if len(text) == len("2026-10-12"):
        return date.fromisoformat(text)
    return moment_in_utc(datetime.fromisoformat(text), zone)


def parse_geometry(node: dict[str, Any]) -> BaseGeometry:
    """Return the shape of a GeoJSON geometry or of ``{"bbox": [...]}``, two-dimensional.

    Raises
    ------
    ValueError : it is no geometry, or one that crosses itself; says which and where.
    """
    if "bbox" in node:
        return box(*_four(node["bbox"]))
    try:
        shape = shapely.force_2d(shapely.from_geojson(json.dumps(node)))
    except (ShapelyError, TypeError) as wrong:
        raise ValueError(str(wrong)) from wrong
    if shape.is_empty:
        raise ValueError("an empty geometry")
    if not shapely.is_valid(shape):
        raise ValueError(shapely.is_valid_reason(shape))
    return shape


def box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """Return the box in degrees; one whose west lies east of its east crosses longitude 180."""
    if south > north:
        raise ValueError("south is above north")
    if west <= east:
        return _plain_box(west, south, east, north)
    return shapely.union(
        _plain_box(west, south, 180.0, north), _plain_box(-180.0, south, east, north)
    )


def _plain_box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    # A polygon without area meets nothing: a box that is a line or a point is given as one.
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _four(numbers: Any) -> tuple[float, float, float, float]:
    if not isinstance(numbers, list) or len(numbers) not in (4, 6):
        raise ValueError("a bbox has four numbers, or six with heights")
    values = [float(n) for n in numbers]
    if len(values) == 6:
        values = [values[0], values[1], values[3], values[4]]
    return values[0], values[1], values[2], values[3]


def bound_geometry(shape: BaseGeometry) -> ColumnElement[Any]:
    """Return a shape in EPSG:4326, longitude first, as a value of a statement."""
    made: ColumnElement[Any] = func.ST_GeomFromWKB(
        literal(shapely.to_wkb(shape), LargeBinary()), SRID
    )
    return made

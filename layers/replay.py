"""A trip as it was driven: its line fix by fix, with the time and the speed of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import DateTime, Float, Select, cast, func, literal, select

from geo.tracks import geodesic_m
from layers.access import Actor, rows
from layers.fleet import POSITIONS, TRIPS, VEHICLES
from layers.places import title_of

# The seventh place of a degree is a centimetre: finer than any receiver.
PLACES = 7


class Path(NamedTuple):
    """The fixes of a trip, in the order of time.

    Attributes
    ----------
    coordinates : longitude and latitude (EPSG:4326).
    times : seconds since 1970 (UTC).
    speeds_kmh : as the terminal said; where it said nothing, from the fix before. None where
        neither is known.
    """

    coordinates: list[list[float]]
    times: list[float]
    speeds_kmh: list[float | None]


def trip(actor: Actor, key: int, at: datetime | None = None) -> Select[Any]:
    """Return the statement for one trip: its columns, its car, and its fixes as three arrays."""
    found = rows(TRIPS, actor, at)
    car = rows(VEHICLES, actor, at)
    # Without a name the column would be read as a row of the function: it gives path and geom.
    point = func.ST_DumpPoints(found.c.geom).table_valued("path", "geom").lateral("point")

    def listed(value: Any) -> Any:
        of = select(func.array_agg(cast(value, Float))).select_from(point)
        return of.scalar_subquery()

    return (
        select(
            found.c.id,
            found.c.vehicle_id,
            title_of(VEHICLES, car).label("vehicle"),
            found.c.started_at,
            found.c.ended_at,
            found.c.length_km,
            listed(func.ST_X(point.c.geom)).label("lon"),
            listed(func.ST_Y(point.c.geom)).label("lat"),
            listed(func.ST_M(point.c.geom)).label("time"),
        )
        .join(car, car.c.id == found.c.vehicle_id)
        .where(found.c.id == key)
    )


def speeds(
    actor: Actor, vehicle: int, start: datetime, end: datetime, at: datetime | None = None
) -> Select[Any]:
    """Return the statement for what a car's terminal said of its speed: ``time, speed_kmh``.

    The span is a trip's, so that the days it touches are the only partitions that are read.
    """
    fix = rows(POSITIONS, actor, at)
    first, last = (literal(each, DateTime(timezone=True)) for each in (start, end))
    return (
        select(cast(func.extract("epoch", fix.c.time), Float).label("time"), fix.c.speed_kmh)
        .where(fix.c.vehicle_id == vehicle, fix.c.time.between(first, last))
        .order_by(fix.c.time)
    )


def path(row: Mapping[str, Any], said: Sequence[Mapping[str, Any]]) -> Path:
    """Return the path of a row of `trip` with the speeds in the rows of `speeds`."""
    lon, lat = np.array(row["lon"] or [], float), np.array(row["lat"] or [], float)
    times = [round(float(time), 3) for time in row["time"] or []]
    known = {
        round(float(each["time"]), 3): each["speed_kmh"]
        for each in said
        if each["speed_kmh"] is not None
    }
    derived = _derived(lon, lat, np.array(times))
    chosen = (known.get(time, other) for time, other in zip(times, derived, strict=True))
    return Path(
        [[round(float(x), PLACES), round(float(y), PLACES)] for x, y in zip(lon, lat, strict=True)],
        times,
        [None if speed is None else round(float(speed), 1) for speed in chosen],
    )


def _derived(lon: Any, lat: Any, times: Any) -> list[float | None]:
    """Return the speed over the leg that ends at each fix, km/h; the first has none."""
    if not len(times):
        return []
    seconds = np.diff(times)
    metres = geodesic_m(lon, lat)
    legs = zip(metres, seconds, strict=True)
    return [None, *(float(m / s * 3.6) if s > 0 else None for m, s in legs)]

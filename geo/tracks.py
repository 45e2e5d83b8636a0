"""Fixes → stops and trips, lengths on the ellipsoid, and lines with time as M."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

from geo.fixes import Fixes, Floats, Ints, TrackRules, clean_fixes, metres_between

__all__ = [
    "Fixes",
    "Journeys",
    "Stops",
    "TrackRules",
    "Trips",
    "clean_fixes",
    "geodesic_m",
    "line_with_times",
    "segment",
    "trip_lines",
]

_GEOD: Final = Geod(ellps="WGS84")
_LINESTRING_M: Final = 2002  # ISO WKB type


@dataclass(frozen=True)
class Stops:
    """Stops as arrays: positions `first`..`last` (inclusive) in the fixes, centre in degrees."""

    vehicle: Ints
    first: Ints
    last: Ints
    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    lon: Floats
    lat: Floats


@dataclass(frozen=True)
class Trips:
    """Trips as arrays: positions `first`..`last` (inclusive) in the fixes.

    `km` is geodesic along the fixes, `moving_s` the seconds at or above walking speed,
    `reach_m` the greatest distance from the start as the crow flies.
    """

    vehicle: Ints
    first: Ints
    last: Ints
    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    km: Floats
    moving_s: Floats
    reach_m: Floats


@dataclass(frozen=True)
class Journeys:
    """What a set of fixes tells: stops and trips, in order of vehicle and time."""

    stops: Stops
    trips: Trips


def geodesic_m(lon: ArrayLike, lat: ArrayLike) -> Floats:
    """Return the length of each leg between successive points, metres on WGS 84 (Karney)."""
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    if len(x) < 2:
        return np.zeros(0)
    return np.asarray(_GEOD.inv(x[:-1], y[:-1], x[1:], y[1:])[2], dtype=np.float64)


def segment(fixes: Fixes, rules: TrackRules | None = None) -> Journeys:
    """Cut cleaned fixes into stops and trips.

    A silence above `gap_s` and a leg that cannot have been driven cut first. Within each
    piece, stops are the stays of at least `stop_min_s` within `stop_radius_m` of their centre;
    stays on one place that only drift parted are one stop. What lies between is a trip when it
    leads `trip_min_m` away from its start. The fixes by which a car rolls away from a stop's
    centre belong to the trip.
    """
    rules = rules or TrackRules()
    seconds = fixes.time.astype(np.int64) / 1e6
    count = len(seconds)
    if count == 0:
        return Journeys(_stops(fixes, []), _trips(fixes, [], [], rules))
    cut = (np.diff(fixes.vehicle) != 0) | (np.diff(seconds) > rules.gap_s) | fixes.broken[1:]
    starts = np.flatnonzero(np.concatenate([[True], cut]))
    ends = np.append(starts[1:], count)
    piece = np.cumsum(np.concatenate([[0], cut]))
    found = _find_stops(fixes, seconds, piece, ends, rules)
    by_piece: dict[int, list[_Stay]] = {}
    for stay in found:
        by_piece.setdefault(int(piece[stay.first]), []).append(stay)
    stays: list[_Stay] = []
    trips: list[tuple[int, int]] = []
    reach: list[float] = []
    for number, (begin, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        here = _merged(fixes, by_piece.get(number, []), rules)
        for way in _ways(here, begin, end):
            far = _reach_m(fixes, way)
            if far >= rules.trip_min_m:
                trips.append(_widened(fixes, seconds, way, rules))
                reach.append(far)
        stays.extend(here)
    return Journeys(_stops(fixes, stays), _trips(fixes, trips, reach, rules))


def line_with_times(lon: Floats, lat: Floats, time: NDArray[np.datetime64]) -> Any:
    """Return a LineStringM in WGS 84 whose M is seconds since 1970-01-01 UTC."""
    rows = np.empty((len(lon), 3), dtype="<f8")
    rows[:, 0], rows[:, 1] = lon, lat
    rows[:, 2] = np.asarray(time).astype("datetime64[us]").astype(np.int64) / 1e6
    # Shapely makes no M from arrays; ISO WKB does.
    return shapely.from_wkb(struct.pack("<BII", 1, _LINESTRING_M, len(rows)) + rows.tobytes())


def trip_lines(fixes: Fixes, trips: Trips) -> NDArray[Any]:
    """Return each trip's LineStringM (see `line_with_times`)."""
    lines = np.empty(len(trips.first), dtype=object)
    for number, (first, last) in enumerate(zip(trips.first, trips.last, strict=True)):
        part = slice(int(first), int(last) + 1)
        lines[number] = line_with_times(fixes.lon[part], fixes.lat[part], fixes.time[part])
    return lines


@dataclass
class _Stay:
    first: int
    last: int
    lon: float
    lat: float


@dataclass
class _Way:
    """The fixes between two stays, their edge fixes included."""

    first: int
    last: int
    before: _Stay | None
    after: _Stay | None


def _find_stops(
    fixes: Fixes, seconds: Floats, piece: Ints, ends: Ints, rules: TrackRules
) -> list[_Stay]:
    lon, lat, radius = fixes.lon, fixes.lat, rules.stop_radius_m
    count = len(lon)
    # One ascending key over all pieces finds, for every fix at once, the first fix of its piece
    # that comes `stop_min_s` later: the least that a stop beginning here must hold.
    span = float(np.ptp(seconds)) + rules.stop_min_s + 1.0
    key = piece * span + (seconds - seconds.min())
    least = np.searchsorted(key, key + rules.stop_min_s - 1e-3, side="left")
    inside = least < count
    inside[inside] = piece[least[inside]] == piece[inside]
    here = np.flatnonzero(inside)
    there = least[here]
    size = there - here + 1
    sum_x, sum_y = (np.concatenate([[0.0], np.cumsum(v - v[0])]) for v in (lon, lat))
    mean_x = (sum_x[there + 1] - sum_x[here]) / size + lon[0]
    mean_y = (sum_y[there + 1] - sum_y[here]) / size + lat[0]
    near = np.ones(len(here), dtype=np.bool_)
    for probe in (here, there, (here + there) // 2):
        near &= metres_between(lon[probe], lat[probe], mean_x, mean_y) <= radius
    here, there, mean_x, mean_y = here[near], there[near], mean_x[near], mean_y[near]
    stays: list[_Stay] = []
    place = 0
    while True:
        number = int(np.searchsorted(here, place))
        if number == len(here):
            return stays
        first, last = int(here[number]), int(there[number])
        stay = _Stay(first, last, float(mean_x[number]), float(mean_y[number]))
        if (_apart(fixes, stay, first, last + 1) > radius).any():
            place = first + 1
            continue
        end = int(ends[piece[first]])
        for _ in range(2):  # once more round the better centre
            stay.last = _extended(fixes, stay, end, radius)
            stay.lon = float(np.median(lon[first : stay.last + 1]))
            stay.lat = float(np.median(lat[first : stay.last + 1]))
        stays.append(stay)
        place = stay.last + 1


def _apart(fixes: Fixes, stay: _Stay, first: int, end: int) -> Floats:
    return metres_between(fixes.lon[first:end], fixes.lat[first:end], stay.lon, stay.lat)


def _extended(fixes: Fixes, stay: _Stay, end: int, radius: float) -> int:
    """Return the last fix before the first one that is outside the radius."""
    here, step = stay.last + 1, 64
    while here < end:
        until = min(here + step, end)
        outside = np.flatnonzero(_apart(fixes, stay, here, until) > radius)
        if len(outside):
            return here + int(outside[0]) - 1
        here, step = until, step * 2
    return end - 1


def _merged(fixes: Fixes, stays: list[_Stay], rules: TrackRules) -> list[_Stay]:
    """Join stays on one place when what parts them is drift and no trip."""
    joined: list[_Stay] = []
    for stay in stays:
        last = joined[-1] if joined else None
        if last is not None:
            centres = metres_between(last.lon, last.lat, stay.lon, stay.lat)
            between = _apart(fixes, last, last.last + 1, stay.first)
            if float(centres) <= 2 * rules.stop_radius_m and (between < rules.trip_min_m).all():
                last.last = stay.last
                last.lon = float(np.median(fixes.lon[last.first : last.last + 1]))
                last.lat = float(np.median(fixes.lat[last.first : last.last + 1]))
                continue
        joined.append(stay)
    return joined


def _ways(stays: list[_Stay], begin: int, end: int) -> list[_Way]:
    ways: list[_Way] = []
    before: _Stay | None = None
    for stay in [*stays, None]:
        first = begin if before is None else before.last
        last = end - 1 if stay is None else stay.first
        if last > first:
            ways.append(_Way(first, last, before, stay))
        before = stay
    return ways


def _reach_m(fixes: Fixes, way: _Way) -> float:
    origin = way.before or _Stay(
        way.first, way.first, float(fixes.lon[way.first]), float(fixes.lat[way.first])
    )
    return float(_apart(fixes, origin, way.first, way.last + 1).max())


def _widened(fixes: Fixes, seconds: Floats, way: _Way, rules: TrackRules) -> tuple[int, int]:
    """Give the trip the fixes that roll away from, or up to, the centres of its stops."""
    first, last = way.first, way.last
    if way.before is not None:
        apart = _apart(fixes, way.before, way.before.first, first + 1)
        closer = np.flatnonzero(np.diff(apart) <= 0)
        turn = way.before.first + (int(closer[-1]) + 1 if len(closer) else 0)
        if seconds[turn] - seconds[way.before.first] >= rules.stop_min_s:
            first = way.before.last = turn
    if way.after is not None:
        apart = _apart(fixes, way.after, last, way.after.last + 1)
        further = np.flatnonzero(np.diff(apart) >= 0)
        turn = last + (int(further[0]) if len(further) else 0)
        if seconds[way.after.last] - seconds[turn] >= rules.stop_min_s:
            last = way.after.first = turn
    return first, last


def _stops(fixes: Fixes, stays: list[_Stay]) -> Stops:
    first = np.array([stay.first for stay in stays], dtype=np.int64)
    last = np.array([stay.last for stay in stays], dtype=np.int64)
    return Stops(
        fixes.vehicle[first], first, last, fixes.time[first], fixes.time[last],
        np.array([stay.lon for stay in stays], dtype=np.float64),
        np.array([stay.lat for stay in stays], dtype=np.float64),
    )  # fmt: skip


def _trips(
    fixes: Fixes, ways: list[tuple[int, int]], reach: list[float], rules: TrackRules
) -> Trips:
    pairs = np.array(ways, dtype=np.int64).reshape(-1, 2)
    first, last = pairs[:, 0], pairs[:, 1]
    km, moving = np.zeros(len(first)), np.zeros(len(first))
    for number, (begin, end) in enumerate(ways):
        part = slice(begin, end + 1)
        legs = geodesic_m(fixes.lon[part], fixes.lat[part])
        seconds: Floats = np.diff(fixes.time[part].astype(np.int64) / 1e6)
        km[number] = legs.sum() / 1000.0
        moving[number] = seconds[legs >= seconds * rules.moving_min_kmh / 3.6].sum()
    return Trips(
        fixes.vehicle[first], first, last, fixes.time[first], fixes.time[last], km, moving,
        np.array(reach, dtype=np.float64),
    )  # fmt: skip

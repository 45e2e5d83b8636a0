"""Cleaning of vehicle positions ("fixes"): order, repeats, places that cannot be true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo.messages import TRACK_MESSAGES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_M_PER_DEGREE: Final = 111_319.490793  # on the equator of WGS 84
_CODE: Final = f"U{max(map(len, TRACK_MESSAGES))}"
# Stretches further back than this are not tried when the way round a wild stretch is sought.
_LOOK_BACK: Final = 50


@dataclass(frozen=True)
class TrackRules:
    """The numbers by which fixes become trips and stops.

    Attributes
    ----------
    stop_radius_m, stop_min_s
        A stop is at least this long within this distance of its centre.
    trip_min_m
        A trip leads at least this far away from where it starts (as the crow flies). Drift on
        a parking place, however long its zigzag adds up to, is no trip.
    gap_s
        Silence longer than this ends a trip or a stop: nobody knows what happened.
    max_speed_kmh, jump_slack_m
        A leg that would need more speed, beyond an error of position, cannot be driven.
    jump_max_fixes
        Stray fixes up to this many (twice as many between two good stretches) are flagged as
        a jump. A longer stretch is believed, and the track is split at the impossible leg.
    moving_min_kmh
        Below it a vehicle on a trip is waiting, not moving.
    """

    stop_radius_m: float = 50.0
    stop_min_s: float = 300.0
    trip_min_m: float = 200.0
    gap_s: float = 1800.0
    max_speed_kmh: float = 200.0
    jump_slack_m: float = 50.0
    jump_max_fixes: int = 10
    moving_min_kmh: float = 3.0


@dataclass(frozen=True)
class Fixes:
    """Cleaned fixes, sorted by vehicle and time, and what became of every row given.

    Attributes
    ----------
    vehicles
        The vehicles' keys; `vehicle` holds positions in it.
    vehicle, time, lon, lat
        The fixes that count: time is UTC ``datetime64[us]``, coordinates WGS 84 degrees.
    broken
        Whether the leg to a fix from the one before it cannot have been driven; tracks split
        there.
    row
        Position of each fix in the rows as given.
    flag
        Per row as given: "" when it counts, else a code of `geo.messages.TRACK_MESSAGES`.
    late
        Per row as given: whether it came after a later fix of its vehicle. Late fixes count;
        they have been put in their place.
    """

    vehicles: NDArray[Any]
    vehicle: Ints
    time: NDArray[np.datetime64]
    lon: Floats
    lat: Floats
    broken: NDArray[np.bool_]
    row: Ints
    flag: NDArray[np.str_]
    late: NDArray[np.bool_]


def metres_between(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Floats:
    """Return short distances in metres (equirectangular; under 0.5 % off for some km).

    For thresholds only. Lengths that are told to people are geodesic.
    """
    x1, y1, x2, y2 = (np.asarray(value, np.float64) for value in (lon1, lat1, lon2, lat2))
    east = ((x2 - x1 + 180.0) % 360.0 - 180.0) * np.cos(np.radians((y1 + y2) / 2))
    return np.asarray(np.hypot(east, y2 - y1) * _M_PER_DEGREE, dtype=np.float64)


def clean_fixes(
    vehicle: ArrayLike,
    time: ArrayLike,
    lon: ArrayLike,
    lat: ArrayLike,
    rules: TrackRules | None = None,
) -> Fixes:
    """Sort fixes and flag the ones that cannot count; none is dropped silently.

    Flags: ``no_fix`` (no finite place on earth, no time, or exactly 0, 0), ``duplicate`` (same
    time and place again), ``time_conflict`` (same time, another place: the first given counts),
    ``jump`` (a few fixes that no car could have driven to, see `TrackRules`).

    Parameters
    ----------
    vehicle
        Key per fix.
    time
        ``datetime64`` in UTC.
    lon, lat
        WGS 84 degrees.
    """
    rules = rules or TrackRules()
    code, keys = pd.factorize(np.asarray(vehicle))
    moment = np.asarray(time).astype("datetime64[us]")
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    if not len(code) == len(moment) == len(x) == len(y):
        raise ValueError("vehicle, time, lon and lat must have the same length")
    flag = np.full(len(x), "", dtype=_CODE)
    usable = (np.abs(x) <= 180) & (np.abs(y) <= 90) & ~((x == 0) & (y == 0))
    usable &= ~np.isnat(moment) & (code >= 0)
    flag[~usable] = "no_fix"
    row = np.flatnonzero(usable)
    late = np.zeros(len(x), dtype=np.bool_)
    late[row] = _late(code[row], moment[row])
    row = row[np.lexsort((moment[row], code[row]))]  # stable: equal times stay as given
    row = _without_repeats(row, code, moment, x, y, flag)
    row, broken = _without_jumps(row, code, moment, x, y, flag, rules)
    return Fixes(
        np.asarray(keys), code[row].astype(np.int64), moment[row], x[row], y[row],
        broken, row.astype(np.int64), flag, late,
    )  # fmt: skip


def _late(code: Ints, moment: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Mark rows that follow, in the order given, a later row of their vehicle."""
    order = np.argsort(code, kind="stable")
    ticks = pd.Series(moment[order].astype(np.int64))
    latest = ticks.groupby(code[order]).cummax().to_numpy()
    late = np.zeros(len(code), dtype=np.bool_)
    late[order] = ticks.to_numpy() < latest
    return late


def _without_repeats(
    row: Ints,
    code: Ints,
    moment: NDArray[np.datetime64],
    x: Floats,
    y: Floats,
    flag: NDArray[np.str_],
) -> Ints:
    if len(row) < 2:
        return row
    new = np.ones(len(row), dtype=np.bool_)
    new[1:] = (np.diff(code[row]) != 0) | (moment[row[1:]] != moment[row[:-1]])
    first = row[np.flatnonzero(new)[np.cumsum(new) - 1]]  # the first of each equal time
    same = (x[row] == x[first]) & (y[row] == y[first])
    flag[row[~new & same]] = "duplicate"
    flag[row[~new & ~same]] = "time_conflict"
    return row[new]


def _without_jumps(
    row: Ints,
    code: Ints,
    moment: NDArray[np.datetime64],
    x: Floats,
    y: Floats,
    flag: NDArray[np.str_],
    rules: TrackRules,
) -> tuple[Ints, NDArray[np.bool_]]:
    """Flag stray stretches; return the rows that count and where a leg stays impossible."""
    if len(row) < 2:
        return row, np.zeros(len(row), dtype=np.bool_)
    lon, lat, seconds = x[row], y[row], moment[row].astype(np.int64) / 1e6
    speed = rules.max_speed_kmh / 3.6

    def drivable(a: Ints, b: Ints) -> NDArray[np.bool_]:
        apart = metres_between(lon[a], lat[a], lon[b], lat[b])
        limit = speed * (seconds[b] - seconds[a]) + rules.jump_slack_m
        return np.asarray(apart <= limit, dtype=np.bool_)

    step = np.arange(len(row) - 1)
    other = np.diff(code[row]) != 0
    broken = ~drivable(step, step + 1) & ~other
    keep = np.ones(len(row), dtype=np.bool_)
    edges = np.flatnonzero(np.concatenate([[True], other | broken, [True]]))
    first, last = edges[:-1], edges[1:] - 1
    owner = code[row[first]]
    for group in np.split(np.arange(len(first)), np.flatnonzero(np.diff(owner)) + 1):
        if len(group) == 1:
            continue
        chain = _best_chain(first[group], last[group], drivable, rules.jump_max_fixes + 0.5)
        for stretch in np.setdiff1d(group, group[chain], assume_unique=True):
            keep[first[stretch] : last[stretch] + 1] = False
    flag[row[~keep]] = "jump"
    kept = np.flatnonzero(keep)
    still = np.zeros(len(kept), dtype=np.bool_)
    still[1:] = ~drivable(kept[:-1], kept[1:]) & (np.diff(code[row[kept]]) == 0)
    return row[keep], still


def _best_chain(first: Ints, last: Ints, drivable: Any, price: float) -> Ints:
    """Return the stretches to keep: most fixes, less `price` for each impossible leg kept."""
    size = (last - first + 1).astype(np.float64)
    best, before = size.copy(), np.full(len(size), -1)
    for here in range(1, len(size)):
        earlier = np.arange(max(0, here - _LOOK_BACK), here)
        possible = drivable(last[earlier], np.full(len(earlier), first[here]))
        worth = best[earlier] - np.where(possible, 0.0, price)
        way = int(np.argmax(worth))
        if worth[way] > 0:
            best[here], before[here] = worth[way] + size[here], earlier[way]
    chain = [int(np.argmax(best))]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return np.array(chain[::-1], dtype=np.int64)

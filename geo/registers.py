"""Register readings of a meter → consumption per interval, measured or unknown.

A register only rises. Where it seems not to, or where readings are missing, the interval says
why, and nothing is interpolated: a total over an outage is kept as a total.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.messages import READING_MESSAGES

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]

GAP_FACTOR: Final = 1.5
"""An interval longer than this many usual intervals is a gap."""
RHYTHM: Final = 31
"""So many intervals, half of them before and half after, tell what is usual at their middle."""
ROLL_OVER_SHARE: Final = 0.1
"""Without a `max_rate`, a roll-over is believed when it adds at most this share of the register."""
CODE: Final = f"U{max(map(len, READING_MESSAGES))}"
_LEADING_ZERO_FACTOR: Final = 100.0


@dataclass(frozen=True)
class Replacement:
    """A meter was exchanged: the old one's last and the new one's first register value.

    `time` must carry a time zone. A value that nobody noted is None: the interval is unknown.
    """

    time: datetime
    last: float | None
    first: float | None


@dataclass(frozen=True)
class Intervals:
    """Consumption between readings, arrays of one length, in order of time.

    Attributes
    ----------
    start, end
        UTC, ``datetime64[us]``; the interval is (start, end].
    value
        Consumption in the meter's unit (register difference × multiplier). NaN when not even
        the total is known.
    label
        "measured", or "unknown": how the consumption ran within the interval is not known,
        because readings are missing (then `value` is the total) or contradict (then NaN).
    reason
        A code of `geo.messages.READING_MESSAGES`, "" for an ordinary interval.
    ignored
        Positions in the readings as given, of those set aside, with `ignored_reason`.
    """

    start: Times
    end: Times
    value: Floats
    label: NDArray[np.str_]
    reason: NDArray[np.str_]
    ignored: NDArray[np.int64]
    ignored_reason: NDArray[np.str_]


@dataclass(frozen=True)
class Allocation:
    """Consumption per window.

    Attributes
    ----------
    value
        Sum over the intervals that lie wholly in the window; NaN where there is none.
    coverage
        Share of the window's time (0–1) that those intervals make up.
    unknown_share
        The part of `coverage` that is totals over outages: known for the window as a whole,
        not for its days.
    """

    value: Floats
    coverage: Floats
    unknown_share: Floats


def utc64(times: Sequence[Any] | ArrayLike) -> Times:
    """Return times as UTC ``datetime64[us]``.

    Takes tz-aware datetimes, or a ``datetime64`` array that is in UTC already.

    Raises
    ------
    ValueError
        When a datetime carries no time zone.
    """
    array = np.asarray(times)
    if np.issubdtype(array.dtype, np.datetime64):
        return array.astype("datetime64[us]")
    moments = [_naive_utc(moment) for moment in array.ravel().tolist()]
    return np.array(moments, dtype="datetime64[us]").reshape(array.shape)


def _naive_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} carries no time zone")
    return moment.astimezone(UTC).replace(tzinfo=None)


def consumption(
    times: Sequence[datetime] | ArrayLike,
    values: ArrayLike,
    *,
    multiplier: float = 1.0,
    digits: int | None = None,
    replacements: Sequence[Replacement] = (),
    max_rate: float | None = None,
    every: timedelta | None = None,
) -> Intervals:
    """Turn the register readings of one meter into consumption per interval.

    Parameters
    ----------
    times, values
        Readings in any order; times tz-aware or UTC ``datetime64``.
    multiplier
        Units per register step (transformer ratio).
    digits
        Whole digits of the register; with them a fall may be a roll-over at 10^digits.
    replacements
        Exchanges of the meter.
    max_rate
        Greatest possible consumption per hour, in the meter's unit. Faster is unknown.
    every
        Usual distance of readings, default the median of the intervals around: a meter that is
        read daily, and hourly for a month, has no gap. An interval above 1.5 × is a gap: its
        total counts, its days are unknown.

    Raises
    ------
    ValueError
        When times and values differ in number or a time carries no zone.
    """
    moment, value = utc64(times), np.asarray(values, dtype=np.float64)
    if moment.shape != value.shape or moment.ndim != 1:
        raise ValueError("times and values must be two rows of the same length")
    modulus = 10.0**digits if digits is not None else None
    kept = _Kept(moment, value, _generation(moment, value, replacements))
    _set_aside_unusable(kept, modulus)
    doubts = _set_aside_spurious(kept)
    return _judged(kept, doubts, modulus, replacements, multiplier, max_rate, every)


def allocate(
    intervals: Intervals, windows: Sequence[tuple[datetime, datetime]] | ArrayLike
) -> Allocation:
    """Sum consumption over windows [from, to), never splitting an interval.

    The intervals are in order and do not overlap, as `consumption` and `geo.recorded` give them.

    An interval counts where it lies wholly within the window. One that straddles the edge is
    not shared out, and the window's coverage falls short by it: choose windows that begin and
    end at readings, or show the coverage.

    Parameters
    ----------
    windows
        Pairs of tz-aware datetimes, or a UTC ``datetime64`` array of shape (n, 2).

    Raises
    ------
    ValueError
        When a window ends before it begins.
    """
    edges = utc64(windows).reshape(-1, 2)
    if (edges[:, 0] >= edges[:, 1]).any():
        raise ValueError("a window ends before it begins")
    first = np.searchsorted(intervals.start, edges[:, 0], side="left")
    last = np.maximum(np.searchsorted(intervals.end, edges[:, 1], side="right"), first)
    known = np.isfinite(intervals.value)
    seconds = (intervals.end - intervals.start) / np.timedelta64(1, "s")
    length = (edges[:, 1] - edges[:, 0]) / np.timedelta64(1, "s")

    def summed(parts: Floats) -> Floats:
        running = np.concatenate([[0.0], np.cumsum(parts)])
        return np.asarray(running[last] - running[first], dtype=np.float64)

    number = summed(known.astype(np.float64))
    value = np.where(number > 0, summed(np.where(known, intervals.value, 0.0)), np.nan)
    vague = known & (intervals.label == "unknown")
    return Allocation(
        value,
        summed(np.where(known, seconds, 0.0)) / length,
        summed(np.where(vague, seconds, 0.0)) / length,
    )


class _Kept:
    """The readings that still count, in order of (time, generation of the meter)."""

    def __init__(self, moment: Times, value: Floats, generation: NDArray[np.int64]) -> None:
        self.moment, self.value, self.generation = moment, value, generation
        self.rows = np.lexsort((np.arange(len(moment)), generation, moment)).astype(np.int64)
        self.ignored: list[int] = []
        self.ignored_reason: list[str] = []

    def drop(self, places: NDArray[np.int64] | list[int], code: str) -> None:
        """Set aside the readings at these places of `rows`."""
        dropped = self.rows[places]
        self.ignored.extend(dropped.tolist())
        self.ignored_reason.extend([code] * len(dropped))
        self.rows = np.delete(self.rows, places)


def _generation(
    moment: Times, value: Floats, replacements: Sequence[Replacement]
) -> NDArray[np.int64]:
    """Count the exchanges before each reading; one at the very moment is judged by its value."""
    count = np.zeros(len(moment), dtype=np.int64)
    for exchange in replacements:
        at = utc64([exchange.time])[0]
        count += moment > at
        if exchange.first is not None:
            old = np.inf if exchange.last is None else np.abs(value - exchange.last)
            count += (moment == at) & (np.abs(value - exchange.first) < old)
    return count


def _set_aside_unusable(kept: _Kept, modulus: float | None) -> None:
    value = kept.value[kept.rows]
    kept.drop(np.flatnonzero(~np.isfinite(value) | (value < 0)), "no_value")
    if modulus is not None:
        kept.drop(np.flatnonzero(kept.value[kept.rows] >= modulus), "too_many_digits")
    rows = kept.rows
    again = (np.diff(kept.moment[rows]) == np.timedelta64(0, "us")) & (
        np.diff(kept.generation[rows]) == 0
    )
    same = np.diff(kept.value[rows]) == 0
    # Of several readings at one time the first to be given counts.
    places = np.flatnonzero(again) + 1
    codes = np.where(same[again], "duplicate_reading", "conflict")
    kept.drop(places[codes == "duplicate_reading"], "duplicate_reading")
    rows = kept.rows
    again = (np.diff(kept.moment[rows]) == np.timedelta64(0, "us")) & (
        np.diff(kept.generation[rows]) == 0
    )
    kept.drop(np.flatnonzero(again) + 1, "conflict")


def _set_aside_spurious(kept: _Kept) -> dict[int, str]:
    """Drop readings that contradict both neighbours; return the row before each → its code.

    At a fall from g to v, with w the next reading of the same meter: w ≥ g means that v (and
    its equals) was a dip; else, if v is not below the reading before g, g was a spike. A
    roll-over is neither, since what follows it stays below g and what precedes g is above v.
    """
    doubts: dict[int, str] = {}
    value, generation = kept.value, kept.generation
    place = 0
    while True:
        rows = kept.rows
        falls = np.flatnonzero((np.diff(value[rows]) < 0) & (np.diff(generation[rows]) == 0))
        falls = falls[falls >= place]
        if not len(falls):
            return doubts
        here = int(falls[0])
        last, low = value[rows[here]], value[rows[here + 1]]
        end = here + 2
        while end < len(rows) and value[rows[end]] == low and low == 0:
            end += 1
        follows = end < len(rows) and generation[rows[end]] == generation[rows[here]]
        precedes = here > 0 and generation[rows[here - 1]] == generation[rows[here]]
        if follows and value[rows[end]] >= last:
            code = "spurious_zero" if low == 0 else "spurious_dip"
            kept.drop(list(range(here + 1, end)), code)
            doubts[int(rows[here])] = code
            place = here
        elif precedes and low >= value[rows[here - 1]]:
            kept.drop([here], "spurious_spike")
            doubts[int(rows[here - 1])] = "spurious_spike"
            place = max(here - 1, 0)
        else:
            place = here + 1


def _judged(
    kept: _Kept,
    doubts: dict[int, str],
    modulus: float | None,
    replacements: Sequence[Replacement],
    multiplier: float,
    max_rate: float | None,
    every: timedelta | None,
) -> Intervals:
    """Compute, bound and label the interval between each two readings that count."""
    rows = kept.rows
    start, end = kept.moment[rows[:-1]], kept.moment[rows[1:]]
    hours = (end - start) / np.timedelta64(3600, "s")
    delta, reason = _steps(kept, modulus, replacements, multiplier, max_rate, hours)
    total = delta * multiplier
    fast = np.zeros(len(total), dtype=np.bool_)
    if max_rate is not None:
        fast = total > max_rate * hours * (1 + 1e-9)
    fast |= _leaps_from_zero(kept.value[rows], total, hours)
    total[fast], reason[fast] = np.nan, "too_fast"
    gap = hours > GAP_FACTOR * _usual_hours(hours, every)
    named = np.full(len(total), "", dtype=CODE)
    for place in np.flatnonzero(np.isin(rows[:-1], list(doubts))) if doubts else ():
        named[place] = doubts[int(rows[place])]
    reason = np.where((reason == "") & (named != ""), named, reason)
    reason = np.where((reason == "") & gap, "gap", reason)
    known = np.isfinite(total) & ~gap & (named == "")
    order = np.argsort(kept.ignored, kind="stable")
    return Intervals(
        start, end, total, np.where(known, "measured", "unknown"), reason.astype(CODE),
        np.array(kept.ignored, dtype=np.int64)[order],
        np.array(kept.ignored_reason, dtype=CODE)[order],
    )  # fmt: skip


def _usual_hours(hours: Floats, every: timedelta | None) -> Floats:
    """Return the usual distance of readings at each interval."""
    if every is not None:
        return np.full(len(hours), every.total_seconds() / 3600.0)
    usual = np.full(len(hours), np.inf)
    lasting = hours > 0  # an exchange may be read at the very moment of a reading
    steps = hours[lasting]
    if not len(steps):
        return usual
    if len(steps) < RHYTHM or steps.max() <= GAP_FACTOR * steps.min():
        usual[lasting] = np.median(steps)
        return usual
    around = np.pad(steps, RHYTHM // 2, mode="symmetric")
    usual[lasting] = np.median(np.lib.stride_tricks.sliding_window_view(around, RHYTHM), axis=1)
    return usual


def _steps(
    kept: _Kept,
    modulus: float | None,
    replacements: Sequence[Replacement],
    multiplier: float,
    max_rate: float | None,
    hours: Floats,
) -> tuple[Floats, NDArray[np.str_]]:
    """Return the register difference of each interval (NaN: unknown) and its reason."""
    value, generation = kept.value[kept.rows], kept.generation[kept.rows]
    delta = np.diff(value)
    reason = np.full(len(delta), "", dtype=CODE)
    changed = np.diff(generation) > 0
    fell = (delta < 0) & ~changed
    if modulus is None:
        believed = np.zeros_like(fell)
    else:
        rolled = delta + modulus
        limit = ROLL_OVER_SHARE * modulus
        most = limit if max_rate is None else max_rate * hours / abs(multiplier)
        believed = fell & (rolled <= most)
        delta = np.where(believed, rolled, delta)
    reason[believed] = "roll_over"
    delta[fell & ~believed], reason[fell & ~believed] = np.nan, "decreased"
    exchanges = sorted(replacements, key=lambda exchange: exchange.time)
    for place in np.flatnonzero(changed):
        passed = exchanges[int(generation[place]) : int(generation[place + 1])]
        delta[place] = _across(float(value[place]), float(value[place + 1]), passed)
        reason[place] = "replaced"
    return delta, reason


def _across(before: float, after: float, exchanges: Sequence[Replacement]) -> float:
    """Return what the old meters ran to their end and the new ones from their start."""
    total, register = 0.0, before
    for exchange in exchanges:
        if exchange.last is None or exchange.first is None or exchange.last < register:
            return float("nan")
        total += exchange.last - register
        register = exchange.first
    return total + after - register if after >= register else float("nan")


def _leaps_from_zero(value: Floats, total: Floats, hours: Floats) -> NDArray[np.bool_]:
    """Mark the step from a first reading of zero to a register that had long been running."""
    leaps = np.zeros(len(total), dtype=np.bool_)
    if len(total) < 4 or value[0] != 0:
        return leaps
    rates = total[1:] / np.maximum(hours[1:], 1e-9)
    usual = float(np.nanmax(rates)) if np.isfinite(rates).any() else np.inf
    leaps[0] = total[0] / max(float(hours[0]), 1e-9) > _LEADING_ZERO_FACTOR * max(usual, 0.0) > 0
    return leaps

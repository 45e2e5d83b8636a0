"""Consumption that was recorded by interval: put in order, overlaps set aside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import ArrayLike

from geo.registers import CODE, Intervals, utc64


def recorded(
    start: Sequence[datetime] | ArrayLike,
    end: Sequence[datetime] | ArrayLike,
    values: ArrayLike,
    *,
    multiplier: float = 1.0,
) -> Intervals:
    """Return the consumption that was recorded by interval, in order and without overlaps.

    Of intervals that overlap, the one that began first counts (of two that began together, the
    one that ended first); the others are set aside with the reason "overlap", since the same
    consumption would count twice. An interval without length or a usable value is set aside too.

    Parameters
    ----------
    start, end, values
        In any order; times tz-aware or UTC ``datetime64``; values before the multiplier.

    Raises
    ------
    ValueError
        When the three differ in number or a time carries no zone.
    """
    first, last = utc64(start), utc64(end)
    amount = np.asarray(values, dtype=np.float64)
    if not first.shape == last.shape == amount.shape or first.ndim != 1:
        raise ValueError("start, end and values must be three rows of the same length")
    usable = np.isfinite(amount) & (amount >= 0) & (first < last)
    kept: list[int] = []
    reasons = dict.fromkeys(np.flatnonzero(~usable).tolist(), "no_value")
    for place in np.lexsort((last, first)).tolist():
        if not usable[place]:
            continue
        if kept and first[place] < last[kept[-1]]:
            reasons[place] = "overlap"
        else:
            kept.append(place)
    order = np.array(kept, dtype=np.int64)
    ignored = sorted(reasons)
    return Intervals(
        first[order], last[order], amount[order] * multiplier,
        np.full(len(order), "measured"), np.full(len(order), "", dtype=CODE),
        np.array(ignored, dtype=np.int64),
        np.array([reasons[place] for place in ignored], dtype=CODE),
    )  # fmt: skip

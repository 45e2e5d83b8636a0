"""Reading whole columns of times, in whatever form a tracker wrote them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

_EPOCH_S: Final = (3e8, 4e9)
"""Seconds since 1970 that are taken for a time: 1979 to 2096."""
_ZONE: Final = r"(?:[zZ]|[+-]\d{2}(?::?\d{2})?)\s*$"
_FORMS: Final = (
    "ISO8601",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y.%m.%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%Y%m%d %H%M%S",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H时%M分%S秒",
)
UTC_US: Final = "datetime64[us, UTC]"


def parse_times(values: pd.Series[Any], timezone: str) -> pd.Series[Any]:
    """Return times in UTC (``datetime64[us, UTC]``); NaT where a value cannot be read.

    Parameters
    ----------
    values : texts, numbers of seconds or milliseconds since 1970, or datetimes.
    timezone : IANA zone of the times that name none. A local time that did not exist, or that
        came twice when clocks were put back, is NaT.
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return _to_utc(values, timezone)
    if pd.api.types.is_numeric_dtype(values):
        return _from_epoch(values.astype("float64"))
    text = values.astype("str").str.strip()
    numbers = pd.to_numeric(text, errors="coerce")
    if len(text) and numbers.notna().mean() > 0.5 and _epochal(numbers):
        return _from_epoch(numbers)
    zoned = text.str.contains(_ZONE, regex=True, na=False) & text.str.contains(":", na=False)
    made = pd.Series(pd.NaT, index=values.index, dtype=UTC_US)
    if zoned.any():
        found = _read(text[zoned].str.replace(r"([+-]\d{2})$", r"\1:00", regex=True), utc=True)
        made[zoned] = found.astype(UTC_US)
    if not zoned.all():
        made[~zoned] = _to_utc(_read(text[~zoned], utc=False), timezone)
    return made


def _epochal(numbers: pd.Series[Any]) -> bool:
    middle = float(numbers.median())
    return any(_EPOCH_S[0] * unit <= middle <= _EPOCH_S[1] * unit for unit in (1, 1e3))


def _from_epoch(numbers: pd.Series[Any]) -> pd.Series[Any]:
    seconds = numbers / (1e3 if float(numbers.median()) > _EPOCH_S[1] else 1.0)
    known = seconds.between(*_EPOCH_S)
    micros = np.where(known, np.round(seconds.fillna(0) * 1e6), 0).astype(np.int64)
    made = pd.Series(pd.to_datetime(micros, unit="us", utc=True), index=numbers.index)
    return made.where(known).astype(UTC_US)


def _read(text: pd.Series[Any], *, utc: bool) -> pd.Series[Any]:
    """Read with the first form that reads most; then the others for what is left."""
    made = pd.Series(pd.NaT, index=text.index, dtype=UTC_US if utc else "datetime64[us]")
    for form in _FORMS:
        left = made.isna() & text.notna()
        if not left.any():
            break
        found = pd.to_datetime(text[left], format=form, errors="coerce", utc=utc)
        made[left] = found.astype(made.dtype)
    return made


def _to_utc(values: pd.Series[Any], timezone: str) -> pd.Series[Any]:
    if values.dt.tz is None:
        values = values.dt.tz_localize(timezone, ambiguous="NaT", nonexistent="NaT")
    made: pd.Series[Any] = values.dt.tz_convert("UTC").astype(UTC_US)
    return made

"""Sheets of meters and readings: what each sheet is, and its rows in one form.

A sheet is one of: meters; readings in long form (meter, time, value); readings in wide form with
a row per meter (columns are dates or months) or a row per time (columns are meters); bills of
the ENERGY STAR Portfolio Manager (meter id, start date, end date, usage).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from importers.base import ATTRIBUTE, FILE, ROW, Options
from importers.columns import fold_heading
from importers.tracks.times import parse_times
from importers.values import as_text

METER: Final = (
    "表号", "计量表", "计量表号", "表计编号", "电表号", "水表号", "meter", "meter number",
    "meter id", "meter_id", "portfolio manager meter id", "表具编号",
)  # fmt: skip
TIME: Final = (
    "抄表时间", "抄表日期", "读数时间", "时间", "日期", "time", "timestamp", "date", "end",
    "end date", "end_date", "结束时间", "结束日期", "截止日期", "end of the interval",
)  # fmt: skip
START: Final = (
    "区间起点", "开始时间", "开始日期", "起始日期", "起始时间", "start", "start date",
    "start of the interval",
)  # fmt: skip
VALUE: Final = (
    "读数", "示数", "表底数", "止数", "value", "reading", "用量", "用电量", "用水量", "用气量",
    "usage",
    "quantity", "usage/quantity", "consumption",
)  # fmt: skip
CLOSING: Final = (
    "旧表止数",
    "closing value",
    "closing_value",
    "closing value of the replaced meter",
)
QUALITY: Final = ("质量", "数据质量", "quality", "estimation", "estimation?", "是否估读")
_PROPERTY: Final = ("property name",)
_PROPERTY_ID: Final = ("portfolio manager id",)
_METER_NAME: Final = ("meter name",)
_METER_TYPE: Final = ("meter type",)
_METER_UNIT: Final = ("meter unit", "usage units", "units")
_ESTIMATED: Final = {"yes": "estimated", "no": "measured", "是": "estimated", "否": "measured"}
_MONTH: Final = re.compile(r"(\d{4})\s*(?:[-/.]|年)\s*(\d{1,2})\s*月?")
_DAY: Final = re.compile(
    r"(\d{4})\s*(?:[-/.]|年)\s*(\d{1,2})\s*(?:[-/.]|月)\s*(\d{1,2})\s*日?"
    r"(?:[ T]00:00(?::00)?)?"
)

# Types of the Portfolio Manager, by the word they begin with or hold.
_PM_KINDS: Final = (
    ("electric", "electricity"), ("natural gas", "gas"), ("district steam", "heat"),
    ("district hot water", "heat"), ("district chilled", "heat"), ("coal", "coal"),
    ("diesel", "diesel"), ("gasoline", "petrol"), ("propane", "lpg"), ("liquid propane", "lpg"),
    ("potable", "water"), ("water", "water"),
)  # fmt: skip


@dataclass
class Readings:
    """Readings in one form.

    Attributes
    ----------
    frame : ``meter_id`` (the meter's number), ``time``, ``start``, ``value``, ``_file``, ``_row``.
    period : for wide sheets, the unit a heading names ("day" or "month"), by row of `frame`; the
        importer decides by the meter's form whether that is an interval or a moment.
    inclusive : bills whose end date is the last day of the interval: it ends a day later.
    """

    frame: pd.DataFrame
    period: pd.Series[Any] | None = None
    inclusive: bool | None = None


@dataclass
class Sheet:
    """What one sheet holds."""

    kind: str
    meters: pd.DataFrame | None = None
    readings: Readings | None = None
    mapping: dict[str, str] = field(default_factory=dict)


def column(frame: pd.DataFrame, words: tuple[str, ...]) -> str | None:
    """Return the heading that is one of the words, the first word first."""
    folded = {fold_heading(str(h)): str(h) for h in frame.columns if h not in (ROW, FILE)}
    return next((folded[fold_heading(w)] for w in words if fold_heading(w) in folded), None)


def read_sheet(frame: pd.DataFrame, options: Options) -> Sheet:  # noqa: PLR0911 - one per form
    """Say what a sheet is, and return its readings (or its bills' meters) in one form.

    `kind` is ``meters`` (rows are still under their own headings), ``bills``, ``readings`` or
    ``other``.
    """
    given = options.mapping
    meter = given.get("meter_id") or column(frame, METER)
    time = given.get("time") or column(frame, TIME)
    value = given.get("value") or column(frame, VALUE)
    start = given.get("start") or column(frame, START)
    if meter and time and value:
        # Forms left empty, and second lines of headings, hold no reading.
        frame = frame[frame[[meter, value]].notna().any(axis="columns")]
        if frame.empty:
            return Sheet("other")
        mapping = {"meter_id": meter, "time": time, "value": value}
        optional = {"start": start, "closing_value": column(frame, CLOSING)}
        optional["quality"] = column(frame, QUALITY)
        mapping |= {name: heading for name, heading in optional.items() if heading}
        if start and column(frame, _METER_TYPE):
            return Sheet(
                "bills", _bill_meters(frame, meter), _bills(frame, mapping, options), mapping
            )
        return Sheet("readings", None, Readings(_long(frame, mapping, options)), mapping)
    if meter and column(frame, _METER_TYPE):
        return Sheet("bills", _bill_meters(frame, meter))
    periods = {h: p for h in frame.columns if (p := _period(str(h))) is not None}
    if meter and len(periods) >= 2:
        return Sheet(
            "readings", None, _by_meter(frame, meter, periods, options), {"meter_id": meter}
        )
    others = [h for h in frame.columns if h not in (ROW, FILE, time)]
    if time and not meter and others and not value and not _says_meters(frame):
        return Sheet("readings", None, _by_time(frame, time, others, options), {"time": time})
    return Sheet("meters" if meter or _says_meters(frame) else "other")


def _says_meters(frame: pd.DataFrame) -> bool:
    words = ("能源种类", "表号", "倍率", "number", "kind", "multiplier")
    return sum(column(frame, (word,)) is not None for word in words) >= 2


def _times(values: pd.Series[Any], options: Options) -> pd.Series[Any]:
    """Return times in UTC; where one cannot be read, all stay text, that one as it was."""
    text = as_text(values)
    parsed = parse_times(text, options.timezone)
    unread = parsed.isna() & text.notna()
    if not unread.any():
        return parsed
    said = parsed.map(lambda moment: moment.isoformat(), na_action="ignore").astype(object)
    return said.where(~unread, text).where(text.notna(), None)


def _long(frame: pd.DataFrame, mapping: Mapping[str, str], options: Options) -> pd.DataFrame:
    made = pd.DataFrame({FILE: frame[FILE], ROW: frame[ROW]})
    made["meter_id"] = as_text(frame[mapping["meter_id"]])
    made["value"] = frame[mapping["value"]]
    for name in ("time", "start"):
        if name in mapping:
            made[name] = _times(frame[mapping[name]], options)
    if "closing_value" in mapping:
        made["closing_value"] = frame[mapping["closing_value"]]
    if "quality" in mapping:
        quality = as_text(frame[mapping["quality"]])
        made["quality"] = quality.map(lambda q: _ESTIMATED.get(q.casefold(), q), na_action="ignore")
    return made


def _bills(frame: pd.DataFrame, mapping: Mapping[str, str], options: Options) -> Readings:
    """Bills name days; whether the last day belongs to the bill is read off the bill after it."""
    made = _long(frame, mapping, options)
    if not all(pd.api.types.is_datetime64_any_dtype(made[n]) for n in ("time", "start")):
        return Readings(made)
    ordered = made.sort_values(["meter_id", "start"])
    follows = ordered.groupby("meter_id")["start"].shift(-1)
    gap = (follows - ordered["time"]).dt.total_seconds() / 86_400
    # Without two bills in a row: a bill from the first to the last of a month includes both.
    touching = int((gap == 0).sum())
    inclusive = touching == 0 or int(gap.between(0.9, 1.1).sum()) > touching
    if inclusive:
        local = made["time"].dt.tz_convert(options.timezone)
        made["time"] = (local + pd.DateOffset(days=1)).dt.tz_convert("UTC")
    return Readings(made, inclusive=inclusive)


def _bill_meters(frame: pd.DataFrame, meter: str) -> pd.DataFrame:
    """Return one row per meter of a sheet of the Portfolio Manager."""
    first = frame[frame[meter].notna()].drop_duplicates(meter)
    number = as_text(first[meter])
    made = pd.DataFrame(
        {FILE: first[FILE], ROW: first[ROW], "source_key": number, "number": number}
    )
    parts = {
        "property": column(frame, _PROPERTY), "name": column(frame, _METER_NAME),
        "type": column(frame, _METER_TYPE), "unit": column(frame, _METER_UNIT),
        "id": column(frame, _PROPERTY_ID),
    }  # fmt: skip
    said = {key: as_text(first[h]) for key, h in parts.items() if h}
    blank = pd.Series(pd.NA, index=first.index, dtype="str")
    owner, own = said.get("property", blank), said.get("name", blank)
    made["name"] = (owner + " · " + own).fillna(own).fillna(owner)
    made["kind"] = said.get("type", blank).map(_pm_kind, na_action="ignore")
    made["unit"] = said.get("unit", blank).str.replace(r"\s*\(.*\)$", "", regex=True)
    made["reading_form"] = "interval"
    made["place"] = owner
    for key, heading in (("type", "meter_type"), ("property", "property"), ("id", "property_id")):
        if key in said:
            made[ATTRIBUTE + heading] = said[key]
    return made


def _pm_kind(text: str) -> str:
    folded = text.casefold()
    return next((kind for word, kind in _PM_KINDS if word in folded), "other")


def _period(heading: str) -> tuple[pd.Timestamp, str] | None:
    """Return the day or month that a heading names, as its first moment without a zone."""
    for form, unit in ((_DAY, "day"), (_MONTH, "month")):
        if match := form.fullmatch(heading.strip()):
            parts = [int(each) for each in match.groups()]
            try:
                year, month, day = parts if unit == "day" else [*parts, 1]
                return pd.Timestamp(year=year, month=month, day=day), unit
            except ValueError:
                return None
    return None


def _by_meter(
    frame: pd.DataFrame,
    meter: str,
    periods: Mapping[str, tuple[pd.Timestamp, str]],
    options: Options,
) -> Readings:
    long = frame.melt([FILE, ROW, meter], list(periods), var_name="heading", value_name="value")
    long = long[long["value"].notna()].reset_index(drop=True)
    unit = long["heading"].map({h: u for h, (_, u) in periods.items()})
    starts = {h: day.tz_localize(options.timezone) for h, (day, _) in periods.items()}
    ends = {
        h: (day + (pd.DateOffset(days=1) if u == "day" else pd.DateOffset(months=1))).tz_localize(
            options.timezone
        )
        for h, (day, u) in periods.items()
    }
    made = pd.DataFrame({FILE: long[FILE], ROW: long[ROW], "meter_id": as_text(long[meter])})
    made["start"] = pd.to_datetime(long["heading"].map(starts), utc=True).astype(
        "datetime64[us, UTC]"
    )
    made["time"] = pd.to_datetime(long["heading"].map(ends), utc=True).astype("datetime64[us, UTC]")
    made["value"] = long["value"]
    return Readings(made, period=unit)


def _by_time(frame: pd.DataFrame, time: str, meters: list[Any], options: Options) -> Readings:
    long = frame.melt([FILE, ROW, time], meters, var_name="meter", value_name="value")
    long = long[long["value"].notna()].reset_index(drop=True)
    made = pd.DataFrame({FILE: long[FILE], ROW: long[ROW], "meter_id": as_text(long["meter"])})
    made["time"] = _times(long[time], options)
    made["value"] = long["value"]
    return Readings(made)

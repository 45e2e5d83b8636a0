"""Which column of a table of positions is what: by its heading, or by its values without one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from importers.columns import fold_heading
from layers.problems import BadInput

# The surest first. A column called "id" counts rows as often as it names a vehicle: see below.
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "time": (
        "time", "gps_time", "gpstime", "fix_time", "device_time", "datetime", "date_time",
        "timestamp", "t", "定位时间", "gps时间", "采集时间", "上报时间", "时间", "recorded_at",
    ),
    "date": ("date", "日期", "gps_date"),
    "lon": ("lon", "lng", "longitude", "long", "经度", "x"),
    "lat": ("lat", "latitude", "纬度", "y"),
    "vehicle": (
        "plate", "车牌号", "车牌", "号牌", "车牌号码", "车辆", "vehicle", "vehicle_id", "vehicleid",
        "车辆编号", "taxi_id", "taxi", "tracker", "终端号", "终端编号", "device_id", "device",
        "imei", "sim", "user", "user_id",
        "track", "track_id", "trackid", "trip_id", "trajectory_id",
        "id",
    ),
    "speed_kmh": ("speed_kmh", "speed_km/h", "速度", "时速", "speed"),
    "heading_deg": (
        "heading_deg", "heading", "course", "bearing", "direction", "方向", "航向", "方向角",
    ),
    "altitude_m": ("altitude_m", "altitude", "alt", "ele", "elevation", "海拔", "高程"),
}  # fmt: skip
_PLATE: Final = re.compile(r"[一-龥][A-Z][·•・ ]?[A-HJ-NP-Z0-9]{4,6}[A-HJ-NP-Z0-9挂学警港澳]?")
_DATE: Final = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}"


def is_plate(text: str) -> bool:
    """Tell whether a text is a Chinese number plate (GA 36): 演A·D0001, 京AD12345."""
    return _PLATE.fullmatch(text.strip().upper()) is not None


def guess_columns(frame: pd.DataFrame, given: Mapping[str, str]) -> dict[str, str]:
    """Return field → heading.

    Parameters
    ----------
    given : field → heading, beating the guess; a heading of ``-`` leaves the field empty.

    Raises
    ------
    BadInput : a given field or heading does not exist, or time or place is not to be found.
    """
    headings = [str(name) for name in frame.columns if name != "geom"]
    made = _given(headings, given)
    taken, closed = set(made.values()), {name for name, heading in given.items() if heading == "-"}
    folded = {heading: fold_heading(heading) for heading in headings}
    for name, words in WORDS.items():
        if name in made or name in closed:
            continue
        for word in words:
            hit = next(
                (h for h in headings if h not in taken and folded[h] == fold_heading(word)), None
            )
            if hit is not None and not (word == "id" and not _repeats(frame[hit])):
                made[name] = hit
                taken.add(hit)
                break
    if "date" in made and "time" not in made:
        made["time"] = made.pop("date")
    _complete(made, headings, has_geometry="geom" in frame.columns)
    return made


def guess_unnamed(frame: pd.DataFrame, given: Mapping[str, str]) -> dict[str, str]:
    """Return field → column number (as text, from 1) for a table without headings.

    The first column of dates is the time, the first two columns of fractions are longitude and
    latitude (latitude first where only that can be), and a column before the time that repeats
    is the vehicle.
    """
    headings = [str(name) for name in frame.columns]
    made = _given(headings, given)
    sample = frame.head(500)
    numbers = {h: pd.to_numeric(sample[h], errors="coerce") for h in headings}
    for heading in headings:
        text = sample[heading].astype("str")
        if "time" not in made and text.str.match(_DATE, na=False).mean() > 0.9:
            made["time"] = heading
    places = [
        h
        for h in headings
        if h not in made.values()
        and numbers[h].notna().mean() > 0.9
        and (numbers[h] % 1 != 0).any()
    ]
    if len(places) >= 2 and not {"lon", "lat"} & set(made):
        first, second = places[:2]
        if numbers[second].abs().max() > 90 >= numbers[first].abs().max():
            first, second = second, first
        made["lon"], made["lat"] = first, second
    if "vehicle" not in made and "time" in made:
        for heading in headings[: headings.index(made["time"])]:
            if heading not in made.values() and _repeats(frame[heading]):
                made["vehicle"] = heading
                break
    _complete(made, headings, has_geometry=False)
    return made


def _repeats(values: pd.Series[Any]) -> bool:
    """A vehicle's key stands on many rows, a row's number on one."""
    return len(values) < 2 or values.nunique(dropna=True) <= len(values) / 2


def _given(headings: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    for name, heading in given.items():
        if name not in WORDS:
            known = ", ".join(WORDS)
            raise BadInput(
                zh=f"没有字段“{name}”；可用：{known}",
                en=f"There is no field '{name}'; there are: {known}",
                field=name,
            )
        if heading != "-" and heading not in headings:
            raise BadInput(
                zh=f"文件中没有列“{heading}”；有：{'、'.join(headings)}",
                en=f"The file has no column '{heading}'; it has: {', '.join(headings)}",
                field=name,
                value=heading,
            )
    return {name: heading for name, heading in given.items() if heading != "-"}


def _complete(made: Mapping[str, str], headings: Sequence[str], *, has_geometry: bool) -> None:
    needed = {"time"} if has_geometry else {"time", "lon", "lat"}
    missing = sorted(needed - set(made))
    if missing:
        raise BadInput(
            zh=f"找不到列：{'、'.join(missing)}（有：{'、'.join(headings)}）；"
            "请用 --map 指明，如 --map time=采集时间",
            en=f"No column was found for: {', '.join(missing)} (there are: {', '.join(headings)}); "
            "name it with --map, as in --map time=recorded",
            fields=missing,
        )

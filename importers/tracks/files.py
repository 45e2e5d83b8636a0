"""Track files to one kind of frame: who, when, where, as they were written.

`Raw` keeps coordinates in the file's own system and times in UTC, with the texts of what could
not be read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree

from importers import gdal
from importers.base import Options
from importers.guarded import check_width
from importers.messages import bad_input
from importers.tracks.columns import guess_columns, guess_unnamed
from importers.tracks.times import parse_times

TEXT: Final = (".csv", ".txt", ".tsv")
_FOOT_M: Final = 0.3048
_NO_ALTITUDE: Final = -777.0
_PLT_COLUMNS: Final = ("lat", "lon", "flag", "altitude", "days", "date", "time")
_CARRIED: Final = ("speed_kmh", "heading_deg", "altitude_m")


@dataclass
class Raw:
    """The fixes of one file.

    Attributes
    ----------
    frame : ``vehicle`` (text), ``time`` (UTC, NaT where unread), ``time_text``, ``x``, ``y``
        (NaN where unread), ``place_text``, what else was found, and ``row``.
    crs : what the file says its system is; None when it says nothing.
    mapping : field → heading.
    rest : headings that were not used.
    """

    frame: pd.DataFrame
    crs: Any = None
    mapping: dict[str, str] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)


def read_track(path: Path, options: Options) -> Raw:
    """Read one file of positions.

    Raises
    ------
    BadInput : not a track, damaged, or without times or places.
    """
    suffix = path.suffix.lower()
    if suffix in TEXT:
        return _read_text(path, options)
    if suffix == ".plt":
        return _read_plt(path, options)
    if suffix == ".gpx":
        return _read_gpx(path, options)
    return _read_points(path, options)


# -- CSV ---------------------------------------------------------------------------------------


def _read_text(path: Path, options: Options) -> Raw:
    text = _decoded(path, options.encoding)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise bad_input(path, "文件里没有行", "there are no rows in the file")
    delimiter = _delimiter(first)
    check_width(path, first.count(delimiter) + 1)
    named = _has_heading(next(csv.reader([first], delimiter=delimiter)))
    try:
        frame = pd.read_csv(
            io.StringIO(text), sep=delimiter, header=0 if named else None, dtype="str",
            skip_blank_lines=False, skipinitialspace=True, on_bad_lines="error",
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise bad_input(
            path,
            f"不是完整的表格（{error}）；请重新导出",
            f"it is no complete table ({error}); export it again",
        ) from error
    if not named:
        frame.columns = pd.Index([str(number + 1) for number in range(frame.shape[1])])
    frame["row"] = np.arange(len(frame)) + (2 if named else 1)
    frame = frame.dropna(how="all", subset=[c for c in frame.columns if c != "row"])
    if frame.empty:
        raise bad_input(path, "只有表头，没有数据行", "it has a heading and no rows")
    content = frame.drop(columns="row")
    guess = guess_columns if named else guess_unnamed
    return _from_table(path, frame, guess(content, options.mapping), options)


def _decoded(path: Path, encoding: str | None) -> str:
    data = path.read_bytes()
    for each in [encoding] if encoding else ["utf-8-sig", "gb18030"]:
        try:
            return data.decode(each)
        except (UnicodeDecodeError, LookupError):
            continue
    raise bad_input(
        path,
        "文字编码无法识别；请另存为 UTF-8，或用 --encoding 指明",
        "its text encoding is not known; save it as UTF-8, or name it with --encoding",
    )


def _delimiter(line: str) -> str:
    return max(",;\t|", key=line.count)


def _has_heading(cells: list[str]) -> bool:
    """A first row with a number in it is a row of data."""
    return not any(cell.strip() and _number(cell) for cell in cells)


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _from_table(path: Path, frame: pd.DataFrame, mapping: dict[str, str], options: Options) -> Raw:
    made = pd.DataFrame({"row": frame["row"].to_numpy()})
    moment = frame[mapping["time"]]
    if "date" in mapping:
        moment = frame[mapping["date"]].astype("str") + " " + moment.astype("str")
    made["time_text"] = moment.astype("str").to_numpy()
    made["time"] = parse_times(moment, options.timezone).reset_index(drop=True)
    x, y = frame[mapping["lon"]], frame[mapping["lat"]]
    made["x"] = pd.to_numeric(x, errors="coerce").to_numpy(dtype=float)
    made["y"] = pd.to_numeric(y, errors="coerce").to_numpy(dtype=float)
    made["place_text"] = (x.astype("str") + " " + y.astype("str")).to_numpy()
    made["vehicle"] = _vehicles(path, frame, mapping, options)
    for name in _CARRIED:
        if name in mapping:
            made[name] = pd.to_numeric(frame[mapping[name]], errors="coerce").to_numpy(dtype=float)
    used = {*mapping.values(), "row", "geom"}
    return Raw(made, None, mapping, [str(c) for c in frame.columns if str(c) not in used])


def _vehicles(path: Path, frame: pd.DataFrame, mapping: Mapping[str, str], options: Options) -> Any:
    """Return who each fix belongs to: what the user says, the file's column, or its name."""
    if options.extra.get("vehicle"):
        return np.full(len(frame), options.extra["vehicle"], dtype=object)
    if "vehicle" not in mapping:
        return np.full(len(frame), path.stem, dtype=object)
    values = frame[mapping["vehicle"]]
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    text = values.astype("str").str.strip().astype(object)
    return text.where(values.notna() & (text != ""), None).to_numpy()


# -- trackers ----------------------------------------------------------------------------------


def _read_plt(path: Path, options: Options) -> Raw:
    """GeoLife: six lines of heading, GMT, altitude in feet, -777 for none."""
    lines = _decoded(path, None).splitlines()
    if len(lines) < 7 or "trajectory" not in lines[0].lower():
        raise bad_input(
            path,
            "不是 GeoLife .plt：缺少六行文件头或数据行；请重新取得",
            "it is no GeoLife .plt: six lines of heading and rows are missing; get it anew",
        )
    table = pd.DataFrame([line.split(",") for line in lines[6:]]).reindex(columns=range(7))
    table.columns = pd.Index(_PLT_COLUMNS)
    table["row"] = np.arange(7, 7 + len(table))
    table = table[table["lat"].fillna("").str.strip() != ""]
    feet = pd.to_numeric(table["altitude"], errors="coerce")
    table["altitude"] = (feet * _FOOT_M).where(feet != _NO_ALTITUDE)
    mapping = {name: name for name in ("lat", "lon", "date", "time")}
    mapping["altitude_m"] = "altitude"
    raw = _from_table(path, table, mapping, replace(options, timezone="UTC"))
    raw.crs, raw.rest = 4326, []
    return raw


def _read_gpx(path: Path, options: Options) -> Raw:
    """GPX is WGS 84 and UTC by its standard; heights are metres, speeds metres per second."""
    rows: list[dict[str, Any]] = []
    try:
        root = SafeTree.parse(path).getroot()
    except (SafeTree.ParseError, DefusedXmlException) as error:
        raise bad_input(
            path,
            f"不是完整的 GPX（{error}）；请重新导出",
            f"it is no complete GPX ({error}); export it again",
        ) from error
    if root is None or root.tag.rpartition("}")[2] != "gpx":
        raise bad_input(path, "不是 GPX 文件", "it is no GPX file")
    for point in root.iter():
        if point.tag.rpartition("}")[2] != "trkpt":
            continue
        facts = {child.tag.rpartition("}")[2]: child.text for child in point.iter()}
        rows.append({"lat": point.get("lat"), "lon": point.get("lon"), **facts})
    if not rows:
        raise bad_input(path, "GPX 里没有轨迹点（trkpt）", "the GPX holds no track points (trkpt)")
    table = pd.DataFrame(rows)
    for name in ("time", "ele", "speed", "course"):
        if name not in table:
            table[name] = None
    table["row"] = np.arange(1, len(table) + 1)
    table["speed"] = pd.to_numeric(table["speed"], errors="coerce") * 3.6
    mapping = {"lat": "lat", "lon": "lon", "time": "time", "altitude_m": "ele"}
    mapping |= {"speed_kmh": "speed", "heading_deg": "course"}
    raw = _from_table(path, table, mapping, replace(options, timezone="UTC"))
    raw.frame = raw.frame.dropna(axis="columns", how="all").assign(time=raw.frame["time"])
    raw.crs, raw.mapping, raw.rest = 4326, {"vehicle": path.name}, []
    return raw


def _read_points(path: Path, options: Options) -> Raw:
    """Whatever GDAL reads, as long as it is points."""
    read = gdal.read(path, options, ("points",))
    shapes = read.frame.geometry
    if not (shapes.dropna().geom_type == "Point").all():
        kinds = "、".join(sorted(set(shapes.dropna().geom_type)))
        raise bad_input(
            path,
            f"轨迹须是点，文件里是 {kinds}；请先导出为带时间的点",
            f"tracks are points, the file holds {kinds}; export points with their times",
        )
    table = pd.DataFrame(read.frame)
    mapping = guess_columns(table, options.mapping)
    table["@x"], table["@y"] = shapes.x.to_numpy(), shapes.y.to_numpy()
    table["row"] = np.arange(1, len(table) + 1)
    raw = _from_table(path, table, {**mapping, "lon": "@x", "lat": "@y"}, options)
    raw.mapping, raw.crs = mapping, read.frame.crs
    raw.rest = [each for each in raw.rest if not each.startswith("@")]
    return raw

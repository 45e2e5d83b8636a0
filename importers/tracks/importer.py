"""The importer of positions: vehicles made where they are missing, then trips and stops."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa

from importers.base import (
    ATTRIBUTE,
    FILE,
    ROW,
    Found,
    Importer,
    Issue,
    Options,
    Refusal,
    Target,
)
from importers.references import References
from importers.tracks.columns import is_plate
from importers.tracks.files import Raw, read_track
from importers.tracks.journeys import rebuild
from importers.tracks.made import MADE_FROM, TRACKS
from importers.values import cell, positions
from layers.base import table_of
from layers.changes import ChangeSet, Counts
from layers.fleet import Position, Vehicle
from layers.labels import Text
from layers.search_entries import fold

_EARLIEST: Final = pd.Timestamp("1990-01-01", tz="UTC")
_AHEAD: Final = pd.Timedelta(days=1)
_MEASURED: Final = ("speed_kmh", "heading_deg", "altitude_m")
_KEY: Final = Text(
    "车牌号或车辆标识；定位点以（车辆，时间）识别",
    "the plate or the vehicle's key; a fix is known by (vehicle, time)",
)


class TracksImporter(Importer):
    """CSV, GPX, GeoLife .plt and files of points to vehicles, positions, trips and stops.

    Who a fix belongs to: ``--set vehicle=``, else the column of plates or vehicles, else the
    file's name. A vehicle whose plate is known is that vehicle; others are made, one per key of
    this dataset, and marked: a register imported later takes them over by their plate (see
    `importers.tracks.made`). Degrees without a declared system are what receivers give, WGS 84;
    GCJ-02 and BD-09 must be declared. Of two fixes of one moment the first counts; a fix from
    before 1990 or more than a day ahead of the service's clock is that of a wrong clock.
    """

    kind: ClassVar[str] = "tracks"
    title: ClassVar[Text] = Text("车辆轨迹", "Vehicle tracks")
    description: ClassVar[Text] = Text(
        "CSV、GPX、GeoLife .plt 或带时间的点文件：车辆、定位点，并得出行程和停留",
        "CSV, GPX, GeoLife .plt or points with times: vehicles, positions, and trips and stops",
    )
    layers: ClassVar[tuple[str, ...]] = ("positions", "vehicles", "trips", "stops")
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".txt", ".tsv", ".gpx", ".plt", ".gpkg", ".shp")
    aliases: ClassVar[tuple[str, ...]] = ("track", "positions")

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._positions: list[tuple[Target, pd.Series[Any]]] = []
        self._spans: list[pd.DataFrame] = []
        self._changed = False
        self._issues: list[Issue] = []
        self._source = ""

    def read(self, files: Sequence[Path], options: Options) -> Found:
        """Read the files into one target of vehicles and, per file, targets of positions."""
        self._ids, self._positions, self._spans, self._issues = {}, [], [], []
        self._changed = False
        self._source = options.source or files[0].stem
        found = Found(targets=[])
        vehicles: dict[str, dict[str, Any]] = {}
        for path in files:
            raw = read_track(path, options)
            found.mapping |= raw.mapping
            found.unmapped += [each for each in raw.rest if each not in found.unmapped]
            assumed = raw.crs is None and options.crs is None and _degrees(raw.frame)
            if assumed:
                found.issues.append(_assumed(path.name))
            named = raw.frame.dropna(subset=["vehicle"]).drop_duplicates("vehicle")
            for key, row in zip(named["vehicle"], named["row"], strict=True):
                plate = key if is_plate(str(key)) else None
                vehicles.setdefault(
                    str(key),
                    {
                        "source_key": key,
                        "name": key,
                        "plate": plate,
                        FILE: path.name,
                        ROW: row,
                        ATTRIBUTE + MADE_FROM: TRACKS,
                    },
                )
            self._positions += _targets(raw, path.name, 4326 if assumed else raw.crs)
        rows = pd.DataFrame(list(vehicles.values()), dtype=object)
        if len(rows):
            # A day's file does not name every vehicle: those it lacks are not missing.
            found.targets.append(Target(Vehicle, rows, key_rule=_KEY, complete=False))
        found.targets += [target for target, _ in self._positions]
        return found

    def expand(self, found: Found, changes: ChangeSet, references: References) -> list[Target]:
        """Set aside the fixes of a clock that cannot be right."""
        del references
        now = changes.connection.execute(sa.select(sa.func.onemap_now())).scalar_one()
        latest = pd.Timestamp(now).tz_convert("UTC") + _AHEAD
        for target, _ in self._positions:
            times = target.frame["time"]
            if pd.api.types.is_datetime64_any_dtype(times):
                wrong = (times < _EARLIEST) | (times > latest)
                target.refused = [
                    Refusal(at, "time", "impossible_time", str(cell(times, at)))
                    for at in positions(wrong.to_numpy(dtype=bool))
                ]
        return found.targets

    def written(self, target: Target, counts: Counts) -> None:
        """Note whether any position is new or was corrected."""
        if target.model is Position:
            self._changed |= counts.inserted + counts.updated > 0

    def resolve(self, target: Target, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        """Give the fixes the ids of their vehicles, and leave out repeats."""
        if target.model is Vehicle:
            return self._vehicles(frame, changes)
        before = len(frame)
        kept = frame.drop_duplicates(subset=["vehicle_id", "time"], keep="first")
        if len(kept) < before:
            self._issues.append(_repeats(frame, kept, str(target.frame[FILE].iloc[0])))
        if len(kept):
            times = kept.groupby("vehicle_id")["time"].agg(["min", "max"]).reset_index()
            self._spans.append(times.set_axis(["vehicle_id", "first", "last"], axis="columns"))
        return kept

    def finish(self, changes: ChangeSet, source: str) -> Sequence[Issue]:
        """Derive trips and stops for the vehicles and times that the files touch.

        Where no position is new or corrected they stand as they are.
        """
        if self._spans and self._changed:
            spans = pd.concat(self._spans).groupby("vehicle_id", as_index=False)
            done = rebuild(changes, spans.agg({"first": "min", "last": "max"}))
            self._issues.append(
                _note(
                    source,
                    "derived",
                    f"所及时段内有行程 {done.trips} 次、停留 {done.stops} 次"
                    f"（新增 {done.made}，替换 {done.removed}）",
                    f"Within these times: {done.trips} trips and {done.stops} stops "
                    f"({done.made} new, {done.removed} replaced)",
                )
            )
        return self._issues

    def _vehicles(self, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        own = changes.ids(Vehicle, self._source)
        t = table_of(Vehicle)
        plates = changes.connection.execute(
            sa.select(t.c.id, t.c.plate).where(t.c.plate.is_not(None)).order_by(t.c.id.desc())
        ).all()
        by_plate = {fold(str(row.plate)): int(row.id) for row in plates}
        known = {
            key: by_plate[fold(str(key))]
            for key in frame["source_key"]
            if key not in own.index and fold(str(key)) in by_plate
        }
        new = frame[~frame["source_key"].isin(list(known))].copy()
        if len(new):
            new["id"] = changes.reserve(Vehicle, self._source, new["source_key"])
            self._ids = dict(zip(new["source_key"].astype("str"), new["id"], strict=True))
        self._ids |= known
        for target, keys in self._positions:
            codes, names = pd.factorize(keys)
            ids = np.array([self._ids.get(str(name), -1) for name in names] + [-1])
            found = pd.Series(ids[codes], index=keys.index, dtype="Int64")
            target.frame["vehicle_id"] = found.mask(found < 0)
        return new


def _degrees(frame: pd.DataFrame) -> bool:
    """Tell whether the numbers are degrees, whatever a few stray rows say."""
    fits = (frame["x"].abs() <= 180) & (frame["y"].abs() <= 90)
    known = frame["x"].notna() & frame["y"].notna()
    return bool(known.any()) and float(fits[known].mean()) > 0.5


def _targets(raw: Raw, file: str, crs: Any) -> list[tuple[Target, pd.Series[Any]]]:
    """Return the target of the good rows and that of the others, each with its vehicles' keys."""
    frame = raw.frame
    places = frame["x"].notna() & frame["y"].notna() & ~((frame["x"] == 0) & (frame["y"] == 0))
    if _degrees(frame):
        places &= (frame["x"].abs() <= 180) & (frame["y"].abs() <= 90)
    good = places & frame["time"].notna() & frame["vehicle"].notna()
    made = []
    for rows, mended in ((frame[good], True), (frame[~good], False)):
        if rows.empty:
            continue
        shapes = np.full(len(rows), None, dtype=object)
        here = places[rows.index].to_numpy()
        shapes[here] = shapely.points(rows["x"].to_numpy()[here], rows["y"].to_numpy()[here])
        table = gpd.GeoDataFrame(
            {
                # The texts of rows that cannot be read go with them into quarantine.
                "time": rows["time"].to_numpy() if mended else rows["time_text"].to_numpy(),
                FILE: file,
                ROW: rows["row"].to_numpy(),
                **{name: rows[name].to_numpy() for name in _MEASURED if name in rows},
            },
            geometry=gpd.GeoSeries(shapes, crs=crs),
        ).rename_geometry("geom")
        if mended:
            table["time"] = pd.to_datetime(table["time"], utc=True)
        else:
            table["geom.text"] = rows["place_text"].to_numpy()
            table["vehicle_id.text"] = rows["vehicle"].to_numpy()
        table["vehicle_id"] = pd.Series(pd.NA, index=table.index, dtype="Int64")
        keys = rows["vehicle"].reset_index(drop=True)
        made.append(
            (
                Target(
                    Position,
                    table,
                    references={"vehicle_id": "id"},
                    geometry_required=True,
                    lenient=True,
                ),
                keys,
            )
        )
    return made


def _repeats(frame: pd.DataFrame, kept: pd.DataFrame, file: str) -> Issue:
    count = len(frame) - len(kept)
    places = frame.duplicated(subset=["vehicle_id", "time"], keep=False)
    same = (
        frame[places]
        .drop(columns=["geom"])
        .assign(
            x=shapely.get_x(frame.loc[places, "geom"].to_numpy()),
            y=shapely.get_y(frame.loc[places, "geom"].to_numpy()),
        )
    )
    exact = int(same.duplicated(subset=["vehicle_id", "time", "x", "y"]).sum())
    return _note(
        file,
        "repeated_fix",
        f"{count} 行与同车同一时刻的另一行重复（{exact} 行位置也相同），只取先出现的一行",
        f"{count} rows repeat a moment of the same vehicle ({exact} of them the same place too): "
        "the first row counts",
        "ignored",
    )


def _assumed(file: str) -> Issue:
    return _note(
        file,
        "taken_for_wgs84",
        "未声明坐标系：经纬度按定位终端的惯例取为 WGS 84；若平台给出的是 GCJ-02 或 BD-09，"
        "请用 --crs GCJ-02 重新导入（相差 100–1200 米）",
        "No coordinate system was declared: degrees are taken for WGS 84, as receivers give. "
        "Where the platform sends GCJ-02 or BD-09, import again with --crs GCJ-02 "
        "(100-1,200 m away)",
    )


def _note(file: str, reason: str, zh: str, en: str, action: Any = "noted") -> Issue:
    return Issue(file, None, None, None, reason, zh, en, action)

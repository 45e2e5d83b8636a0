"""The importer of meters and readings, from sheets of any of the forms of `meter_sheets`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

import geopandas as gpd
import pandas as pd
import sqlalchemy as sa

from importers import sheets
from importers.base import ATTRIBUTE, FILE, ROW, Found, Importer, Issue, Options, Target
from importers.columns import guess
from importers.messages import bad_input
from importers.meter_scope import scopes
from importers.meter_sheets import Readings, read_sheet
from importers.places import points
from importers.stale import drop_stale_links
from importers.values import as_text
from layers import meter_events
from layers.base import table_of
from layers.changes import ChangeSet, Counts
from layers.energy import Meter, MeterScope, Reading
from layers.labels import Text
from layers.problems import BadInput

_EXTRA: Final = {
    "number": ("表号", "计量表号", "表计编号", "meter", "meter number", "meter id"),
    "kind": ("能源种类", "能源类型", "种类", "表类型", "type"),
    "item": ("分项", "用能分项", "分项计量"),
    "unit": ("计量单位", "单位"),
    "parent_id": ("上级表", "上级表号", "父表", "总表", "parent"),
    "multiplier": ("倍率", "变比", "multiplier", "ct"),
    "digits": ("表位数", "位数", "digits"),
    "reading_form": ("读数形式", "读数方式"),
    "building": ("楼号", "建筑", "楼栋", "所在建筑", "建筑编号", "building"),
    "level": ("楼层", "所在楼层", "level", "floor"),
    "room": ("房间号", "房间", "所在房间", "room"),
    "site": ("院落", "所属院落", "院区", "site"),
}
_SCOPE: Final = ("site", "building", "level", "room")
_KEY: Final = Text("表号；读数以（表，时间）识别", "the meter's number; a reading by (meter, time)")
# What Chinese meters are called, beside the labels of the choice.
_KINDS: Final = {
    "电表": "electricity", "用电": "electricity", "电力": "electricity", "水表": "water",
    "自来水": "water", "气表": "gas", "燃气": "gas", "天然气表": "gas", "热表": "heat",
    "热量表": "heat", "汽油": "petrol",
}  # fmt: skip


class MetersImporter(Importer):
    """Meters, what they serve, and their readings; sheets may hold any of these.

    What a meter serves is taken from its room, level, building or site, in this order, else from
    the building its point lies in; nothing else is guessed. Values stay in the meter's unit.
    """

    kind: ClassVar[str] = "meters"
    title: ClassVar[Text] = Text("计量表与读数", "Meters and readings")
    description: ClassVar[Text] = Text(
        "计量表和读数的表格（长表、宽表、Portfolio Manager 账单），CSV 或 XLSX",
        "sheets of meters and of readings (long, wide, Portfolio Manager bills), CSV or XLSX",
    )
    layers: ClassVar[tuple[str, ...]] = ("readings", "meters")
    suffixes: ClassVar[tuple[str, ...]] = sheets.SUFFIXES
    aliases: ClassVar[tuple[str, ...]] = ("readings", "meter")

    def __init__(self) -> None:
        self._source = ""
        self._scope: Target | None = None
        self._wide: dict[int, pd.Series[Any]] = {}
        self._issues: list[Issue] = []
        self._touched: set[int] = set()

    def read(self, files: Sequence[Path], options: Options) -> Found:
        """Read every sheet of the files; meters are written before readings."""
        self._source = options.source or files[0].stem
        self._scope, self._wide, self._issues, self._touched = None, {}, [], set()
        found = Found(targets=[])
        meters: list[pd.DataFrame] = []
        readings: list[Readings] = []
        for frame, issues in _sheets(files, options):
            found.issues += issues
            sheet = read_sheet(frame, options)
            found.mapping |= sheet.mapping
            if sheet.kind == "meters":
                meters.append(_meters(frame, options, found))
            if sheet.meters is not None:
                meters.append(sheet.meters)
            if sheet.readings is not None:
                readings.append(sheet.readings)
                found.issues += _told(sheet.readings, frame)
        if not meters and not readings:
            raise bad_input(
                files[0],
                "找不到计量表或读数：需要“表号”以及“能源种类”，或“表号、抄表时间、读数”等列",
                "no meters or readings were found: the columns should be meter number and kind, "
                "or meter number, time and value",
            )
        found.targets += self._meter_targets(meters)
        for each in readings:
            target = Target(Reading, each.frame, key_rule=_KEY)
            if each.period is not None:
                self._wide[id(target)] = each.period
            found.targets.append(target)
        return found

    def sheet(self) -> list[sheets.Field]:
        """Return the columns of the sheet to fill in: one row per meter."""
        made = sheets.fields(Meter)
        titles = {
            "building": Text("楼号", "building code"),
            "room": Text("房间号", "room number"),
            "site": Text("院落", "site"),
        }
        examples = {"building": "B01", "room": None, "site": None}
        return made + [sheets.Field(n, t, example=examples[n]) for n, t in titles.items()]

    def resolve(self, target: Target, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        """Find what the meters serve; make wide readings moments or intervals."""
        if target.model is Meter and self._scope is not None:
            links, issues, told = scopes(changes, self._source, target, frame)
            drop_stale_links(changes, MeterScope, links, told)
            self._scope.frame = links
            self._issues += issues
            return frame
        if target.model is Reading:
            made = self._readings(target, frame, changes)
            self._touched.update(int(each) for each in made["meter_id"].unique())
            return made
        return frame

    def written(self, target: Target, counts: Counts) -> None:
        """Note the meters whose readings may be understood in another way from now on."""
        if target.model is Meter:
            self._touched.update(counts.ids.tolist())

    def finish(self, changes: ChangeSet, source: str) -> Sequence[Issue]:
        """Derive what is not plain in the readings; tell which meters serve nothing on the map."""
        del source
        meter_events.rebuild(changes.connection, sorted(self._touched))
        return self._issues

    def _meter_targets(self, frames: list[pd.DataFrame]) -> list[Target]:
        if not frames:
            return []
        rows = pd.concat(frames, ignore_index=True)
        bills = rows["source_key"].duplicated() & rows["place"].notna() if "place" in rows else None
        if bills is not None:
            rows = rows[~bills].reset_index(drop=True)  # a meter stands on more than one bill sheet
        scope = {name: rows[name] for name in (*_SCOPE, "place") if name in rows}
        rows = rows.drop(columns=list(scope))
        if {"lon", "lat"} <= set(rows.columns):
            axes = [
                pd.to_numeric(as_text(rows.pop(axis)), errors="coerce") for axis in ("lon", "lat")
            ]
            rows = gpd.GeoDataFrame(rows, geometry=points(*axes)).rename_geometry("geom")
        meters = Target(
            Meter, rows, required=("number",), key_rule=_KEY, choices={"kind": _KINDS},
            complete=False, extra={"scope": pd.DataFrame(scope, index=rows.index)},
        )  # fmt: skip
        columns = ["meter_id", "site_id", "building_id", "level_id", "room_id", FILE, ROW]
        self._scope = Target(
            MeterScope,
            pd.DataFrame({name: pd.Series(dtype=object) for name in columns}),
            references=dict.fromkeys(columns[:5], "id"),
        )
        return [meters, self._scope]

    def _readings(self, target: Target, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        frame = frame.copy()
        again = frame.duplicated(["meter_id", "time"], keep="last")
        if again.any():
            self._issues.append(_repeated(target, int(again.sum())))
            frame = frame[~again]
        period = self._wide.get(id(target))
        if period is None or frame.empty:
            return frame
        t = table_of(Meter)
        ids = [int(each) for each in frame["meter_id"].unique()]
        registers = changes.connection.scalars(
            sa.select(t.c.id).where(
                t.c.id == sa.func.any(sa.literal(ids, sa.ARRAY(sa.BigInteger))),
                t.c.reading_form == "register",
            )
        ).all()
        # A register is read at a moment: on the day named, or at the end of the month named.
        register = frame["meter_id"].isin(list(registers))
        day = register & (period.reindex(frame.index) == "day")
        frame["time"] = frame["time"].where(~day, frame["start"])
        frame["start"] = frame["start"].where(~register)
        return frame


def _sheets(files: Sequence[Path], options: Options) -> Iterator[tuple[pd.DataFrame, list[Issue]]]:
    """Yield every sheet that has rows; a workbook's empty forms are passed over."""
    for path in files:
        if path.suffix.lower() not in (".xlsx", ".xlsm") or options.layer is not None:
            yield sheets.read(path, options)
            continue
        seen = False
        names = sheets.sheet_names(path)
        for name in names:
            try:
                frame, issues = sheets.read(path, replace(options, layer=name))
            except BadInput as error:
                if seen or name != names[-1]:
                    continue
                raise error
            seen = True
            yield frame, issues


def _meters(frame: pd.DataFrame, options: Options, found: Found) -> pd.DataFrame:
    headings = [h for h in frame.columns if h not in (ROW, FILE)]
    columns = guess(headings, Meter, options.mapping, _EXTRA)
    found.mapping |= columns.fields
    found.unmapped += columns.rest
    made = pd.DataFrame({FILE: frame[FILE], ROW: frame[ROW]})
    for name, heading in columns.fields.items():
        made[name] = frame[heading]
    for heading in columns.rest:
        if frame[heading].notna().any():
            made[ATTRIBUTE + heading] = frame[heading]
    if "number" not in made:
        raise bad_input(
            str(frame[FILE].iloc[0]),
            "缺少“表号”列；请补上，或用 --map number=列名 指明",
            "the column of meter numbers is missing; add it, or name it with --map number=…",
        )
    if "source_key" not in made:
        made["source_key"] = made["number"].map(str, na_action="ignore")
    return made


def _told(readings: Readings, frame: pd.DataFrame) -> list[Issue]:
    if readings.inclusive is None:
        return []
    file = str(frame[FILE].iloc[0])
    if readings.inclusive:
        zh = "账单的截止日期计入账期（下一账单次日开始）：区间止于次日零时"
        en = (
            "The end date belongs to its bill (the next one starts a day later): "
            "intervals end at the following midnight"
        )
    else:
        zh = "账单首尾相接：区间止于截止日期零时"
        en = "Each bill ends where the next one starts: intervals end at midnight of the end date"
    return [Issue(file, None, "time", None, "bill_ends", zh, en, "noted")]


def _repeated(target: Target, count: int) -> Issue:
    return Issue(
        str(target.frame[FILE].iloc[0]), None, "time", None, "repeated_reading",
        f"{count} 行与同表同一时刻的另一行重复，取后出现的一行",
        f"{count} rows repeat a moment of the same meter: the last row counts",
        "ignored",
    )  # fmt: skip

"""The importer of floor plans: which of their buildings and sites are known already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import pandas as pd

from importers.base import FILE, ROW, Found, Importer, Issue, Options, Target
from importers.plans.imdf import read_imdf
from importers.plans.known import match_buildings, match_sites
from importers.plans.model import Plan, frame_of
from importers.plans.osm import read_osm
from importers.stale import drop_stale_links
from layers.changes import ChangeSet
from layers.estate import Building, Level, LevelBuilding, Site
from layers.labels import Text
from layers.problems import BadInput
from layers.space import Opening, Room, RoomLevel

_KEYS: Final = {
    "imdf": Text("IMDF 要素的 id", "the id of the IMDF feature"),
    "osm": Text("OSM 要素的类型和编号", "the kind and number of the OSM element"),
}


class PlanImporter(Importer):
    """IMDF archives and OSM Simple Indoor Tagging to sites, buildings, levels, rooms, openings.

    A building that is known already (`building` in the options, the same code or name, or a
    footprint that overlaps by half) is taken as it is: its file is not overwritten, the plan's
    levels are tied to it. The same holds for the site.
    """

    kind: ClassVar[str] = "plan"
    title: ClassVar[Text] = Text("平面图", "Floor plans")
    description: ClassVar[Text] = Text(
        "IMDF 文件夹或 zip、OSM 室内标注（.osm、.pbf）：楼层、房间、门",
        "IMDF folders or zips, OSM indoor tagging (.osm, .pbf): levels, rooms, openings",
    )
    layers: ClassVar[tuple[str, ...]] = ("rooms", "levels", "openings", "buildings", "sites")
    suffixes: ClassVar[tuple[str, ...]] = (".zip", ".osm", ".pbf")
    aliases: ClassVar[tuple[str, ...]] = ("plans", "imdf")

    def __init__(self) -> None:
        self._building: str | None = None
        self._targets: dict[type, Target] = {}
        self._issues: list[Issue] = []
        self._source = ""

    def read(self, files: Sequence[Path], options: Options) -> Found:
        """Read plans; several files of one import are one dataset."""
        plan, rule = Plan(), _KEYS["imdf"]
        for path in files:
            is_osm = path.suffix.lower() in (".osm", ".pbf", ".xml")
            plan.merge(read_osm(path) if is_osm else read_imdf(path))
            rule = _KEYS["osm"] if is_osm else rule
        self._building = options.extra.get("building")
        if self._building and len(plan.buildings) != 1:
            raise BadInput(
                zh=f"平面图含 {len(plan.buildings)} 栋建筑，不能都记为“{self._building}”；"
                "请逐栋导入",
                en=f"The plan holds {len(plan.buildings)} buildings, which cannot all be "
                f"'{self._building}': import them one by one",
                field="building",
            )
        self._issues, self._source = [], options.source or files[0].stem
        self._targets = _targets(plan, rule)
        return Found(targets=list(self._targets.values()), issues=plan.issues)

    def resolve(self, target: Target, frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
        """Leave out sites and buildings that are known, and tie the plan to them."""
        if target.model is Building:
            known, notes = match_buildings(changes, self._source, frame, self._building)
            self._tell(target, notes)
            return self._tied(frame, changes, known, Building, LevelBuilding, "building_id")
        if target.model is Site:
            known, notes = match_sites(changes, self._source, frame)
            self._tell(target, notes)
            return self._tied(frame, changes, known, Site, Building, "site_id")
        if target.model in (RoomLevel, LevelBuilding):
            drop_stale_links(changes, target.model, frame)
        return frame

    def finish(self, changes: ChangeSet, source: str) -> Sequence[Issue]:
        """Tell which buildings and sites were known."""
        del changes, source
        return self._issues

    def _tied(
        self,
        frame: pd.DataFrame,
        changes: ChangeSet,
        known: dict[str, int],
        model: type[Site] | type[Building],
        later: type,
        column: str,
    ) -> pd.DataFrame:
        """Write the ids of known and new rows into the frame of the target that refers to them."""
        new = frame[~frame["source_key"].isin(list(known))].copy()
        if len(new):
            new["id"] = changes.reserve(model, self._source, new["source_key"])
        ids = known | dict(zip(new["source_key"], new.get("id", ()), strict=True))
        refers = self._targets.get(later)
        if refers is not None:
            keys = refers.frame[column]
            refers.frame[column] = keys.map(ids).astype("Int64")
        return new

    def _tell(self, target: Target, notes: dict[str, Text]) -> None:
        for key, text in notes.items():
            row = target.frame[target.frame["source_key"] == key].iloc[0]
            place = None if pd.isna(row[ROW]) else int(row[ROW])
            self._issues.append(
                Issue(row[FILE], place, None, key, "known_already", text.zh, text.en, "noted")
            )


def _targets(plan: Plan, rule: Text) -> dict[type, Target]:
    """Return the targets in the order of writing; references that need the database are ids."""
    for row in plan.buildings:
        row["site_id"] = row.pop("site_key", None)
    made: dict[type, Target] = {}

    def add(model: Any, rows: list[dict[str, Any]], **options: Any) -> None:
        if rows:
            made[model] = Target(model=model, frame=frame_of(rows), key_rule=rule, **options)

    add(Site, plan.sites, lenient=True)
    add(Building, plan.buildings, lenient=True, references={"site_id": "id"})
    add(Level, plan.levels, lenient=True)
    add(
        LevelBuilding,
        plan.level_buildings,
        references={"level_id": "source_key", "building_id": "id"},
    )
    add(Room, plan.rooms, lenient=True, refused=plan.refused["rooms"])
    add(
        RoomLevel,
        plan.room_levels,
        references={"room_id": "source_key", "level_id": "source_key"},
    )
    add(
        Opening,
        plan.openings,
        lenient=True,
        refused=plan.refused["openings"],
        references={"level_id": "source_key"},
    )
    return made

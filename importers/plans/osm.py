"""Reading OSM Simple Indoor Tagging, and its osmAG dialect, into a plan.

https://wiki.openstreetmap.org/wiki/Simple_Indoor_Tagging. Rules decided here:

- A room lies on every level that ``level`` and ``repeat_on`` name: ``0-1`` is both 0 and 1.
- Each number is a level of its own, ``0.5`` too; its ordinal is the storey below (0.5 → 0) and
  its short name is ``level:ref`` where given, else the number as tagged.
- A level's outline is ``indoor=level`` where drawn, joined with its rooms.
- A door is a node of a wall: the opening is as long as the door is wide (0.9 m where untold, and
  its attributes say so) and follows the wall. A door in no wall waits in quarantine.
- osmAG (https://github.com/STAR-Center/osmAG): ``osmAG:areaType=room`` are the rooms,
  ``structure`` the outlines, passages the openings. Its levels may count from 1; that is read
  off the names ("E1d-F1" on level 1) and told.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import shapely

from geo.levels import level_label
from importers.base import ATTRIBUTE, FILE, NAME_IN, ROW
from importers.plans.categories import osm_category
from importers.plans.model import Plan, Row
from importers.plans.osm_areas import (
    DEFAULT_DOOR_M,
    Area,
    Walls,
    areas_of,
    door_line,
    door_width_m,
    levels_of,
)
from importers.plans.osm_buildings import building_row, split_by_building
from importers.plans.osm_file import Elements, read_elements
from layers.problems import BadInput

_ROOMS: Final = frozenset({"room", "corridor", "area", "wall"})
_NO_LAYER: Final = frozenset({"pathway", "yes"})
_FLOOR_IN_NAME: Final = re.compile(r"(?:^|[-_ ])F(\d{1,2})(?:$|[-_ ])")
_ACCESS: Final = {"private": "employeesonly", "no": "restricted", "permit": "restricted"}
_ENTRANCE: Final = {
    "main": "pedestrian.principal",
    "emergency": "emergencyexit",
    "exit": "pedestrian",
    "service": "service",
    "garage": "automobile",
}
_CONSUMED: Final = frozenset({"name", "ref", "capacity", "access"})


def read_osm(path: Path) -> Plan:
    """Read an .osm or .osm.pbf file with indoor tagging.

    Raises
    ------
    BadInput : damaged, hostile, or without anything indoor.
    """
    elements = read_elements(path)
    reader = _Reader(path.name, elements)
    if not reader.rooms:
        raise BadInput(
            zh=f"“{path.name}”中没有室内标注（indoor=room、corridor、area 或 osmAG）；"
            "建筑轮廓请用 onemap import buildings 导入",
            en=f"'{path.name}' has no indoor tagging (indoor=room, corridor, area, or osmAG); "
            "for outlines of buildings use: onemap import buildings",
            file=path.name,
        )
    return reader.plan()


class _Reader:
    """One OSM file on its way to a plan."""

    def __init__(self, file: str, elements: Elements) -> None:
        self.file = file
        self.elements = elements
        self.result = Plan()
        areas = list(areas_of(elements))
        self.osmag = any("osmAG:areaType" in area.tags for area in areas)
        self.outlines = [a for a in areas if a.tags.get("building", "no") != "no"]
        self.rooms = [a for a in areas if self._is_room(a)]
        self.floors = [a for a in areas if self._is_floor(a)]
        self.base = self._counted_from()
        self.level_keys: dict[tuple[str, float], Row] = {}

    def plan(self) -> Plan:
        """Return everything the file says."""
        groups, notes = split_by_building(self.file, self.outlines, self.rooms, self.floors)
        for reason, zh, en in notes:
            self.result.note(None, reason, zh, en, file=self.file)
        for group in groups:
            if group.outline is not None or group.key is not None:
                self.result.buildings.append(building_row(self.file, group))
            for area in group.rooms:
                self._room(area, group.key or "")
            self._floor_outlines(group)
        self._openings()
        self._passages()
        self._close_levels()
        self._left_out()
        return self.result

    def _is_room(self, area: Area) -> bool:
        if self.osmag:
            return area.tags.get("osmAG:areaType") == "room"
        return area.tags.get("indoor") in _ROOMS

    def _is_floor(self, area: Area) -> bool:
        if self.osmag and area.tags.get("osmAG:areaType") == "structure":
            return "building" not in area.tags
        return area.tags.get("indoor") == "level"

    def _counted_from(self) -> int:
        """Return 1 where an osmAG file calls its ground floor level 1, else 0."""
        if not self.osmag:
            return 0
        agreed = [
            int(found.group(1)) == area.levels[0]
            for area in [*self.rooms, *self.floors]
            if len(area.levels) == 1 and (found := _FLOOR_IN_NAME.search(area.tags.get("name", "")))
        ]
        # Nearly all names must agree: a slip of the pen in one room decides nothing.
        if not agreed or sum(agreed) < 0.9 * len(agreed):
            return 0
        self.result.note(
            None,
            "levels_from_one",
            "此文件的楼层从 1 数起（名称含 F1 的房间在 level=1）：level=1 记为首层（序号 0）",
            "Levels of this file count from 1 (rooms named F1 lie on level=1): "
            "level=1 is taken as the ground floor (ordinal 0)",
            file=self.file,
        )
        return 1

    # -- rooms and levels ------------------------------------------------------------------

    def _row(self, key: str, tags: dict[str, str], order: int, geom: Any) -> Row:
        row: Row = {"source_key": key, FILE: self.file, ROW: order, "name": tags.get("name")}
        for tag, value in tags.items():
            if tag.startswith("name:"):
                row[f"{NAME_IN}{tag.removeprefix('name:')}"] = value
            elif tag not in _CONSUMED:
                row[f"{ATTRIBUTE}{tag}"] = value
        row["geom"] = geom
        return row

    def _room(self, area: Area, building: str) -> None:
        tags = area.tags
        row = self._row(area.key, tags, area.order, area.geom)
        row["number"] = tags.get("ref") or (tags.get("name") if self.osmag else None)
        row["category"], row["use"] = osm_category(tags)
        row["restriction"] = _ACCESS.get(tags.get("access", ""))
        row["capacity"] = tags.get("capacity")
        if not area.levels:
            reason = "not_a_level" if area.level_error else "missing_value"
            self.result.refuse_room(reason, tags.get("level"))
        self._told_shape(row, area)
        self.result.rooms.append(row)
        for level in area.levels:
            self.result.room_levels.append(
                {
                    "room_id": area.key,
                    "level_id": self._level(building, level, area)["source_key"],
                    FILE: self.file,
                    ROW: area.order,
                }
            )

    def _told_shape(self, row: Row, area: Area) -> None:
        if area.geom is None:
            self.result.note(
                row,
                "open_outline",
                f"{area.key} 的轮廓没有闭合或缺少节点：房间已导入，但没有形状",
                f"The outline of {area.key} is not closed or lacks nodes: "
                "the room is loaded without a shape",
                action="emptied",
                field_name="geom",
            )
        elif area.overshot:
            self.result.note(
                row,
                "overshot_outline",
                f"{area.key} 的轮廓越过了起点，已在起点处截断",
                f"The outline of {area.key} runs on past its first node: cut there",
                action="repaired",
                field_name="geom",
            )

    def _level(self, building: str, number: float, area: Area | None = None) -> Row:
        """Return the row of a level, made when it is first named; `area` lies on it."""
        row = self.level_keys.get((building, number))
        if row is None:
            ordinal = int(number // 1) - self.base
            row = {
                "source_key": f"{building or 'plan'}/level/{number:g}",
                FILE: self.file,
                ROW: None,
                "name": None,
                "ordinal": ordinal,
                "short_name": level_label(number - self.base) if self.base else f"{number:g}",
                f"{ATTRIBUTE}level": f"{number:g}",
                "geom": [],
                "refs": Counter(),
            }
            self.level_keys[building, number] = row
            self.result.levels.append(row)
            if building:
                self.result.level_buildings.append(
                    {
                        "level_id": row["source_key"],
                        "building_id": building,
                        FILE: self.file,
                        ROW: None,
                    }
                )
        if area is not None:
            row["geom"].append(area.geom)
            if area.tags.get("level:ref") and len(area.levels) == 1:
                row["refs"][area.tags["level:ref"]] += 1
        return row

    def _floor_outlines(self, group: Any) -> None:
        for area in group.floors:
            for number in area.levels:
                row = self._level(group.key or "", number, area)
                if area.tags.get("indoor") == "level":
                    row["name"] = area.tags.get("name") or row["name"]
                    row["refs"][area.tags.get("ref", "")] += 1000 * ("ref" in area.tags)

    def _close_levels(self) -> None:
        """Give the levels their outline and short name."""
        for row in self.result.levels:
            shapes = [shapely.make_valid(geom) for geom in row["geom"] if geom is not None]
            row["geom"] = shapely.union_all(shapes) if shapes else None
            refs = +row.pop("refs")
            if refs:
                row["short_name"] = refs.most_common(1)[0][0]
            if row["geom"] is None:
                self.result.note(
                    row,
                    "level_without_outline",
                    f"楼层 {row['short_name']} 上没有房间，没有轮廓",
                    f"Level {row['short_name']} has no rooms and so no outline",
                    field_name="level",
                    value=row["short_name"],
                )

    # -- openings --------------------------------------------------------------------------

    def _openings(self) -> None:
        walls = Walls([*self.rooms, *self.floors, *self.outlines])
        building_of = {row["room_id"]: row["level_id"] for row in self.result.room_levels}
        for node, tags in self.elements.node_tags.items():
            if "door" in tags or "entrance" in tags:
                self._door(node, tags, walls, building_of)
            elif tags.get("level") and len(self.result.buildings) == 1:
                # Points of stairs name half levels (0.5) that no room lies on.
                for number in self._node_levels(node, tags):
                    self._level(self.result.buildings[0]["source_key"], number)

    def _node_levels(self, node: int, tags: dict[str, str]) -> list[float]:
        try:
            return levels_of(tags)
        except ValueError as error:
            self.result.note(
                {FILE: self.file, ROW: self.elements.node_order[node]},
                "unreadable_level",
                f"节点 {node} 的楼层无法识别：{error}",
                f"The level of node {node} cannot be read: {error}",
                action="ignored",
                field_name="level",
                value=tags.get("level"),
            )
            return []

    def _door(
        self, node: int, tags: dict[str, str], walls: Walls, level_of: dict[str, str]
    ) -> None:
        touching = walls.areas(node)
        levels = self._node_levels(node, tags) or sorted({n for a in touching for n in a.levels})
        width = door_width_m(tags)
        building = self._building_of(touching, level_of)
        for number in levels or [math.nan]:
            key = f"node/{node}" if len(levels) < 2 else f"node/{node}@{number:g}"
            row = self._row(key, tags, self.elements.node_order[node], None)
            row["category"] = _ENTRANCE.get(tags.get("entrance", ""), "pedestrian")
            if levels:
                row["level_id"] = self._level(building, number)["source_key"]
            beside = walls.neighbours(node, number)
            if beside is not None:
                row["geom"] = door_line(self.elements, node, beside, width or DEFAULT_DOOR_M)
                row[f"{ATTRIBUTE}width_m"] = width or DEFAULT_DOOR_M
                row[f"{ATTRIBUTE}width_assumed"] = width is None
            else:
                lon, lat = self.elements.places[node]
                row[f"{ATTRIBUTE}place"] = f"POINT({lon} {lat})"
                self.result.refuse("openings", "geom", "door_without_wall", f"node {node}")
            self.result.openings.append(row)

    def _building_of(self, areas: Sequence[Area], level_of: dict[str, str]) -> str:
        for area in areas:
            if area.key in level_of:
                return level_of[area.key].rpartition("/level/")[0].removesuffix("plan")
        known = [row["source_key"] for row in self.result.buildings]
        return known[0] if len(known) == 1 else ""

    def _passages(self) -> None:
        """Add the passages of osmAG: a line between two areas."""
        rooms = {area.tags.get("name"): area for area in self.rooms}
        level_of = {row["room_id"]: row["level_id"] for row in self.result.room_levels}
        for way in self.elements.ways.values():
            if way.tags.get("osmAG:type") != "passage":
                continue
            points = [self.elements.places[n] for n in way.nodes if n in self.elements.places]
            geom = shapely.LineString(points) if len(set(points)) > 1 else None
            row = self._row(f"way/{way.id}", way.tags, way.order, geom)
            row["name"] = None  # osmAG numbers passages, mostly all of them "0"
            row["category"] = "pedestrian"
            named = (way.tags.get(key) for key in ("osmAG:from", "osmAG:to"))
            ends = [rooms[name] for name in named if name in rooms]
            levels = self._passage_levels(way.tags, ends)
            building = self._building_of(ends, level_of)
            row["level_id"] = self._level(building, levels[0])["source_key"] if levels else None
            self.result.openings.append(row)

    @staticmethod
    def _passage_levels(tags: dict[str, str], ends: Sequence[Area]) -> list[float]:
        try:
            levels = levels_of(tags)
        except ValueError:
            levels = []  # the rooms it joins say it as well
        return levels or sorted({level for area in ends for level in area.levels})

    def _left_out(self) -> None:
        """Tell what the file has and the map has no layer for."""
        counted: Counter[str] = Counter()
        for way in self.elements.ways.values():
            indoor = way.tags.get("indoor")
            if indoor in _NO_LAYER or (indoor == "wall" and not way.closed):
                counted[str(indoor)] += 1
        for tags in self.elements.node_tags.values():
            if "indoor" in tags and "door" not in tags:
                counted[tags["indoor"]] += 1
        for indoor, count in sorted(counted.items()):
            self.result.note(
                None,
                "no_layer",
                f"{count} 个 indoor={indoor} 的点和线没有对应的图层，未导入",
                f"{count} points and lines with indoor={indoor} have no layer and stay out",
                action="ignored",
                file=self.file,
            )

"""Reading IMDF 1.0 (OGC 20-094): venue, building, footprint, level, unit, opening, occupant.

IMDF files are WGS 84 by their standard. What has no column here is kept in the attributes of the
thing it belongs to: amenities and occupants with their unit, addresses with their building.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape

from importers.base import ATTRIBUTE, FILE, NAME_IN, ROW
from importers.plans.archive import read_members
from importers.plans.categories import UNIT_CATEGORIES, use_of
from importers.plans.imdf_labels import (
    NAMES,
    address_of,
    chosen,
    code_of,
    key_of,
    keys_of,
    labels_of,
    number_of,
)
from importers.plans.model import Plan, Row
from layers.labels import CHOICES
from layers.problems import BadInput

_READ: Final = frozenset(
    [
        "address",
        "venue",
        "building",
        "footprint",
        "level",
        "unit",
        "opening",
        "amenity",
        "anchor",
        "occupant",
    ]
)
_SKIPPED: Final = frozenset({"level_id", "building_ids", "address_id", "display_point", *NAMES})
# Facts beyond IMDF that an archive may carry under the names of our own columns.
_ROOM_FACTS: Final = (
    "use", "state", "capacity", "built_area_m2", "usable_area_m2", "vacant_since",
)  # fmt: skip


_UNREADABLE: Final = (
    ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError,
)  # fmt: skip


def is_imdf(names: set[str]) -> bool:
    """Tell from the names of its files whether a folder or zip can be an IMDF archive."""
    return {"unit.geojson", "level.geojson"} <= {name.lower() for name in names}


def read_imdf(path: Path) -> Plan:
    """Read an IMDF archive, a folder or a zip.

    Raises
    ------
    BadInput : not IMDF, damaged or dangerous.
    """
    members = {
        name.lower(): data for name, data in read_members(path, (".geojson", ".json")).items()
    }
    if not is_imdf(set(members)):
        held = ", ".join(sorted(members)[:8]) or "-"
        raise BadInput(
            zh=f"“{path.name}”不是 IMDF 平面图：缺少 level.geojson 或 unit.geojson"
            f"（其中有：{held}）。"
            "请提供 IMDF 文件夹或 zip，或 OSM 室内标注文件（.osm、.pbf）",
            en=f"'{path.name}' is not an IMDF archive: level.geojson or unit.geojson is missing "
            f"(it holds: {held}). Provide an IMDF folder or zip, or OSM indoor tagging "
            "(.osm, .pbf)",
            file=path.name,
        )
    return _Reader(path, members).plan()


class _Reader:
    """One archive on its way to a plan."""

    def __init__(self, path: Path, members: Mapping[str, bytes]) -> None:
        self.path = path
        self.members = members
        self.result = Plan()
        self.language = self._manifest_language()
        self.addresses = {
            feature["id"]: text
            for feature in self._features("address")
            if (text := address_of(feature["properties"]))
        }

    def plan(self) -> Plan:
        """Return everything the archive says."""
        self._venues()
        self._buildings()
        self._levels()
        self._units()
        self._openings()
        for name in sorted(self.members):
            kind = name.removesuffix(".geojson")
            if name.endswith(".geojson") and kind not in _READ and self._count(kind):
                self.result.note(
                    None,
                    "no_layer",
                    f"“{kind}”没有对应的图层，{self._count(kind)} 个要素未导入",
                    f"There is no layer for '{kind}': its {self._count(kind)} features stay out",
                    action="ignored",
                    file=self._file(kind),
                )
        return self.result

    # -- the files -------------------------------------------------------------------------

    def _file(self, kind: str) -> str:
        return f"{self.path.name}/{kind}.geojson"

    def _json(self, name: str) -> Any:
        try:
            return json.loads(self.members[name].decode("utf-8-sig"))
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise BadInput(
                zh=f"“{self.path.name}/{name}”不是完整的 JSON（{error}）；请重新导出",
                en=f"'{self.path.name}/{name}' is not complete JSON ({error}): export it again",
                file=f"{self.path.name}/{name}",
            ) from error

    def _features(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield the usable features of one file, numbered from 1 under ``row``."""
        if f"{kind}.geojson" not in self.members:
            return
        content = self._json(f"{kind}.geojson")
        features = content.get("features") if isinstance(content, dict) else None
        if not isinstance(features, list):
            raise BadInput(
                zh=f"“{self._file(kind)}”不是 GeoJSON FeatureCollection；请重新导出",
                en=f"'{self._file(kind)}' is no GeoJSON FeatureCollection: export it again",
                file=self._file(kind),
            )
        for number, feature in enumerate(features, 1):
            if isinstance(feature, dict) and key_of(feature, "id") is not None:
                properties = feature.get("properties") or {}
                if not isinstance(properties, dict):
                    self.result.note(
                        {FILE: self._file(kind), ROW: number},
                        "no_properties",
                        "要素的 properties 不是对象，按没有属性读取；请重新导出",
                        "The feature's properties are no object: read as having none; export it "
                        "again",
                    )
                    properties = {}
                yield {
                    "id": key_of(feature, "id"),
                    "properties": properties,
                    "geometry": feature.get("geometry"),
                    "row": number,
                }
            else:
                self.result.note(
                    {FILE: self._file(kind), ROW: number},
                    "no_key",
                    "要素没有 id，未导入；请在导出时保留 IMDF 的 id",
                    "The feature has no id and stays out: keep the IMDF ids when exporting",
                    action="ignored",
                )

    def _count(self, kind: str) -> int:
        content = self._json(f"{kind}.geojson")
        features = content.get("features") if isinstance(content, dict) else None
        return len(features) if isinstance(features, list) else 0

    def _manifest_language(self) -> str:
        if "manifest.json" not in self.members:
            self.result.note(
                None,
                "no_manifest",
                "没有 manifest.json，按 IMDF 1.0 读取",
                "There is no manifest.json: read as IMDF 1.0",
                file=self.path.name,
            )
            return "zh"
        manifest = self._json("manifest.json")
        return str(manifest.get("language") or "zh") if isinstance(manifest, dict) else "zh"

    # -- features to rows ------------------------------------------------------------------

    def _row(self, kind: str, feature: Mapping[str, Any]) -> Row:
        properties = feature["properties"]
        names = labels_of(properties.get("name"))
        row: Row = {
            "source_key": feature["id"],
            FILE: self._file(kind),
            ROW: feature["row"],
            "name": chosen(names, self.language),
            **{f"{NAME_IN}{language}": text for language, text in names.items() if language},
        }
        other = chosen(labels_of(properties.get("alt_name")), self.language)
        if other:
            row[f"{ATTRIBUTE}alt_name"] = other
        for key, value in properties.items():
            if key not in _SKIPPED and value not in (None, "", [], {}):
                row[f"{ATTRIBUTE}{key}"] = value
        row["geom"] = self._geometry(row, feature["geometry"])
        return row

    def _geometry(self, row: Row, geometry: Any) -> Any:
        if geometry is None:
            return None
        try:
            return shape(geometry)
        except _UNREADABLE as error:
            self.result.note(
                row,
                "unreadable_geometry",
                f"几何无法读取（{error}）",
                f"The geometry cannot be read ({error})",
                action="emptied",
                field_name="geom",
            )
            return None

    def _category(self, row: Row, choices: str, default: str | None) -> str | None:
        """Take the category out of the attributes; an unknown one stays there and is told."""
        value = row.get(f"{ATTRIBUTE}category")
        if value is None or (isinstance(value, str) and value in CHOICES[choices]):
            row.pop(f"{ATTRIBUTE}category", None)
            return value or default
        self.result.note(
            row,
            "unknown_category",
            f"类别“{value}”不在目录中，记为“{default or '无'}”，原值保留在属性中",
            f"The category '{value}' is not in the catalogue: taken as '{default}', "
            "and kept in the attributes",
            field_name="category",
            value=value,
        )
        return default

    def _venues(self) -> None:
        for feature in self._features("venue"):
            row = self._row("venue", feature)
            row["address"] = self.addresses.get(key_of(feature["properties"], "address_id") or "")
            self.result.sites.append(row)

    def _buildings(self) -> None:
        outlines: dict[str, list[tuple[bool, Any]]] = defaultdict(list)
        for feature in self._features("footprint"):
            row = self._row("footprint", feature)
            ground = feature["properties"].get("category") == "ground"
            for building in keys_of(feature["properties"], "building_ids"):
                if row["geom"] is not None:
                    outlines[building].append((ground, row["geom"]))
        site = self.result.sites[0]["source_key"] if len(self.result.sites) == 1 else None
        for feature in self._features("building"):
            properties = feature["properties"]
            row = self._row("building", feature)
            row["address"] = self.addresses.get(key_of(properties, "address_id") or "")
            row["code"] = code_of(properties)
            row["site_key"] = site
            parts = outlines.get(feature["id"], [])
            # Aerial and underground outlines tell the extent only where no ground outline does.
            grounds = [geom for is_ground, geom in parts if is_ground]
            row["geom"] = _union(grounds or [geom for _, geom in parts]) or row["geom"]
            self.result.buildings.append(row)

    def _levels(self) -> None:
        known = {row["source_key"] for row in self.result.buildings}
        for feature in self._features("level"):
            properties = feature["properties"]
            row = self._row("level", feature)
            for key in ("ordinal", "short_name", "category"):
                row.pop(f"{ATTRIBUTE}{key}", None)
            row["ordinal"] = properties.get("ordinal")
            row["short_name"] = chosen(labels_of(properties.get("short_name")), self.language)
            for key in ("base_m", "height_m"):
                row[key] = row.pop(f"{ATTRIBUTE}{key}", None)
            self.result.levels.append(row)
            # An archive of one building need not repeat its id on every level.
            buildings = keys_of(properties, "building_ids") or (known if len(known) == 1 else ())
            self.result.level_buildings += [
                {
                    "level_id": feature["id"],
                    "building_id": str(building),
                    FILE: row[FILE],
                    ROW: row[ROW],
                }
                for building in buildings
            ]

    def _units(self) -> None:
        amenities = self._by_unit("amenity")
        occupants = self._occupants()
        levels = {row["source_key"] for row in self.result.levels}
        for feature in self._features("unit"):
            properties, key = feature["properties"], feature["id"]
            row = self._row("unit", feature)
            row["category"] = self._category(row, "unit_category", "unspecified")
            row["restriction"] = row.pop(f"{ATTRIBUTE}restriction", None)
            row["use"] = use_of(row["category"])
            for fact in _ROOM_FACTS:
                row[fact] = row.pop(f"{ATTRIBUTE}{fact}", row.get(fact))
            row["number"] = number_of(row, properties)
            if amenities.get(key):
                row[f"{ATTRIBUTE}amenities"] = amenities[key]
            if occupants.get(key):
                row[f"{ATTRIBUTE}occupants"] = occupants[key]
                row["name"] = row["name"] or occupants[key][0].get("name")
            level = key_of(properties, "level_id") or ""
            if level in levels:
                self.result.room_levels.append(
                    {"room_id": key, "level_id": level, FILE: row[FILE], ROW: row[ROW]}
                )
            else:
                reason = "unknown_reference" if level else "missing_value"
                self.result.refuse_room(reason, level or None)
            self.result.rooms.append(row)

    def _openings(self) -> None:
        for feature in self._features("opening"):
            row = self._row("opening", feature)
            row["category"] = self._category(row, "opening_category", None)
            row["level_id"] = key_of(feature["properties"], "level_id")
            self.result.openings.append(row)

    def _by_unit(self, kind: str) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for feature in self._features(kind):
            facts = self._facts(feature)
            for unit in keys_of(feature["properties"], "unit_ids"):
                found[unit].append(facts)
        return found

    def _occupants(self) -> dict[str, list[dict[str, Any]]]:
        """Return the occupants of each unit, by way of their anchors."""
        units = {
            feature["id"]: key_of(feature["properties"], "unit_id")
            for feature in self._features("anchor")
        }
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for feature in self._features("occupant"):
            unit = units.get(key_of(feature["properties"], "anchor_id") or "")
            if unit is None:
                self.result.note(
                    {FILE: self._file("occupant"), ROW: feature["row"]},
                    "unknown_anchor",
                    "使用者所指的锚点不存在，未导入",
                    "The occupant's anchor does not exist: the occupant stays out",
                    action="ignored",
                    field_name="anchor_id",
                    value=feature["properties"].get("anchor_id"),
                )
            else:
                found[unit].append(self._facts(feature))
        return found

    def _facts(self, feature: Mapping[str, Any]) -> dict[str, Any]:
        properties = feature["properties"]
        facts = {"id": feature["id"], "category": properties.get("category")}
        facts["name"] = chosen(labels_of(properties.get("name")), self.language)
        facts |= {key: properties.get(key) for key in ("hours", "phone", "website")}
        return {key: value for key, value in facts.items() if value}


def _union(parts: list[Any]) -> Any:
    return shapely.union_all(parts) if parts else None


__all__ = ["UNIT_CATEGORIES", "is_imdf", "read_imdf"]

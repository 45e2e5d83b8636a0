"""The floor plans: IMDF archives for half of the buildings, OSM indoor tagging for the rest."""

from __future__ import annotations

import json
import uuid
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr  # nosec B406 # writes, reads nothing

import numpy as np
import shapely
from shapely.geometry import mapping

from onemap.demo.estate import Estate
from onemap.demo.floors import HEIGHT_M, KINDS, Floor, outline
from onemap.demo.ground import geometries_to_lonlat
from onemap.demo.sites import Building, Site
from onemap.demo.stories import LABEL
from onemap.demo.xlsx import write_zip

_SPACE = uuid.UUID("5f1c2d0e-4a7b-5c3d-9e8f-0a1b2c3d4e5f")
_OSM_ROOM = {
    "office": "office", "meeting": "conference", "archive": "archive", "store": "storage",
    "lounge": "lounge", "server": "server", "plant": "technical", "canteen": "canteen",
    "kitchen": "kitchen", "hall": "waiting", "technical": "laboratory", "parking": "parking",
    "stairs": "stairs", "lift": "elevator", "lobby": "lobby", "men": "toilets", "women": "toilets",
}  # fmt: skip


def write_plans(estate: Estate, folder: Path) -> None:
    """Write one plan for each building that has one."""
    sites = {s.code: s for s in estate.sites}
    floors: dict[str, list[Floor]] = {}
    for floor in estate.floors:
        floors.setdefault(floor.building, []).append(floor)
    for number, building in enumerate(estate.buildings):
        here = floors[building.code]
        if building.plan == "imdf":
            members = _imdf(building, sites[building.site], here)
            write_zip(folder / f"{building.code}.imdf.zip", members)
        elif building.plan == "osm":
            text = _Osm(building, number).text(here)
            (folder / f"{building.code}.osm").write_text(text, encoding="utf-8")


def _placed(building: Building, shapes: list[Any]) -> list[Any]:
    return list(geometries_to_lonlat(building.place(shapes)))


# -- IMDF 1.0 --------------------------------------------------------------------------------


def _key(building: Building, *parts: str) -> str:
    return str(uuid.uuid5(_SPACE, "/".join((building.code, *parts))))


def _imdf(building: Building, site: Site, floors: list[Floor]) -> dict[str, str]:
    key = partial(_key, building)
    footprint, ground = _placed(building, [outline(building.shape)])[0], key("building")
    address, venue = key("address"), key("venue")
    plot = geometries_to_lonlat([site.polygon])[0]
    point = mapping(footprint.representative_point())
    features: dict[str, list[dict[str, Any]]] = {
        "address": [_feature("address", address, None, {
            "address": f"虚构云汀区{building.street}", "locality": "虚构云汀区", "country": "CN",
            "unit": None, "province": None, "postal_code": None,
        })],
        "venue": [_feature("venue", venue, plot, {
            "category": "businesscampus", "name": {"zh": site.name}, "address_id": address,
            "display_point": mapping(plot.representative_point()),
        })],
        "building": [_feature("building", ground, None, {
            "category": "unspecified", "name": {"zh": building.name},
            "alt_name": {"zh": building.code}, "display_point": point, "address_id": address,
        })],
        "footprint": [_feature("footprint", key("footprint"), footprint, {
            "category": "ground", "building_ids": [ground],
        })],
        "level": [], "unit": [], "opening": [],
    }  # fmt: skip
    for floor in floors:
        for kind, each in _imdf_floor(building, floor, footprint).items():
            features[kind] += each
    members = {
        f"{kind}.geojson": json.dumps(
            {"type": "FeatureCollection", "name": kind, "features": each}, ensure_ascii=False
        )
        for kind, each in features.items()
    }
    manifest = {
        "version": "1.0.0", "created": "2026-10-12T09:00:00+08:00", "language": "zh",
        "generated_by": LABEL,
    }  # fmt: skip
    return {"manifest.json": json.dumps(manifest, ensure_ascii=False), **members}


def _imdf_floor(
    building: Building, floor: Floor, footprint: Any
) -> dict[str, list[dict[str, Any]]]:
    key = partial(_key, building)
    level = key("level", floor.label)
    levels = [_feature("level", level, footprint, {
        "category": "unspecified", "ordinal": floor.ordinal, "outdoor": False,
        "name": {"zh": f"{building.code} {floor.short_name}"},
        "short_name": {"zh": floor.short_name}, "building_ids": [key("building")],
        "base_m": round(floor.ordinal * HEIGHT_M, 2), "height_m": HEIGHT_M,
    })]  # fmt: skip
    units, openings = [], []
    shapes = _placed(building, [r.polygon for r in floor.rooms])
    for room, shape in zip(floor.rooms, shapes, strict=True):
        category, use, name = KINDS[room.kind]
        units.append(_feature("unit", key("unit", room.number), shape, {
            "category": category, "name": {"zh": name}, "alt_name": {"zh": room.number},
            "level_id": level, "display_point": mapping(shape.representative_point()),
            "room_number": room.number, "use": use, "capacity": room.capacity,
            "restriction": "employeesonly" if use == "equipment" else None,
        }))  # fmt: skip
    doors = [(r.number, r.door) for r in floor.rooms if r.door is not None]
    if floor.entrance is not None:
        doors.append(("entrance", floor.entrance))
    lines = _placed(building, [d for _, d in doors]) if doors else []
    for (number, _), line in zip(doors, lines, strict=True):
        openings.append(_feature("opening", key("door", floor.label, number), line, {
            "category": "pedestrian.principal" if number == "entrance" else "pedestrian",
            "level_id": level,
        }))  # fmt: skip
    return {"level": levels, "unit": units, "opening": openings}


def _feature(kind: str, key: str, shape: Any, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": key, "type": "Feature", "feature_type": kind,
        "geometry": None if shape is None else mapping(shape),
        "properties": {k: v for k, v in properties.items() if v is not None},
    }  # fmt: skip


# -- OSM Simple Indoor Tagging ---------------------------------------------------------------


class _Osm:
    """One building's drawing; ids are negative (never uploaded) and unique over all drawings."""

    def __init__(self, building: Building, number: int) -> None:
        self.building = building
        self.next = (number + 1) * 100_000
        self.nodes: list[str] = []
        self.ways: list[str] = []

    def text(self, floors: list[Floor]) -> str:
        building = self.building
        footprint = _placed(building, [outline(building.shape)])[0]
        self._way(footprint, {
            "building": "office", "ref": building.code, "name": building.name,
            "building:levels": str(building.above),
            "building:levels:underground": str(building.below) if building.below else None,
            "height": f"{building.above * HEIGHT_M + 0.9:.1f}", "note": LABEL,
        })  # fmt: skip
        for floor in floors:
            self._floor(floor, footprint)
        head = '<?xml version="1.0" encoding="UTF-8"?>\n'
        head += '<osm version="0.6" generator="onemap demo" upload="never">\n'
        return head + "\n".join([*self.nodes, *self.ways]) + "\n</osm>\n"

    def _floor(self, floor: Floor, footprint: Any) -> None:
        level = str(floor.ordinal)
        self._way(footprint, {
            "indoor": "level", "level": level, "level:ref": floor.short_name,
            "name": f"{self.building.code} {floor.short_name}",
        })  # fmt: skip
        doors = [r.door.interpolate(0.5, normalized=True) if r.door else None for r in floor.rooms]
        placed = _placed(self.building, [r.polygon for r in floor.rooms])
        points = _placed(self.building, [d or shapely.Point() for d in doors])
        for room, shape, door in zip(floor.rooms, placed, points, strict=True):
            _, _, name = KINDS[room.kind]
            tags: dict[str, str | None] = {
                "indoor": "corridor" if room.kind == "walkway" else "room", "level": level,
                "ref": room.number, "name": name, "room": _OSM_ROOM.get(room.kind),
                "capacity": str(room.capacity) if room.capacity else None,
                "male": "yes" if room.kind == "men" else None,
                "female": "yes" if room.kind == "women" else None,
                "stairs": "yes" if room.kind == "stairs" else None,
                "highway": "elevator" if room.kind == "lift" else None,
            }  # fmt: skip
            self._way(shape, tags, None if door.is_empty else (door, level))

    def _node(self, lon: float, lat: float, tags: dict[str, str | None]) -> int:
        self.next += 1
        inner = _tags(tags)
        line = f'<node id="-{self.next}" visible="true" lat="{lat:.8f}" lon="{lon:.8f}"'
        self.nodes.append(f"{line}>{inner}</node>" if inner else f"{line}/>")
        return self.next

    def _way(self, shape: Any, tags: dict[str, str | None], door: Any = None) -> None:
        """Write a closed way (a multipolygon where it has holes) with its door as a node."""
        rings = [shape.exterior, *shape.interiors]
        ways = []
        for k, ring in enumerate(rings):
            corners = list(ring.coords)[:-1]
            refs = [self._node(x, y, {}) for x, y in corners]
            if door is not None and k == 0:
                place, level = door
                at, (x, y) = _nearest_side(np.array(corners), place)
                tagged = {"door": "hinged", "level": level, "width": "0.9"}
                refs.insert(at + 1, self._node(x, y, tagged))
            self.next += 1
            inner = "".join(f'<nd ref="-{ref}"/>' for ref in [*refs, refs[0]])
            ways.append(self.next)
            own = _tags(tags) if len(rings) == 1 else ""
            self.ways.append(f'<way id="-{self.next}" visible="true">{inner}{own}</way>')
        if len(rings) > 1:
            self.next += 1
            members = "".join(
                f'<member type="way" ref="-{way}" role="{"inner" if k else "outer"}"/>'
                for k, way in enumerate(ways)
            )
            inner = members + _tags({**tags, "type": "multipolygon"})
            self.ways.append(f'<relation id="-{self.next}" visible="true">{inner}</relation>')


def _tags(tags: dict[str, str | None]) -> str:
    return "".join(
        f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items() if v is not None
    )


def _nearest_side(corners: Any, place: Any) -> tuple[int, tuple[float, float]]:
    """Return the side of a ring nearest to a point, and the point's foot on it."""
    a, b = corners, np.roll(corners, -1, axis=0)
    p = np.array([place.x, place.y])
    side = b - a
    t = np.clip(((p - a) * side).sum(1) / np.maximum((side**2).sum(1), 1e-30), 0.02, 0.98)
    feet = a + side * t[:, None]
    k = int(np.argmin(((feet - p) ** 2).sum(1)))
    return k, (float(feet[k][0]), float(feet[k][1]))

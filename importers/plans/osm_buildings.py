"""Which building the rooms of an OSM plan belong to, and what the file says about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import shapely

from importers.base import ATTRIBUTE, FILE, NAME_IN, ROW
from importers.plans.model import Row
from importers.plans.osm_areas import Area

_NEAR_DEG: Final = 0.0003  # about 30 m: a porch may stand out of its building's outline
_USES: Final = {
    "office": "office",
    "government": "office",
    "public": "service",
    "civic": "service",
    "university": "education",
    "school": "education",
    "college": "education",
    "kindergarten": "education",
    "hospital": "health",
    "clinic": "health",
    "apartments": "residential",
    "residential": "residential",
    "dormitory": "residential",
    "house": "residential",
    "retail": "commercial",
    "commercial": "commercial",
    "supermarket": "commercial",
    "hotel": "commercial",
    "garage": "garage",
    "garages": "garage",
    "parking": "garage",
    "warehouse": "storage",
    "sports_hall": "culture",
    "museum": "culture",
    "library": "culture",
}
_CONSUMED: Final = frozenset({"name", "ref", "height", "building:levels"})


@dataclass
class Group:
    """The rooms and floor outlines of one building; `key` is None where there is no building."""

    key: str | None
    outline: Area | None
    rooms: list[Area] = field(default_factory=list)
    floors: list[Area] = field(default_factory=list)


def split_by_building(
    file: str, outlines: Sequence[Area], rooms: Sequence[Area], floors: Sequence[Area]
) -> tuple[list[Group], list[tuple[str, str, str]]]:
    """Return the groups that have rooms, and notes (reason, zh, en) on how it was decided.

    Without an outline the building is what its rooms cover. With one, all rooms are its own.
    With several, a room belongs to the outline it overlaps most, else to the nearest one.
    """
    usable = [area for area in outlines if area.geom is not None]
    if not usable:
        stem = file.rsplit("/", 1)[-1].split(".")[0]
        note = (
            "outline_from_rooms",
            "文件没有建筑轮廓（building=*），以房间的外围代替",
            "The file has no outline (building=*): the extent of its rooms stands for it",
        )
        return [Group(f"outline/{stem}", None, list(rooms), list(floors))], [note]
    groups = [Group(area.key, area) for area in usable]
    if len(groups) == 1:
        groups[0].rooms, groups[0].floors = list(rooms), list(floors)
        return groups, []
    homeless = Group(None, None)
    for name, areas in (("rooms", rooms), ("floors", floors)):
        for area in areas:
            getattr(_home(groups, area) or homeless, name).append(area)
    used = [group for group in [*groups, homeless] if group.rooms]
    notes = []
    if empty := len(groups) - sum(group.key is not None for group in used):
        notes.append(
            (
                "outlines_without_rooms",
                f"{empty} 个建筑轮廓内没有房间，未导入；请用 onemap import buildings 导入",
                f"{empty} outlines hold no rooms and stay out: use onemap import buildings",
            )
        )
    if homeless.rooms:
        notes.append(
            (
                "rooms_without_building",
                f"{len(homeless.rooms)} 个房间不在任何建筑轮廓内",
                f"{len(homeless.rooms)} rooms lie in no outline of a building",
            )
        )
    return used, notes


def _home(groups: Sequence[Group], area: Area) -> Group | None:
    if area.geom is None:
        return None
    shape = shapely.make_valid(area.geom)
    shapes = [shapely.make_valid(g.outline.geom) for g in groups if g.outline is not None]
    overlaps = [shapely.area(shapely.intersection(shape, other)) for other in shapes]
    best = max(range(len(groups)), key=overlaps.__getitem__)
    if overlaps[best] > 0:
        return groups[best]
    distances = [shapely.distance(shape, other) for other in shapes]
    best = min(range(len(groups)), key=distances.__getitem__)
    return groups[best] if distances[best] <= _NEAR_DEG else None


def building_row(file: str, group: Group) -> Row:
    """Return the building of a group: its outline and tags, or the extent of its rooms."""
    if group.outline is None:
        shapes = [shapely.make_valid(a.geom) for a in group.rooms if a.geom is not None]
        name = (group.key or "").removeprefix("outline/")
        return {
            "source_key": group.key,
            FILE: file,
            ROW: None,
            "name": name,
            f"{ATTRIBUTE}outline": "rooms",
            "geom": shapely.union_all(shapes) if shapes else None,
        }
    tags = group.outline.tags
    row: Row = {
        "source_key": group.key,
        FILE: file,
        ROW: group.outline.order,
        "name": tags.get("name"),
        "code": tags.get("ref") or tags.get("loc_ref"),
        "address": _address(tags),
        "use": _USES.get(tags.get("building", "")),
        "levels_above": _whole(tags.get("building:levels")),
        "levels_below": _whole(tags.get("building:levels:underground")),
        "height_m": _metres(tags.get("height")),
        "geom": group.outline.geom,
    }
    for tag, value in tags.items():
        if tag.startswith("name:"):
            row[f"{NAME_IN}{tag.removeprefix('name:')}"] = value
        elif tag not in _CONSUMED:
            row[f"{ATTRIBUTE}{tag}"] = value
    return row


def _address(tags: dict[str, str]) -> str | None:
    if tags.get("addr:full"):
        return tags["addr:full"]
    street = " ".join(tags[k] for k in ("addr:street", "addr:housenumber") if tags.get(k))
    town = " ".join(tags[k] for k in ("addr:postcode", "addr:city") if tags.get(k))
    return ", ".join(part for part in (street, town) if part) or None


def _whole(text: Any) -> int | None:
    return int(text) if text and str(text).strip().isdigit() else None


def _metres(text: str | None) -> float | None:
    try:
        return float((text or "").removesuffix("m").strip())
    except ValueError:
        return None  # "5 floors" stays in the attributes below

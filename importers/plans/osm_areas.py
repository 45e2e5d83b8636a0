"""Areas of an OSM file, the levels they lie on, and the doors in their walls."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import shapely
from shapely import LineString, Polygon

from geo.levels import parse_levels
from importers.plans.osm_file import Elements

DEFAULT_DOOR_M: Final = 0.9
"""Width of a door whose tags give none, in metres; such a door says so in its attributes."""

_M_PER_DEGREE: Final = 111_319.490793  # on the equator of WGS 84: 2·pi·6378137/360
_MAX_DOOR_M: Final = 12.0


@dataclass
class Area:
    """A closed way or multipolygon.

    Attributes
    ----------
    key : ``way/12`` or ``relation/3``.
    chains : the nodes of its edges in order; doors are among them.
    levels : the level numbers it lies on, as tagged; empty when it names none that can be read.
    """

    key: str
    tags: dict[str, str]
    order: int
    geom: Any
    chains: tuple[tuple[int, ...], ...]
    levels: list[float] = field(default_factory=list)
    level_error: str | None = None
    overshot: bool = False


def areas_of(elements: Elements) -> Iterator[Area]:
    """Yield every tagged closed way and multipolygon, and open ways that are called rooms.

    `geom` is None where no area can be built. A ring that was drawn on past its first node is
    cut there (`overshot`).
    """
    for way in elements.ways.values():
        if not way.tags or not (way.closed or _called_room(way.tags)):
            continue
        nodes = way.nodes
        overshot = not way.closed and nodes[0] in nodes[3:]
        if overshot:
            nodes = nodes[: 4 + nodes[3:].index(nodes[0])]
        geom = _ring(elements, nodes) if way.closed or overshot else None
        area = Area(f"way/{way.id}", way.tags, way.order, geom, (nodes,), overshot=overshot)
        yield _levelled(area)
    for relation in elements.relations:
        if relation.tags.get("type") != "multipolygon":
            continue
        ways = [
            (elements.ways[ref], role)
            for kind, ref, role in relation.members
            if kind == "way" and ref in elements.ways
        ]
        complete = len(ways) == sum(kind == "way" for kind, _, _ in relation.members)
        geom = _multipolygon(elements, ways) if ways and complete else None
        chains = tuple(way.nodes for way, _ in ways)
        yield _levelled(
            Area(f"relation/{relation.id}", relation.tags, relation.order, geom, chains)
        )


def levels_of(tags: dict[str, str]) -> list[float]:
    """Return the levels a thing lies on: ``level`` and those of ``repeat_on``, ascending.

    Raises
    ------
    ValueError : one of them cannot be read.
    """
    given = [tags[key] for key in ("level", "repeat_on") if tags.get(key)]
    return sorted({number for text in given for number in parse_levels(text)})


def _called_room(tags: dict[str, str]) -> bool:
    room = tags.get("indoor") in ("room", "corridor", "area")
    return room or tags.get("osmAG:areaType") == "room"


def _levelled(area: Area) -> Area:
    try:
        area.levels = levels_of(area.tags)
    except ValueError as error:
        area.level_error = str(error)
    return area


def _ring(elements: Elements, nodes: Sequence[int]) -> Any:
    places = elements.places
    if any(node not in places for node in nodes) or len(set(nodes)) < 3:
        return None
    return Polygon([places[node] for node in nodes])


def _multipolygon(elements: Elements, ways: list[tuple[Any, str]]) -> Any:
    """Build the area of a multipolygon: outer rings less inner ones."""
    lines: dict[bool, list[Any]] = {True: [], False: []}
    for way, role in ways:
        if any(node not in elements.places for node in way.nodes) or len(way.nodes) < 2:
            return None
        lines[role != "inner"].append(LineString([elements.places[n] for n in way.nodes]))
    outer = shapely.get_parts(shapely.polygonize(lines[True]))
    if not len(outer):
        return None
    inner = shapely.get_parts(shapely.polygonize(lines[False]))
    made = shapely.union_all(outer)
    return shapely.difference(made, shapely.union_all(inner)) if len(inner) else made


class Walls:
    """Which walls each node stands in."""

    def __init__(self, areas: Sequence[Area]) -> None:
        """Index the nodes of the areas, in the order of the areas."""
        self._at: dict[int, list[tuple[Area, int | None, int | None]]] = defaultdict(list)
        for area in areas:
            for chain in area.chains:
                ring = chain[0] == chain[-1]
                nodes = chain[:-1] if ring else chain
                for place, node in enumerate(nodes):
                    before = nodes[place - 1] if ring or place else None
                    after = (
                        nodes[(place + 1) % len(nodes)] if ring or place + 1 < len(nodes) else None
                    )
                    self._at[node].append((area, before, after))

    def areas(self, node: int) -> list[Area]:
        """Return the areas whose edge runs through `node`."""
        return list({area.key: area for area, _, _ in self._at.get(node, ())}.values())

    def neighbours(self, node: int, level: float) -> tuple[int | None, int | None] | None:
        """Return the nodes beside `node` in a wall, of that level where there is one."""
        walls = self._at.get(node, [])
        there = [wall for wall in walls if level in wall[0].levels] or walls
        return (there[0][1], there[0][2]) if there else None


def door_width_m(tags: dict[str, str]) -> float | None:
    """Return the width that the tags give, in metres, or None."""
    for key in ("door:width", "width", "est_width"):
        text = tags.get(key, "").replace(",", ".").removesuffix("m").strip()
        try:
            width = float(text)
        except ValueError:
            continue
        if 0 < width <= _MAX_DOOR_M:
            return width
    return None


def door_line(
    elements: Elements, node: int, beside: tuple[int | None, int | None], width_m: float
) -> Any:
    """Return the part of the wall that a door takes: half its width to either side of its node.

    The line follows the wall, round a corner too, and ends where the next corner is nearer.
    """
    here = elements.places[node]
    ends = [
        _towards(here, elements.places[other], width_m / 2)
        for other in beside
        if other in elements.places and elements.places[other] != here
    ]
    if not ends:
        return None
    points = list(dict.fromkeys([ends[0], here, *ends[1:]]))
    return LineString(points)


def _towards(
    start: tuple[float, float], end: tuple[float, float], distance_m: float
) -> tuple[float, float]:
    """Return the point `distance_m` from start towards end, at most the end (degrees)."""
    scale = math.cos(math.radians(start[1]))
    east, north = end[0] - start[0], end[1] - start[1]
    length_m = math.hypot(east * scale, north) * _M_PER_DEGREE
    share = min(1.0, distance_m / length_m) if length_m else 0.0
    return start[0] + east * share, start[1] + north * share

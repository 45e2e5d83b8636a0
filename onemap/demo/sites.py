"""Sites off the streets, the buildings on them, and the way in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Point, Polygon

from onemap.demo.ground import Floats, stream
from onemap.demo.stories import stories
from onemap.demo.streets import Edge, Town

SITES, BUILDINGS_A_SITE = 12, 5
WITHOUT_PLAN = ("B18", "B29", "B38", "B44", "B57", "B60")
_SITE_NAMES = (
    "区机关大院", "城东政务区", "听潮路机关院", "银沙办公区", "河滨机关院", "城南政务区",
    "汀兰路院区", "北苑机关院", "望汀办公区", "晴川街院区", "白鹭政务区", "南湾政务区",
)  # fmt: skip
_MAIN_NAMES = ["政务主楼", "综合楼", "业务楼", "联合办公楼"]


@dataclass(frozen=True)
class Shape:
    """The outline of a building, in metres: ``kind`` of slab, L, U, court or hall."""

    kind: str
    length: float
    depth: float
    arm: float = 0.0


@dataclass
class Building:
    """A building: `angle` turns its own axes (u along the front) to local metres."""

    code: str
    name: str
    use: str
    shape: Shape
    above: int
    below: int
    year: int
    tenure: str
    plan: str | None
    centre: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0
    site: str = ""
    street: str = ""

    def place(self, shapes: Sequence[Any]) -> Any:
        """Bring geometries from the building's own axes to local metres."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[c, s], [-s, c]])
        return shapely.transform(
            np.asarray(shapes, dtype=object), lambda uv: uv @ turn + np.array(self.centre)
        )


@dataclass
class Site:
    """A plot of land with its buildings, its gate on a street and its car park."""

    code: str
    name: str
    polygon: Polygon
    centre: tuple[float, float]
    angle: float
    half: tuple[float, float]
    street: str = ""
    gate: tuple[float, float] = (0.0, 0.0)
    lot: tuple[float, float] = (0.0, 0.0)
    lot_node: int = -1
    buildings: list[Building] = field(default_factory=list)

    def local(self, u: float, v: float) -> tuple[float, float]:
        """Return local metres of a place in the site's own axes (v grows away from the gate)."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return self.centre[0] + u * c - v * s, self.centre[1] + u * s + v * c


def build_sites(town: Town, seed: int, scale: float) -> list[Site]:
    """Choose blocks near the centre for the sites, build on them and open their gates."""
    rng = stream(seed, "sites")
    wanted = round(SITES * scale)
    found: list[Site] = []
    taken: list[int] = []
    order = sorted(
        range(len(town.blocks)),
        key=lambda i: town.blocks[i].centroid.distance(Point(0, 0)) * _wobble(i, seed),
    )
    lines = [LineString(e.line) for e in town.edges]
    tree = shapely.STRtree(lines)
    # Neighbouring blocks first stay free; a large estate fills them in a second round.
    for spacing in (330.0, 0.0):
        for index in order:
            if len(found) == wanted:
                break
            block = town.blocks[index]
            near = any(block.centroid.distance(town.blocks[k].centroid) < spacing for k in taken)
            if index in taken or near:
                continue
            site = _site_on(block, len(found) + 1, town, tree)
            if site is not None:
                found.append(site)
                taken.append(index)
    if len(found) < wanted:
        raise ValueError(f"the town has room for {len(found)} sites only, not {wanted}")
    for site in found:
        _furnish(site, found.index(site), rng)
        _open_gate(site, town)
    for index in taken:
        town.block_use[index] = "office"
    return found


def _wobble(index: int, seed: int) -> float:
    return 0.8 + 0.4 * float(np.random.default_rng([seed, index]).random())


def _site_on(block: Polygon, number: int, town: Town, tree: shapely.STRtree) -> Site | None:
    box = shapely.minimum_rotated_rectangle(block)
    if not isinstance(box, Polygon) or block.area / box.area < 0.86:
        return None
    corners = np.array(box.exterior.coords)[:4]
    centre = np.asarray(block.centroid.coords[0])
    found = []
    for side in range(4):
        a, b = corners[side], corners[(side + 1) % 4]
        along = (b - a) / np.hypot(*(b - a))
        inward = centre - (a + b) / 2
        inward -= along * (inward @ along)
        if along[0] * inward[1] - along[1] * inward[0] < 0:
            along = -along
        width, height = np.hypot(*(b - a)), 2 * np.hypot(*inward)
        front = (a + b) / 2 - inward / np.hypot(*inward) * 14
        edge = town.edges[int(tree.nearest(Point(front)))]
        rank = {"primary": 0, "secondary": 1, "residential": 2}.get(edge.road_class, 9)
        angle = float(np.arctan2(along[1], along[0]))
        found.append((rank, side, angle, width / 2, height / 2))
    _, _, angle, a_half, b_half = min(found)
    core = block.buffer(-9)
    for _ in range(40):
        if core.contains(_turned_box(centre, angle, a_half, b_half)):
            break
        a_half, b_half = a_half * 0.985, b_half * 0.985
    if a_half < 82 or b_half < 80 or a_half > 150 or b_half > 150:
        return None
    code = f"S{number:02d}"
    turn, place = divmod(number - 1, SITES)
    name = f"虚构云汀{_SITE_NAMES[place]}" + (f"{turn + 1}号" if turn else "")
    polygon: Any = block.buffer(-4, join_style="mitre")
    if not isinstance(polygon, Polygon):
        return None
    return Site(code, name, polygon, (float(centre[0]), float(centre[1])), angle, (a_half, b_half))


def _turned_box(centre: Floats, angle: float, a: float, b: float) -> Polygon:
    c, s = np.cos(angle), np.sin(angle)
    uv = np.array([[-a, -b], [a, -b], [a, b], [-a, b]])
    return Polygon(uv @ np.array([[c, s], [-s, c]]) + centre)


# The main buildings of the twelve sites: outline and storeys. Those of the stories are slabs.
_MAIN = (
    (Shape("slab", 47, 13.6), 6),  # B01
    (Shape("slab", 46, 13.6), 5),  # B06
    (Shape("slab", 41, 13.4), 5),  # B11
    (Shape("U", 54, 13.4, 15), 3),
    (Shape("L", 44, 13.6, 20), 3),
    (Shape("court", 45, 13.0, 14), 2),
    (Shape("L", 40, 13.4, 18), 4),
    (Shape("U", 52, 13.4, 14), 3),
    (Shape("slab", 52, 13.8), 5),
    (Shape("court", 46, 13.2, 15), 2),
    (Shape("L", 44, 13.4, 20), 3),
    (Shape("slab", 46, 13.6), 5),
)
_SECOND = (
    (Shape("slab", 42, 13.2), 3),
    (Shape("slab", 44, 13.4), 3),
    (Shape("slab", 43, 13.4), 4),
    (Shape("L", 34, 13.0, 14), 2),
)


def _furnish(site: Site, index: int, rng: np.random.Generator) -> None:
    """Put five buildings on a site: a main one behind the car park, two offices, two services."""
    core = index < SITES
    main, floors = _MAIN[index % SITES]
    second, second_floors = _SECOND[index % 4]
    third, third_floors, third_use = Shape("slab", 34, 13.0), 2 + index % 2, "office"
    if core and index == 0:
        third, third_floors = Shape("slab", 49, 13.8), 4  # B03
    if core and index == 1:
        second, second_floors = Shape("slab", 43, 13.8), 4  # B07
    if core and index == 2:
        second, second_floors = Shape("slab", 42.6, 13.8), 5  # B12
    if index % 3 == 1:
        third_use = "technical"
    a, b = site.half
    spread, back, front = a * 0.5, b * 0.62, -b * 0.60
    middle = b * 0.02
    number = index * BUILDINGS_A_SITE
    hall = Shape("hall", 26, 17)
    small = Shape("hall", 21, 9.5)
    below = [index % 2, 0, int(index % 4 == 0), 0, 0]
    if core and index == 0:
        below = [1, 1, 0, 0, 0]  # the garage of B02
    if core and index == 1:
        below = [0, 0, 0, 1, 0]  # the store of B09
    third_name = "西配楼" if third_use == "office" else "技术楼"
    small_use = ("garage", "车库") if index % 2 else ("storage", "库房")
    rows = (
        (main, floors, "office", _MAIN_NAMES[index % 4], 0.0, middle),
        (second, second_floors, "office", "东配楼", spread, back),
        (third, third_floors, third_use, third_name, -spread, back),
        (hall, 2, "service", "服务中心" if index % 2 else "食堂", -a * 0.66, front),
        (small, 1, *small_use, a * 0.66, front),
    )  # fmt: skip
    site.lot = site.local(0.0, front * 0.9)
    for k, (shape, above, use, name, u, v) in enumerate(rows):
        code = f"B{number + k + 1:02d}"
        planned = not (core and code in WITHOUT_PLAN)
        if index >= SITES:
            planned = (number + k) % 10 != 4
        plan = ("imdf" if (number + k) % 2 == 0 else "osm") if planned else None
        year = int(rng.integers(1978, 2019)) if k else int(rng.integers(1985, 2016))
        centre = site.local(u + float(rng.uniform(-2, 2)), v + float(rng.uniform(-1.5, 1.5)))
        leased = core and code == stories()["renting"]["lease"]["building"]
        tenure = "leased" if leased else "owned"
        site.buildings.append(
            Building(
                code, f"{code} {name}", use, shape, above, below[k], year, tenure, plan,
                centre, site.angle, site.code,
            )
        )  # fmt: skip


def _open_gate(site: Site, town: Town) -> None:
    """Join the car park to the street in front by a service road."""
    front = Point(site.local(0.0, -site.half[1] - 16))
    index = min(
        range(len(town.edges)),
        key=lambda i: (
            np.inf
            if town.edges[i].road_class in ("service", "motorway")
            else _distance(town.edges[i].line, front)
        ),
    )
    edge = town.edges[index]
    site.street = edge.name
    made = town.split(index, front)
    site.gate = town.nodes[made]
    site.lot_node = town.node(*site.lot)
    line = np.array([site.gate, site.lot])
    name = f"{site.name}内部路"
    town.edges.append(Edge(made, site.lot_node, "service", name, line))
    town.roads.append((name, "service", LineString(line)))
    town.places[site.code] = site.lot_node
    for building in site.buildings:
        building.street = edge.name


def _distance(line: Floats, place: Point) -> float:
    # A quick bound before the exact distance: most streets are far away.
    rough = float(np.hypot(*(line - np.array(place.coords[0])).T).min())
    return LineString(line).distance(place) if rough < 400 else rough + 1000

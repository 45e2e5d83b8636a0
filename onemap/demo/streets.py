"""Streets, river, parks and blocks: a town with a bent, thinned grid, and its country roads."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.ops import substring

from onemap.demo.ground import Floats, stream

CELL_M = 226.0
EVERY = 3  # every third street is an arterial
WIDTH_M: dict[str, float] = {
    "motorway": 26.0,
    "primary": 34.0,
    "secondary": 26.0,
    "residential": 16.0,
    "service": 6,
}
SPEED_KMH: dict[str, float] = {
    "motorway": 98.0,
    "primary": 46.0,
    "secondary": 38.0,
    "residential": 27.0,
    "service": 9,
}
_EAST = (
    "听潮", "海晏", "汀兰", "观澜", "望汀", "云帆", "鸥鸣", "清波", "银沙", "平澜", "晚汐",
    "映月", "临浦", "采菱", "枕流",
)  # fmt: skip
_NORTH = (
    "云汀", "星屿", "渔歌", "晴川", "锦帆", "梅汀", "竹汀", "松汀", "桂汀", "白鹭", "青禾",
    "朝晖", "长风", "春汛", "秋水",
)  # fmt: skip
_PARKS = (
    "汀洲公园", "望海公园", "青屿公园", "听涛公园", "梅园", "竹园", "银杏公园", "和风公园",
    "海棠公园",
)  # fmt: skip
TOWNSHIPS = {"east": "东屿", "west": "西汀", "south": "南礁", "north": "北沙"}


@dataclass
class Edge:
    """A piece of street between two nodes, as a line in local metres."""

    a: int
    b: int
    road_class: str
    name: str
    line: Floats

    @property
    def length_m(self) -> float:
        """Length along the line."""
        return float(np.hypot(*np.diff(self.line, axis=0).T).sum())


@dataclass
class Town:
    """The ground of the estate, in local metres."""

    nodes: list[tuple[float, float]] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    roads: list[tuple[str, str, LineString]] = field(default_factory=list)
    blocks: list[Polygon] = field(default_factory=list)
    block_use: list[str] = field(default_factory=list)
    waters: list[tuple[str, Polygon]] = field(default_factory=list)
    greens: list[tuple[str, Polygon]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    _near: dict[int, list[tuple[int, float, int]]] | None = None
    _trees: dict[int, dict[int, tuple[int, int]]] = field(default_factory=dict)

    def node(self, x: float, y: float) -> int:
        """Add a node and return its number."""
        self.nodes.append((float(x), float(y)))
        return len(self.nodes) - 1

    def split(self, index: int, place: Point) -> int:
        """Cut an edge at the point nearest to `place`; return the new node."""
        edge = self.edges[index]
        line = LineString(edge.line)
        at = min(max(line.project(place), 1.0), line.length - 1.0)
        cut = line.interpolate(at)
        made = self.node(cut.x, cut.y)
        first = substring(line, 0, at)
        second = substring(line, at, line.length)
        self.edges[index] = Edge(edge.a, made, edge.road_class, edge.name, np.array(first.coords))
        self.edges.append(Edge(made, edge.b, edge.road_class, edge.name, np.array(second.coords)))
        return made

    def route(self, start: int, end: int) -> list[tuple[int, bool]]:
        """Return the quickest way as edges, each with whether it is driven backwards."""
        tree = self._tree(start)
        way: list[tuple[int, bool]] = []
        while end != start:
            before, edge = tree[end]
            way.append((edge, self.edges[edge].b != end))
            end = before
        return way[::-1]

    def _tree(self, start: int) -> dict[int, tuple[int, int]]:
        if start in self._trees:
            return self._trees[start]
        if self._near is None:
            self._near = defaultdict(list)
            for index, edge in enumerate(self.edges):
                cost = edge.length_m / SPEED_KMH[edge.road_class]
                self._near[edge.a].append((edge.b, cost, index))
                self._near[edge.b].append((edge.a, cost, index))
        best = {start: 0.0}
        came: dict[int, tuple[int, int]] = {}
        queue = [(0.0, start)]
        while queue:
            cost, here = heapq.heappop(queue)
            if cost > best[here]:
                continue
            for there, step, index in self._near[here]:
                total = cost + step
                if total < best.get(there, np.inf):
                    best[there] = total
                    came[there] = (here, index)
                    heapq.heappush(queue, (total, there))
        self._trees[start] = came
        return came


class _Bend:
    """Bends a regular grid smoothly, so that streets are not ruled lines."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.phase = rng.uniform(0, 2 * np.pi, 4)

    def __call__(self, x: Floats, y: Floats) -> Floats:
        a, b, c, d = self.phase
        return np.column_stack(
            [
                x + 52 * np.sin(y / 830 + a) + 16 * np.sin(x / 540 + b),
                y + 46 * np.sin(x / 910 + c) + 14 * np.sin(y / 560 + d),
            ]
        )


def build_town(seed: int, scale: float) -> Town:
    """Lay out the town: 30 quarters of nine blocks at scale 1, and more in proportion."""
    rng = stream(seed, "streets")
    quarters_x = max(2, round(np.sqrt(30 * scale * 1.2)))
    quarters_y = max(2, int(np.ceil(30 * scale / quarters_x)))
    town, bend = Town(), _Bend(rng)
    river_row = (quarters_y // 2) * EVERY + 1.5
    columns, rows = quarters_x * EVERY + 1, quarters_y * EVERY + 1
    gx = _lines(rng, columns)
    gy = _lines(rng, rows)
    river = _river(bend, rng, gx, float(np.interp(river_row, np.arange(rows), gy)))
    _grid(town, rng, bend, gx, gy, river.buffer(8))
    _country(town, rng, columns, rows)
    _thin(town, rng)
    town.waters.append(("云汀河", river))
    for edge in town.edges:
        town.roads.append((edge.name, edge.road_class, LineString(edge.line)))
    _blocks(town, rng, river)
    return town


def _lines(rng: np.random.Generator, count: int) -> Floats:
    steps = CELL_M + rng.uniform(-14, 14, count - 1)
    at = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(at - at[-1] / 2)


def _river(bend: _Bend, rng: np.random.Generator, gx: Floats, middle: float) -> Polygon:
    reach = gx[-1] + 9_000
    x = np.arange(-reach, reach + 1, 40.0)
    p = rng.uniform(0, 2 * np.pi, 3)
    fade = np.clip((np.abs(x) - gx[-1]) / 3000, 0, None)
    y = middle + 34 * np.sin(x / 610 + p[0]) + 14 * np.sin(x / 270 + p[1])
    y = y + fade * 180 * np.sin(x / 2300 + p[2])
    half = 31 + 5 * np.sin(x / 480 + p[1]) + fade * 4
    upper, lower = bend(x, y + half), bend(x, y - half)
    return Polygon(np.vstack([upper, lower[::-1]]))


def _grid(
    town: Town, rng: np.random.Generator, bend: _Bend, gx: Floats, gy: Floats, wet: Polygon
) -> None:
    shapely.prepare(wet)
    columns, rows = len(gx), len(gy)
    jitter = rng.normal(0, 7, (columns, rows, 2))
    jitter[::EVERY] = 0
    jitter[:, ::EVERY] = 0
    for i in range(columns):
        for j in range(rows):
            x, y = bend(gx[i : i + 1], gy[j : j + 1])[0] + jitter[i, j]
            town.node(x, y)
    share = np.linspace(0, 1, 5)
    for i in range(columns):
        for j in range(rows):
            for di, dj in ((1, 0), (0, 1)):
                k, m = i + di, j + dj
                if k >= columns or m >= rows:
                    continue
                x = gx[i] + (gx[k] - gx[i]) * share
                y = gy[j] + (gy[m] - gy[j]) * share
                line = bend(x, y) + jitter[i, j] + (jitter[k, m] - jitter[i, j]) * share[:, None]
                # Streets meet in the very same point, or no block closes.
                line[0], line[-1] = town.nodes[i * rows + j], town.nodes[k * rows + m]
                fixed = j if di else i
                kind = _class(fixed, rows if di else columns)
                if kind == "residential" and wet.intersects(LineString(line)):
                    continue  # only arterials have bridges
                name = _street_name(fixed, eastward=bool(di))
                town.edges.append(Edge(i * rows + j, k * rows + m, kind, name, line))


def _class(fixed: int, count: int) -> str:
    if fixed % EVERY:
        return "residential"
    middle = (count // 2) // EVERY * EVERY
    return "primary" if (fixed - middle) % (2 * EVERY) == 0 else "secondary"


def _street_name(fixed: int, *, eastward: bool) -> str:
    names = _EAST if eastward else _NORTH
    number, lane = divmod(fixed, EVERY)
    turn, place = divmod(number, len(names))
    name = names[place] + ("" if turn == 0 else "新" if turn == 1 else str(turn))
    if lane == 0:
        return name + ("路" if eastward else "大街")
    return name + ("一巷", "二巷")[lane - 1]


def _country(town: Town, rng: np.random.Generator, columns: int, rows: int) -> None:
    """Country roads from the arterials to four townships, and a motorway in the north."""
    mid_x = (columns // 2) // EVERY * EVERY
    mid_y = (rows // 2) // EVERY * EVERY
    north = mid_x * rows + rows - 1
    starts = {
        "east": ((columns - 1) * rows + mid_y, (1.0, 0.0)),
        "west": (mid_y, (-1.0, 0.0)),
        "south": (mid_x * rows, (0.0, -1.0)),
    }
    x, y = town.nodes[north]
    crossing = town.node(x, y + 2300)
    motorway = "云汀高速"
    road = f"云汀—{TOWNSHIPS['north']}公路"
    town.places["高速互通"] = crossing
    town.edges.append(
        Edge(north, crossing, "primary", road, _curve(rng, town.nodes[north], town.nodes[crossing]))
    )
    starts["north"] = (crossing, (0.0, 1.0))
    for side, (start, (dx, dy)) in starts.items():
        sx, sy = town.nodes[start]
        # The eastern road is long enough for the Sunday outing, at every scale.
        reach = {"north": 12_500.0, "east": max(11_000.0, 24_000 - sx)}.get(side, 11_000.0)
        end = town.node(sx + dx * reach, sy + dy * reach)
        line = _curve(rng, (sx, sy), town.nodes[end])
        town.edges.append(Edge(start, end, "primary", f"云汀—{TOWNSHIPS[side]}公路", line))
        town.places[TOWNSHIPS[side]] = end
        _township(town, end, TOWNSHIPS[side])
    for sign in (-1, 1):
        end = town.node(x + sign * 18_000, y + 2300 + sign * 700)
        line = _curve(rng, town.nodes[crossing], town.nodes[end])
        town.edges.append(Edge(crossing, end, "motorway", motorway, line))
        town.places[f"{motorway}{'西' if sign < 0 else '东'}端"] = end


def _curve(
    rng: np.random.Generator, start: tuple[float, float], end: tuple[float, float]
) -> Floats:
    a, b = np.array(start), np.array(end)
    length = float(np.hypot(*(b - a)))
    t = np.linspace(0, 1, max(8, int(length / 120)))
    across = np.array([-(b - a)[1], (b - a)[0]]) / length
    bow = np.sin(np.pi * t) ** 2 * (
        0.022 * length * np.sin(2 * np.pi * t * rng.uniform(0.8, 1.6) + rng.uniform(0, 6))
        + 0.006 * length * np.sin(2 * np.pi * t * 4 + rng.uniform(0, 6))
    )
    line = np.asarray(a + (b - a) * t[:, None] + across * bow[:, None])
    line[0], line[-1] = a, b
    return line


def _township(town: Town, middle: int, name: str) -> None:
    """Twelve small blocks round the end of a country road."""
    cx, cy = town.nodes[middle]
    made: dict[tuple[int, int], int] = {}
    for i in range(-2, 3):
        for j in range(-1, 3):
            made[i, j] = middle if (i, j) == (0, 0) else town.node(cx + i * 190, cy + j * 165)
    for (i, j), here in made.items():
        for other in ((i + 1, j), (i, j + 1)):
            if other in made:
                line = np.array([town.nodes[here], town.nodes[made[other]]])
                town.edges.append(Edge(here, made[other], "residential", f"{name}街", line))


def _thin(town: Town, rng: np.random.Generator) -> None:
    """Take out some local streets, so that blocks differ in size; nothing is cut off."""
    degree: dict[int, int] = defaultdict(int)
    for edge in town.edges:
        degree[edge.a] += 1
        degree[edge.b] += 1
    kept = []
    for edge in town.edges:
        loose = edge.road_class == "residential" and min(degree[edge.a], degree[edge.b]) > 3
        if loose and rng.random() < 0.16:
            degree[edge.a] -= 1
            degree[edge.b] -= 1
            continue
        kept.append(edge)
    town.edges = kept


def _blocks(town: Town, rng: np.random.Generator, river: Polygon) -> None:
    faces = shapely.get_parts(shapely.polygonize([LineString(e.line) for e in town.edges]))
    by_class: dict[str, list[LineString]] = defaultdict(list)
    for edge in town.edges:
        by_class[edge.road_class].append(LineString(edge.line))
    paved = shapely.union_all(
        [
            shapely.union_all(lines).buffer(WIDTH_M[kind] / 2, cap_style="flat", quad_segs=4)
            for kind, lines in by_class.items()
        ]
    )
    land = shapely.difference(shapely.union_all(faces), paved)
    bank = shapely.difference(
        shapely.intersection(river.buffer(30), shapely.union_all(faces)),
        shapely.union_all([river.buffer(3), paved]),
    )
    for strip in shapely.get_parts(bank):
        if strip.area > 1500:
            town.greens.append(("云汀河滨绿带", strip))
    dry = shapely.difference(land, river.buffer(36)).buffer(-7).buffer(7, quad_segs=4)
    blocks = [b for b in shapely.get_parts(dry) if b.area > 2500]
    blocks.sort(key=lambda b: (round(b.centroid.x, 3), round(b.centroid.y, 3)))
    _parks_and_uses(town, rng, blocks, river)


def _parks_and_uses(
    town: Town, rng: np.random.Generator, blocks: list[Polygon], river: Polygon
) -> None:
    # The lake park lies by the river, not far from the centre.
    lake_at = min(
        (i for i, b in enumerate(blocks) if b.area > 30_000),
        key=lambda i: (
            river.distance(blocks[i].centroid) * 2 + blocks[i].centroid.distance(Point(900, 0))
        ),
    )
    lake_block = blocks[lake_at]
    centre, size = lake_block.centroid, np.sqrt(lake_block.area)
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radius = size * (0.22 + 0.045 * np.sin(2 * angle + 1) + 0.03 * np.sin(3 * angle))
    lake = Polygon(
        np.column_stack(
            [centre.x + radius * 1.25 * np.cos(angle), centre.y + radius * np.sin(angle)]
        )
    )
    town.waters.append(("翠湖", lake))
    town.greens.append(("翠湖公园", lake_block))
    town.places["翠湖公园"] = min(
        range(len(town.nodes)), key=lambda n: Point(town.nodes[n]).distance(lake_block)
    )
    names = iter(_PARKS)
    reach = 1.7 * float(np.median([np.hypot(b.centroid.x, b.centroid.y) for b in blocks]))
    large = [k for k, b in enumerate(blocks) if b.area > 25_000 and k != lake_at]
    parks = set(rng.choice(large, max(3, len(blocks) // 30), replace=False).tolist())
    for index, block in enumerate(blocks):
        if index == lake_at:
            continue
        if index in parks:
            town.greens.append((next(names, "街心公园"), block))
            continue
        far = min(1.0, np.hypot(block.centroid.x, block.centroid.y) / reach)
        shares = np.array(
            [0.5, max(0.03, 0.5 - 2 * far), 0.08 + 0.5 * max(0, far - 0.2), 0.09, 0.06]
        )
        use = rng.choice(
            ["residential", "commercial", "industrial", "education", "other"],
            p=shares / shares.sum(),
        )
        town.blocks.append(block)
        town.block_use.append(str(use))

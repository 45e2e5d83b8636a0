"""Storeys: corridors with rooms on both sides, stairs, lifts and toilets, in a building's axes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Polygon, box

from onemap.demo.ground import stream
from onemap.demo.sites import Building, Shape
from onemap.demo.stories import stories

CORRIDOR_M, OUTER_M, WALL_M, STAIRS_M, LIFT_M, TOILET_M = 2.1, 0.3, 0.2, 3.0, 2.4, 3.2
HEIGHT_M = 3.6

# kind → IMDF category, use, Chinese name
KINDS: dict[str, tuple[str, str, str]] = {
    "office": ("office", "office", "办公室"),
    "meeting": ("conferenceroom", "meeting", "会议室"),
    "archive": ("storage", "ancillary", "档案室"),
    "store": ("storage", "ancillary", "储藏室"),
    "lounge": ("lounge", "ancillary", "休息室"),
    "server": ("serverroom", "equipment", "机房"),
    "plant": ("nonpublic", "equipment", "设备间"),
    "service": ("room", "service", "服务室"),
    "canteen": ("foodservice", "service", "餐厅"),
    "kitchen": ("kitchen", "service", "厨房"),
    "hall": ("waitingroom", "service", "服务大厅"),
    "technical": ("laboratory", "technical", "技术室"),
    "parking": ("parking", "other", "车库"),
    "walkway": ("walkway", "circulation", "走廊"),
    "stairs": ("stairs", "circulation", "楼梯"),
    "lift": ("elevator", "circulation", "电梯"),
    "lobby": ("lobby", "circulation", "门厅"),
    "men": ("restroom.male", "ancillary", "男卫生间"),
    "women": ("restroom.female", "ancillary", "女卫生间"),
}
_MARK = {"walkway": "Z", "stairs": "T", "lift": "D", "lobby": "M", "men": "WN", "women": "WV"}


@dataclass
class Room:
    """A room in its building's own axes, metres; `area_m2` is the usable area."""

    building: str
    floor: str
    number: str
    kind: str
    polygon: Polygon
    area_m2: float
    door: LineString | None
    people: int = -1
    state: str = "in_use"
    vacant_since: Any = None
    body: str | None = None
    occupants: list[int] = field(default_factory=list)

    @property
    def capacity(self) -> int | None:
        """People an office or a meeting room is meant for: a desk for each 9 m² begun."""
        if self.kind == "office":
            return max(1, math.ceil(self.area_m2 / 9 - 1e-9))
        return int(self.area_m2 // 2) if self.kind == "meeting" else None


@dataclass
class Floor:
    """A storey: its label (``3``, ``B1``), ordinal (0 = ground), outline, rooms and street door."""

    building: str
    label: str
    ordinal: int
    outline: Polygon
    rooms: list[Room]
    entrance: LineString | None

    @property
    def short_name(self) -> str:
        """As people say it: 3F, B1."""
        return self.label if self.label.startswith("B") else f"{self.label}F"


@dataclass
class _Row:
    """A row of rooms beside a corridor: from u0 to u1 along it, v0 to v1 across."""

    u0: float
    u1: float
    v0: float
    v1: float
    upright: bool
    door_low: bool

    def cell(self, a: float, b: float) -> Polygon:
        """The clear space between two walls."""
        w = WALL_M / 2
        u0, u1, v0, v1 = a + w, b - w, self.v0, self.v1
        return box(v0, u0, v1, u1) if self.upright else box(u0, v0, u1, v1)

    def door(self, a: float, b: float) -> LineString:
        """A door of 0.9 m in the middle of the corridor's wall."""
        v = (self.v0 - WALL_M / 2) if self.door_low else (self.v1 + WALL_M / 2)
        m = (a + b) / 2
        ends = [(m - 0.45, v), (m + 0.45, v)]
        return LineString([(y, x) for x, y in ends] if self.upright else ends)


def outline(shape: Shape) -> Polygon:
    """Return a building's footprint in its own axes, its front to the south."""
    length, depth, arm = shape.length, shape.depth, shape.arm
    x0, x1 = -length / 2, length / 2
    parts = [box(x0, 0, x1, depth)]
    if shape.kind in ("L", "U", "court"):
        parts.append(box(x1 - depth, 0, x1, depth + arm))
    if shape.kind in ("U", "court"):
        parts.append(box(x0, 0, x0 + depth, depth + arm))
    if shape.kind == "court":
        parts.append(box(x0, depth + arm, x1, 2 * depth + arm))
    whole = shapely.union_all(parts)
    moved: Any = shapely.transform(
        whole, lambda xy: np.round(xy - np.array([0, _middle(shape)]), 3)
    )
    return moved  # type: ignore[no-any-return]


def _middle(shape: Shape) -> float:
    deep = shape.depth + (shape.arm if shape.kind != "slab" else 0)
    return (deep + (shape.depth if shape.kind == "court" else 0)) / 2


def build_floors(building: Building, seed: int) -> list[Floor]:
    """Lay out every storey of a building."""
    lease = stories()["renting"]["lease"]
    if building.code == lease["building"]:
        return [_leased(building, lease)]
    rng = stream(seed, f"floors {building.code}")
    floors = []
    for ordinal in range(-building.below, building.above):
        label = f"B{-ordinal}" if ordinal < 0 else str(ordinal + 1)
        floors.append(_Storey(building, label, ordinal, rng).lay_out())
    return floors


def _leased(building: Building, lease: dict[str, Any]) -> Floor:
    """The rooms that are leased in another owner's building; the rest of it is not ours."""
    code, count = building.code, lease["people"] // 2
    area = lease["standard_m2"] / count
    plan = [("office", area, 2)] * count
    left = lease["area_m2"] - lease["standard_m2"]
    plan += [("meeting", round(left * 0.6, 1), 0), ("archive", round(left * 0.4, 1), 0)]
    rooms = [
        Room(
            code,
            "2",
            f"{code}-2{k + 1:02d}",
            kind,
            Polygon(),
            size,
            None,
            people,
            body=lease["body"],
        )
        for k, (kind, size, people) in enumerate(plan)
    ]
    return Floor(building.code, "2", 1, outline(building.shape), rooms, None)


class _Storey:
    def __init__(
        self, building: Building, label: str, ordinal: int, rng: np.random.Generator
    ) -> None:
        self.building, self.label, self.ordinal, self.rng = building, label, ordinal, rng
        self.rooms: list[Room] = []
        self.counts: dict[str, int] = {}
        self.shape = building.shape
        self.spec = stories()["floors"].get(f"{building.code}-{label}")

    def lay_out(self) -> Floor:
        if self.shape.kind == "hall":
            self._hall()
        else:
            self._wings()
        entrance = None
        if self.ordinal == 0:
            entrance = LineString([(-0.9, OUTER_M / 2), (0.9, OUTER_M / 2)])
        self._centre(entrance)
        floor = Floor(
            self.building.code, self.label, self.ordinal, outline(self.shape), self.rooms, entrance
        )
        if entrance is not None:
            floor.entrance = self._shift(entrance)
        return floor

    def _shift(self, shape: Any) -> Any:
        down = np.array([0, _middle(self.shape)])
        return shapely.transform(shape, lambda xy: np.round(xy - down, 4))

    def _centre(self, _entrance: LineString | None) -> None:
        for room in self.rooms:
            room.polygon = self._shift(room.polygon)
            if room.door is not None:
                room.door = self._shift(room.door)

    def _wings(self) -> None:
        s = self.shape
        x0, x1, deep = -s.length / 2, s.length / 2, (s.depth - CORRIDOR_M) / 2
        wings = {
            "R": (x1 - s.depth, s.kind in ("L", "U", "court")),
            "L": (x0, s.kind in ("U", "court")),
        }
        gaps = [(x + deep, x + deep + CORRIDOR_M) for x, there in wings.values() if there]
        w = WALL_M / 2
        low = (OUTER_M, deep - w)
        high = (deep + CORRIDOR_M + w, s.depth - OUTER_M)
        ways = [box(x0 + OUTER_M, deep + w, x1 - OUTER_M, deep + CORRIDOR_M - w)]
        self._row(_Row(x0 + OUTER_M, x1 - OUTER_M, *low, False, False), [], core=False, lobby=True)
        self._row(_Row(x0 + OUTER_M, x1 - OUTER_M, *high, False, True), gaps, core=True)
        for x, there in wings.values():
            if not there:
                continue
            top = s.depth + s.arm
            closed = s.kind == "court"
            reach = top + deep + w if closed else top - OUTER_M
            ways.append(box(x + deep + w, deep + w, x + deep + CORRIDOR_M - w, reach))
            end = top if closed else top - OUTER_M
            stairs = not closed
            self._row(_Row(s.depth, end, x + OUTER_M, x + deep - w, True, False), [], stairs=stairs)
            inner = _Row(s.depth, end, x + deep + CORRIDOR_M + w, x + s.depth - OUTER_M, True, True)
            self._row(inner, [])
        if s.kind == "court":
            y = s.depth + s.arm
            ways.append(box(x0 + OUTER_M, y + deep + w, x1 - OUTER_M, y + deep + CORRIDOR_M - w))
            self._row(
                _Row(x0 + OUTER_M, x1 - OUTER_M, y + OUTER_M, y + deep - w, False, False), gaps
            )
            self._row(
                _Row(
                    x0 + OUTER_M, x1 - OUTER_M, y + deep + CORRIDOR_M + w, y + s.depth - OUTER_M,
                    False, True,
                ),
                [],
                core=True,
            )  # fmt: skip
        self._add("walkway", shapely.union_all(ways), None)

    def _row(
        self,
        row: _Row,
        gaps: list[tuple[float, float]],
        *,
        core: bool = False,
        lobby: bool = False,
        stairs: bool = False,
    ) -> None:
        """Fill a row: what is fixed first, then rooms in the free stretches."""
        fixed: list[tuple[float, float, str]] = [(a, b, "") for a, b in gaps]
        end = row.u1
        if core:
            a = row.u0
            fixed += [(a, a + STAIRS_M, "stairs"), (end - STAIRS_M, end, "stairs")]
            a += STAIRS_M
            if self._meets(fixed, a, a + 2 * TOILET_M):
                a = gaps[0][1] + WALL_M
            fixed.append((a, a + TOILET_M, "men"))
            fixed.append((a + TOILET_M, a + 2 * TOILET_M, "women"))
            lift = end - STAIRS_M - LIFT_M
            if self.building.above > 3 and not self._meets(fixed, lift, lift + LIFT_M):
                fixed.append((lift, lift + LIFT_M, "lift"))
        if stairs:
            fixed.append((end - STAIRS_M, end, "stairs"))
        if lobby and self.ordinal == 0:
            fixed.append((-4.0, 4.0, "lobby"))
        fixed.sort()
        spec = self._spec(core=core, lobby=lobby)
        at = row.u0
        for a, b, kind in [*fixed, (end, end, "")]:
            if a - at > 1.4:
                self._fill(row, at, a, spec)
            if kind:
                self._add(kind, row.cell(a, b), row.door(a, b))
            at = max(at, b)

    def _meets(self, fixed: list[tuple[float, float, str]], a: float, b: float) -> bool:
        return any(a < y and b > x for x, y, _ in fixed)

    def _spec(self, *, core: bool, lobby: bool) -> list[list[Any]] | None:
        if self.spec is None:
            return None
        made: list[list[Any]] = self.spec["front" if lobby else "back"] if core or lobby else []
        return made

    def _fill(self, row: _Row, a: float, b: float, spec: list[list[Any]] | None) -> None:
        deep = row.v1 - row.v0
        if spec is not None:
            widths = [area / deep + WALL_M if area else 0.0 for area, _, _ in spec]
            free = (b - a) - sum(widths)
            share = free / max(1, sum(not w for w in widths))
            if share < 1.3:
                raise ValueError(f"{self.building.code}-{self.label}: {free:.1f} m left in a row")
            widths = [w or share for w in widths]
            plan = [
                (w, kind, area, people)
                for w, (area, kind, people) in zip(widths, spec, strict=True)
            ]
        else:
            plan = [(w, "", 0.0, -1) for w in self._widths(b - a, deep)]
        for width, kind, area, people in plan:
            cell = row.cell(a, a + width)
            self._add(kind or self._kind(cell.area), cell, row.door(a, a + width), area, people)
            a += width

    def _widths(self, length: float, deep: float) -> list[float]:
        """Draw widths of rooms by their area until the stretch is full, shrinking them a little."""
        office = self.building.use in ("office", "technical") and self.ordinal >= 0
        areas = (11.6, 17.7, 26.6, 35.4, 44.0) if office else (17.7, 30.0, 44.0, 58.0)
        shares = (0.1, 0.44, 0.3, 0.11, 0.05) if office else (0.2, 0.35, 0.3, 0.15)
        best: tuple[float, list[float]] | None = None
        for _ in range(10):
            widths: list[float] = []
            while sum(widths) < length:
                widths.append(float(self.rng.choice(areas, p=shares)) / deep + WALL_M)
            fit = length / sum(widths)
            if best is None or fit > best[0]:
                best = (fit, [w * fit for w in widths])
        assert best is not None
        return best[1]

    def _kind(self, area: float) -> str:
        if self.ordinal < 0:
            garage = self.building.code == "B02"
            return (
                "parking"
                if garage and area > 20
                else str(self.rng.choice(["store", "plant", "archive"]))
            )
        draw = self.rng.random()
        if self.building.use == "technical" and draw < 0.45:
            return "technical"
        if area > 24 and draw < 0.2:
            return "meeting"
        if area > 42:
            return "meeting" if draw < 0.7 else "archive"
        if draw > 0.76:
            return str(self.rng.choice(["store", "archive", "plant", "lounge", "service"]))
        return "office"

    def _hall(self) -> None:
        """A small building: one large room, a few beside it, stairs where it has two storeys."""
        s, x0, w = self.shape, -self.shape.length / 2, WALL_M / 2
        big = {
            "service": "canteen" if "食堂" in self.building.name else "hall",
            "garage": "parking",
        }
        split = x0 + s.length * 0.62
        self._add(
            big.get(self.building.use, "store"),
            box(x0 + OUTER_M, OUTER_M, split - w, s.depth - OUTER_M),
            LineString([(split, s.depth / 2 - 0.45), (split, s.depth / 2 + 0.45)]),
        )
        right = x0 + s.length - OUTER_M
        way = split + 1.9
        self._add("walkway", box(split + w, OUTER_M, way - w, s.depth - OUTER_M), None)
        side = ["stairs"] if self.building.above + self.building.below > 1 else []
        side += ["men", "women"] if self.building.use == "service" else []
        side += {"service": ["kitchen" if "canteen" in big["service"] else "service"]}.get(
            self.building.use, ["store", "plant"]
        )
        step = (s.depth - 2 * OUTER_M) / len(side)
        for k, kind in enumerate(side):
            y = OUTER_M + k * step
            door = LineString([(way, y + step / 2 - 0.45), (way, y + step / 2 + 0.45)])
            self._add(kind, box(way + w, y + w, right, y + step - w), door)

    def _add(
        self,
        kind: str,
        polygon: Any,
        door: LineString | None,
        area: float = 0.0,
        people: int = -1,
    ) -> None:
        mark = _MARK.get(kind)
        self.counts[mark or ""] = self.counts.get(mark or "", 0) + 1
        number = self.counts[mark or ""]
        code = f"{self.building.code}-{self.label}"
        name = f"{code}{mark}{number}" if mark else f"{code}{number:02d}"
        usable = round(area or polygon.area, 1)
        self.rooms.append(
            Room(self.building.code, self.label, name, kind, polygon, usable, door, people)
        )

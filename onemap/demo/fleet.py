"""Vehicles, their week on the streets, and the requests behind the drives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import numpy as np

from onemap.demo.drives import Fixes, Way, drift, drive, stand, tuned
from onemap.demo.ground import stream, to_lonlat
from onemap.demo.sites import Site
from onemap.demo.stories import stories
from onemap.demo.streets import Town

VEHICLES = 80
CHINA = timezone(timedelta(hours=8))
FIRST_DAY = date(2026, 10, 5)
_CLASSES = (
    "general",
    "general",
    "law_enforcement",
    "confidential",
    "special",
    "general",
    "general",
)
_MODELS: dict[str, list[tuple[str, float | None, float]]] = {
    "petrol": [("试驰 P1", 1.6, 116_800.0), ("试驰 P3", 1.8, 158_000.0)],
    "electric": [("演行 E5", None, 139_800.0), ("演行 E7", None, 172_000.0)],
    "hybrid": [("演行 H2", 1.5, 148_600.0)],
}
_WHY = ("送达文件", "现场检查", "会议", "调研", "设备检修", "走访", "培训", "资料交接")


@dataclass
class Vehicle:
    """A car; `place` is its fixed parking place in local metres."""

    plate: str
    body: str
    site: Site
    kind: str
    model: str
    energy: str
    displacement_l: float | None
    price: float
    place: tuple[float, float]
    state: str = "in_service"

    @property
    def short(self) -> str:
        """The plate's last part: D0017."""
        return self.plate.split("·")[1]


@dataclass
class Request:
    """A request for a car, approved. No importer reads it yet; it lies beside the tracks."""

    number: str
    plate: str
    start: datetime
    end: datetime
    reason: str
    km: float


@dataclass
class Fleet:
    """Cars, their fixes in WGS 84, and the requests."""

    vehicles: list[Vehicle]
    tracks: dict[str, Fixes]
    requests: list[Request]


def moment(day: date, at: time) -> float:
    """Return seconds since 1970 of a wall-clock time at +08:00."""
    return datetime.combine(day, at, CHINA).timestamp()


def build_fleet(town: Town, sites: list[Site], bodies: list[str], seed: int, scale: float) -> Fleet:
    """Return the cars and what they did from Monday 5 October to Monday 12 October, 09:00."""
    rng = stream(seed, "fleet")
    vehicles = [_vehicle(k, sites, bodies, town, rng) for k in range(round(VEHICLES * scale))]
    week = _Week(town, sites, seed)
    tracks = {car.short: week.of(car) for car in vehicles}
    return Fleet(vehicles, tracks, week.numbered())


def _vehicle(
    k: int, sites: list[Site], bodies: list[str], town: Town, rng: np.random.Generator
) -> Vehicle:
    short = f"D{k + 1:04d}"
    kind = "emergency" if k % 16 == 1 else _CLASSES[k % len(_CLASSES)]
    energy = str(rng.choice(["petrol", "electric", "hybrid"], p=[0.45, 0.45, 0.1]))
    model, displacement, price = _MODELS[energy][int(rng.integers(len(_MODELS[energy])))]
    # A third of the cars stand in the first site, the rest by turns.
    site = sites[0] if k % 3 == 0 else sites[k % len(sites)]
    if short == "D0066":
        crossing = town.nodes[town.places["高速互通"]]
        site = min(sites, key=lambda s: np.hypot(s.lot[0] - crossing[0], s.lot[1] - crossing[1]))
        kind = "emergency"
    if short in ("D0055", "D0017", "D0042"):
        site, kind = sites[0], "general"
    spot = k % 14
    u, v = (spot % 7 - 3) * 2.8, 3.5 if spot < 7 else -3.5
    c, s = np.cos(site.angle), np.sin(site.angle)
    place = (site.lot[0] + u * c - v * s, site.lot[1] + u * s + v * c)
    return Vehicle(
        f"演A·{short}", bodies[k % len(bodies)], site, kind, model, energy, displacement, price,
        (float(place[0]), float(place[1])),
    )  # fmt: skip


class _Week:
    """Makes the week of each car."""

    def __init__(self, town: Town, sites: list[Site], seed: int) -> None:
        self.town, self.seed = town, seed
        self.told: dict[str, Any] = stories()["cars"]
        estate = stories()["estate"]
        self.rest = set(estate["rest_days"])
        self.end = estate["start"].timestamp()
        self.start = moment(FIRST_DAY, time(0, 0))
        self.goals = [s.lot_node for s in sites[:40]] + [town.places["翠湖公园"]]
        dice = stream(seed, "errands")
        grid = [k for k, n in enumerate(town.nodes) if abs(n[0]) < 2600 and abs(n[1]) < 2300]
        self.goals += [int(k) for k in dice.choice(grid, 30, replace=False)]
        self.goals += [town.places[p] for p in ("东屿", "西汀", "南礁", "北沙")]
        self.park = town.places["翠湖公园"]
        self.garage = next(b for s in sites for b in s.buildings if b.code == "B02").centre
        self.requests: list[Request] = []
        crossing = town.places["高速互通"]
        self.crossing = crossing
        self.roads = {
            name: next(
                i for i, e in enumerate(town.edges)
                if e.name == name and e.length_m > 9000
            )
            for name in ("云汀—北沙公路", "云汀—东屿公路", "云汀高速")
        }  # fmt: skip

    def of(self, car: Vehicle) -> Fixes:
        """Return the fixes of a car's week."""
        rng = stream(self.seed, car.short)
        told: dict[str, Any] = self.told.get(car.short, {})
        if car.short == "D0009":
            return drift(car.place, self.start, self.end, rng, told["drift_m"])
        drives: list[Fixes] = []
        special = {
            "D0017": self._sunday, "D0023": self._saturday, "D0042": self._deviation,
            "D0066": self._night, "D0055": self._garage,
        }  # fmt: skip
        taken: date | None = None
        if car.short in special:
            made = special[car.short](car, told, rng)
            taken = datetime.fromtimestamp(made[0].time[0], CHINA).date()
            drives += made
        for day in (FIRST_DAY + timedelta(days=k) for k in range(8)):
            last = car.short == "D0055" and day > date(2026, 10, 8)
            if day == taken or last or (car.short == "D0066" and day == date(2026, 10, 9)):
                continue
            drives += self._day(car, day, rng)
        drives.sort(key=lambda d: float(d.time[0]))
        return self._with_rest(car, drives)

    def _with_rest(self, car: Vehicle, drives: list[Fixes]) -> Fixes:
        """Fill the time between drives with the heartbeat of a standing car."""
        until = self.end
        if car.short == "D0055":
            until = self.told["D0055"]["last_fix"].timestamp()
        lon, lat = to_lonlat([car.place[0]], [car.place[1]])
        parts = [Fixes(np.array([self.start]), lon, lat, np.zeros(1), np.zeros(1))]
        for each in [*drives, None]:
            last = parts[-1]
            end = until if each is None else float(each.time[0])
            parts.append(stand(last, float(last.time[-1]), end))
            if not len(parts[-1].time):
                parts.pop()
            if each is not None:
                # It leaves from where it was seen standing.
                each.lon[0], each.lat[0] = last.lon[-1], last.lat[-1]
                parts.append(each)
        return Fixes.joined(parts).until(until)

    # -- ordinary days ---------------------------------------------------------------------

    def _day(self, car: Vehicle, day: date, rng: np.random.Generator) -> list[Fixes]:
        busy = 0.12 if day in self.rest else 0.78
        if rng.random() > busy or (day in self.rest and car.kind != "emergency"):
            return []
        drives: list[Fixes] = []
        last = day == date(2026, 10, 12)
        clock = moment(day, time(7, 55) if last else time(8, 40)) + int(rng.integers(0, 240)) * 10
        for _ in range(1 if last else int(rng.integers(1, 4))):
            made, clock = self._round(car, clock, rng)
            if not last and clock > moment(day, time(17, 40)):
                break
            self._request(car, made, rng)
            drives += made
            clock += float(rng.integers(60, 720)) * 10
        return [d for d in (each.until(self.end) for each in drives) if len(d.time) > 1]

    def _round(
        self, car: Vehicle, start: float, rng: np.random.Generator
    ) -> tuple[list[Fixes], float]:
        """Drive somewhere, stay a while, and come home."""
        others = [g for g in self.goals if g != car.site.lot_node]
        weights = np.ones(len(others))
        weights[-4:] = 0.8
        goals = rng.choice(others, size=int(rng.integers(1, 3)), p=weights / weights.sum())
        drives: list[Fixes] = []
        here, clock = car.site.lot_node, start
        way = Way(self.town, here).line(np.array([car.place, car.site.lot]), 8)
        for goal in [*(int(g) for g in goals), car.site.lot_node]:
            if goal == here:
                continue
            way.to(goal)
            if goal == car.site.lot_node:
                way.line(np.array([car.site.lot, car.place]), 8)
            drives.append(drive(way, clock, rng))
            clock = float(drives[-1].time[-1]) + float(rng.integers(120, 540)) * 10
            here, way = goal, Way(self.town, goal)
        return drives, float(drives[-1].time[-1]) if drives else clock

    def _request(
        self, car: Vehicle, drives: list[Fixes], rng: np.random.Generator, **given: Any
    ) -> None:
        if not drives:
            return
        start = datetime.fromtimestamp(float(drives[0].time[0]), CHINA)
        end = datetime.fromtimestamp(float(drives[-1].time[-1]), CHINA)
        km = given.get("km") or round(sum(d.km() for d in drives) * 1.1 + 1)
        number = given.get("number", "")
        self.requests.append(
            Request(number, car.plate, start, end, str(rng.choice(_WHY)), float(km))
        )

    def numbered(self) -> list[Request]:
        """Give each request its number of the day; those of the stories have theirs."""
        taken = {r.number for r in self.requests}
        counts: dict[date, int] = {}
        self.requests.sort(key=lambda r: (r.start, r.plate))
        for request in self.requests:
            while not request.number:
                day = request.start.date()
                counts[day] = counts.get(day, 0) + 1
                number = f"YC-{day:%Y%m%d}-{counts[day]:03d}"
                if number not in taken:
                    request.number = number
        return sorted(self.requests, key=lambda r: r.number)

    # -- the stories -----------------------------------------------------------------------

    def _leave(self, car: Vehicle) -> Way:
        return Way(self.town, car.site.lot_node).line(np.array([car.place, car.site.lot]), 8)

    def _home(self, car: Vehicle, way: Way) -> Way:
        return way.to(car.site.lot_node).line(np.array([car.site.lot, car.place]), 8)

    def _sunday(self, car: Vehicle, told: dict[str, Any], rng: np.random.Generator) -> list[Fixes]:
        road = self.roads["云汀—东屿公路"]
        gate = self.town.edges[road].a
        leave = moment(told["date"], told["from"])
        dice = int(rng.integers(2**31))
        end = moment(told["date"], told["to"])
        both: list[Fixes] = []

        def there_and_back(metres: float) -> Fixes:
            way = self._leave(car).to(gate).out(road, metres)
            first = drive(way, leave, np.random.default_rng(dice))
            way = self._home(car, Way(self.town, gate).back(road, metres))
            second = drive(way, 0.0, np.random.default_rng(dice + 1))
            second.time += end - second.time[-1]
            second.lon[0], second.lat[0] = first.lon[-1], first.lat[-1]
            both[:] = [first, second]
            return Fixes.joined(both)

        tuned(there_and_back, told["km"], 1000, self.town.edges[road].length_m - 200)
        first, second = both
        return [first, second]

    def _saturday(
        self, car: Vehicle, told: dict[str, Any], rng: np.random.Generator
    ) -> list[Fixes]:
        made, _ = self._round(car, moment(told["date"], told["from"]), rng)
        self._request(car, made, rng, number=told["request"])
        return made

    def _deviation(
        self, car: Vehicle, told: dict[str, Any], rng: np.random.Generator
    ) -> list[Fixes]:
        road = self.roads["云汀—东屿公路"]
        gate = self.town.edges[road].a
        leave = moment(told["date"], time(9, 20))
        dice = int(rng.integers(2**31))
        back = self._home(car, Way(self.town, self.park))
        home = drive(back, 0.0, np.random.default_rng(dice + 1))

        def out(metres: float) -> Fixes:
            way = self._leave(car).to(gate).out(road, metres).back(road, metres).to(self.park)
            return drive(way, leave, np.random.default_rng(dice))

        far = self.town.edges[road].length_m - 200
        _, first = tuned(out, told["km"] - home.km(), 500, far)
        home.time += first.time[-1] + told["stop_minutes"] * 60
        made = [first, home]
        self._request(car, made, rng, number=told["request"], km=told["approved_km"])
        return made

    def _night(self, car: Vehicle, told: dict[str, Any], rng: np.random.Generator) -> list[Fixes]:
        """Out by the northern road and the motorway before midnight, home the other way after."""
        north, fast = self.roads["云汀—北沙公路"], self.roads["云汀高速"]
        leave = moment(told["date"], told["from"])
        midnight = moment(told["date"] + timedelta(days=1), time(0, 0))
        end = moment(told["date"] + timedelta(days=1), told["to"])
        dice, scene = int(rng.integers(2**31)), 7000.0

        def out(metres: float) -> Fixes:
            way = self._leave(car).to(self.crossing).out(north, metres).back(north, metres)
            way.out(fast, scene)
            return drive(way, leave, np.random.default_rng(dice), duration=midnight - 20 - leave)

        def home(metres: float) -> Fixes:
            way = Way(self.town, self.crossing).back(fast, scene)
            way = self._home(car, way.out(north, metres).back(north, metres))
            begin = midnight + 2100
            return drive(way, begin, np.random.default_rng(dice + 1), duration=end - begin)

        far = self.town.edges[north].length_m - 100
        _, first = tuned(out, told["km"][0], 100, far)
        _, second = tuned(home, told["km"][1], 20, far)
        return [first, second]

    def _garage(self, car: Vehicle, told: dict[str, Any], rng: np.random.Generator) -> list[Fixes]:
        goal = self.goals[3]
        way = Way(self.town, goal)
        way.to(car.site.lot_node).line(np.array([car.site.lot, self.garage]), 7)
        end = told["last_fix"].timestamp()
        home = drive(way, 0.0, rng)
        home.time += end - home.time[-1]
        out = drive(self._leave(car).to(goal), 0.0, rng)
        out.time += home.time[0] - 5400 - out.time[-1]
        made = [out, home]
        self._request(car, made, rng)
        return made

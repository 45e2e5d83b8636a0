"""Meters and a year of daily registers, with what goes wrong on real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
from shapely import Point

from onemap.demo.ground import Floats, stream
from onemap.demo.sites import Building, Site
from onemap.demo.stories import stories

METERS = {"electricity": 220, "water": 60, "gas": 20}
FIRST, LAST = date(2025, 10, 12), date(2026, 10, 12)
CHINA = timezone(timedelta(hours=8))
_MARK = {"electricity": "E", "water": "W", "gas": "G"}
_UNIT = {"electricity": "kWh", "water": "m³", "gas": "m³"}
_ITEMS = ("lighting", "hvac", "power", "special")
_SHARES = {"lighting": 0.34, "hvac": 0.42, "power": 0.15, "special": 0.09}


@dataclass
class Meter:
    """A meter and its daily registers at midnight (+08:00), NaN where nothing was read."""

    number: str
    kind: str
    item: str
    building: str
    parent: str | None
    multiplier: int
    digits: int
    place: tuple[float, float]
    registers: Floats = field(default_factory=lambda: np.empty(0))
    site: str | None = None

    @property
    def unit(self) -> str:
        """Of what the register counts after the multiplier."""
        return _UNIT[self.kind]


@dataclass
class Extra:
    """A reading out of turn: hourly ones, and the exchange of a meter."""

    meter: str
    time: datetime
    value: float
    closing: float | None = None


@dataclass
class Energy:
    """All meters, and the readings that do not stand in the daily sheet."""

    meters: list[Meter]
    days: list[date]
    extra: list[Extra]


def build_energy(sites: list[Site], seed: int, scale: float) -> Energy:
    """Return meters for the buildings and the registers of 366 midnights."""
    rng = stream(seed, "energy")
    days = [FIRST + timedelta(days=k) for k in range((LAST - FIRST).days + 1)]
    buildings = [b for s in sites for b in s.buildings]
    meters = _electricity(buildings, rng, round(METERS["electricity"] * scale))
    for kind in ("water", "gas"):
        for k in range(round(METERS[kind] * scale)):
            building = buildings[(k * (1 if kind == "water" else 3)) % len(buildings)]
            meters.append(
                Meter(
                    f"{_MARK[kind]}-{k + 1:04d}", kind, "total", building.code, None, 1, 6,
                    _at(building, rng),
                )
            )  # fmt: skip
    _fill(meters, days, buildings, rng)
    told = stories()["meters"]
    by_number = {m.number: m for m in meters}
    plant = by_number["E-0144"]
    if plant.parent is not None:
        _take_out(by_number[plant.parent], plant)
    _plant(plant, sites, days, told["E-0144"], rng)
    _b07(by_number, days, rng)
    _silence(by_number["E-0144"], days, told["E-0144"])
    extra = _exchange(by_number["E-0208"], days, told["E-0208"])
    extra += _hourly(by_number["W-0031"], days, told["W-0031"])
    return Energy(meters, days, extra)


def _at(building: Building, rng: np.random.Generator) -> tuple[float, float]:
    spot = building.place([_point(rng, building)])
    return float(spot[0].x), float(spot[0].y)


def _point(rng: np.random.Generator, building: Building) -> Point:
    s = building.shape
    deep = s.depth + (s.arm if s.kind != "slab" else 0) + (s.depth if s.kind == "court" else 0)
    return Point(-s.length / 2 + 2 + float(rng.uniform(0, 6)), -deep / 2 + float(rng.uniform(2, 5)))


def _electricity(buildings: list[Building], rng: np.random.Generator, count: int) -> list[Meter]:
    """A main meter for each building, and meters of items below it where there are enough.

    E-0113 is the main meter of B07 and E-0114 to E-0117 are its items, at every scale.
    """
    core = [b for b in buildings if int(b.code[1:]) <= 60]
    b07 = next(b for b in core if b.code == "B07")
    made: list[tuple[Building, str]] = []
    others = [b for b in core if b is not b07]
    office = [b for b in others if b.use in ("office", "technical")]
    for building in others:
        made.append((building, "total"))
        if building in office[: (220 - 60 - 4) // 4 + 1]:
            made += [(building, item) for item in _ITEMS]
    block = [(b07, "total")] + [(b07, item) for item in _ITEMS]
    made = made[:112] + block + made[112:]
    for building in [b for b in buildings if int(b.code[1:]) > 60]:
        made.append((building, "total"))
        if building.use in ("office", "technical"):
            made += [(building, item) for item in _ITEMS]
    # What is left are further meters of storeys and plant, below the main meters.
    turn = 0
    while len(made) < count:
        made.append((office[turn % len(office)], "special"))
        turn += 1
    main = {b.code: f"E-{k + 1:04d}" for k, (b, item) in enumerate(made[:count]) if item == "total"}
    return [
        Meter(
            f"E-{k + 1:04d}", "electricity", item, b.code,
            None if item == "total" else main.get(b.code),
            40 if item == "total" else 10, 5 if item == "total" and b is b07 else 6, _at(b, rng),
        )
        for k, (b, item) in enumerate(made[:count])
    ]  # fmt: skip


def _fill(
    meters: list[Meter], days: list[date], buildings: list[Building], rng: np.random.Generator
) -> None:
    """Draw daily use by season and working day, items first, so that main ≥ the sum of items."""
    year = np.array([d.timetuple().tm_yday for d in days[:-1]])
    season = 1 + 0.28 * np.cos(4 * np.pi * (year - 20) / 365)
    rest = np.array([d.weekday() >= 5 for d in days[:-1]])
    size = {
        b.code: b.shape.length * (b.shape.depth + (0 if b.shape.kind == "hall" else b.shape.arm))
        * max(1, b.above)
        for b in buildings
    }  # fmt: skip
    base = {"electricity": 0.21, "water": 0.0011, "gas": 0.008}
    use: dict[str, Floats] = {}
    for meter in sorted(meters, key=lambda m: m.item == "total"):
        level = base[meter.kind] * size[meter.building] * np.where(rest, 0.45, 1.0)
        level = level * (season if meter.kind != "water" else 1.0)
        level = level * rng.uniform(0.9, 1.1, len(year)) * _SHARES.get(meter.item, 1.0)
        below = [use[m.number] for m in meters if m.parent == meter.number and m.number in use]
        if below:
            level = np.sum(below, axis=0) * rng.uniform(1.02, 1.06)
        use[meter.number] = level
        start = int(rng.integers(900, 30_000))
        steps = np.round(np.cumsum(level / meter.multiplier), 1)
        meter.registers = np.round(np.concatenate([[start], start + steps]), 1)


def _b07(meters: dict[str, Meter], days: list[date], rng: np.random.Generator) -> None:
    """E-0113 rolls over in June; in September its items tell 78 % of it."""
    told = stories()
    main, facts = meters["E-0113"], told["unmetered"]
    first = days.index(facts["month"])
    month = slice(first, first + 30)
    steps = np.round(rng.normal(105, 4, len(days) - 1))
    before, after = told["meters"]["E-0113"]["rollover"]
    turn = days.index(before[0])
    steps[turn] = after[1] - before[1] + 10**main.digits
    _settle(steps, month, facts["main_kwh"] / main.multiplier)
    registers = np.concatenate([[0.0], np.cumsum(steps)])
    main.registers = (registers - registers[turn] + before[1]) % 10**main.digits
    subs = [m for m in meters.values() if m.parent == main.number]
    left = float(facts["sub_kwh"])
    for k, meter in enumerate(subs):
        last = k == len(subs) - 1
        share = _SHARES[meter.item] / sum(_SHARES[m.item] for m in subs)
        wanted = left if last else round(facts["sub_kwh"] * share / 10) * 10
        left -= wanted
        daily = np.round(steps * main.multiplier * 0.78 * share / meter.multiplier, 0)
        _settle(daily, month, wanted / meter.multiplier)
        start = float(rng.integers(900, 9000))
        meter.registers = np.concatenate([[start], start + np.cumsum(daily)])


def _settle(steps: Floats, part: slice, total: float) -> None:
    """Change whole steps of a part by one each until they sum to `total`."""
    window = steps[part]
    difference = round(total - float(window.sum()))
    each, rest = divmod(abs(difference), len(window))
    sign = 1 if difference > 0 else -1
    window += sign * each
    window[:rest] += sign
    window[-1] += total - float(window.sum())


def _take_out(main: Meter, item: Meter) -> None:
    """The main meter does not count any more what one of its items used."""
    used = (item.registers - item.registers[0]) * item.multiplier / main.multiplier
    main.registers = np.round(main.registers - used, 1)


def _plant(
    meter: Meter,
    sites: list[Site],
    days: list[date],
    told: dict[str, Any],
    rng: np.random.Generator,
) -> None:
    """E-0144 measures the heat pumps of a whole site, apart from its buildings."""
    meter.site = next(s.code for s in sites if any(b.code == meter.building for b in s.buildings))
    meter.parent, meter.item, meter.multiplier = None, "special", 100
    year = np.array([d.timetuple().tm_yday for d in days[:-1]])
    season = 0.72 + 0.3 * np.cos(4 * np.pi * (year - 25) / 365)
    level = told["kwh"] / 5 * season * rng.uniform(0.9, 1.08, len(year)) / meter.multiplier
    start = float(rng.integers(900, 9000))
    meter.registers = np.round(start + np.concatenate([[0.0], np.cumsum(level)]), 1)


def _silence(meter: Meter, days: list[date], told: dict[str, Any]) -> None:
    """Nothing was heard on the silent days: the last register is that of their first midnight."""
    first, last = days.index(told["silent"][0]), days.index(told["silent"][1])
    gain = told["kwh"] / meter.multiplier
    shift = meter.registers[first] + gain - meter.registers[last + 1]
    meter.registers[last + 1 :] = np.round(meter.registers[last + 1 :] + shift, 1)
    meter.registers[first + 1 : last + 1] = np.nan


def _exchange(meter: Meter, days: list[date], told: dict[str, Any]) -> list[Extra]:
    at = days.index(told["replaced"].date())
    day_use = float(np.median(np.diff(meter.registers)))
    part = (told["replaced"].hour + told["replaced"].minute / 60) / 24
    before = meter.registers[at]
    meter.registers[: at + 1] += told["closing"] - round(day_use * part, 1) - before
    rest = meter.registers[at + 1 :]
    meter.registers[at + 1 :] = rest - rest[0] + told["opening"] + round(day_use * (1 - part), 1)
    meter.registers = np.round(meter.registers, 1)
    return [Extra(meter.number, told["replaced"], told["opening"], told["closing"])]


def _hourly(meter: Meter, days: list[date], told: dict[str, Any]) -> list[Extra]:
    """W-0031 is read every hour in May; one of its readings is a zero."""
    first, last = days.index(date(2026, 5, 1)), days.index(date(2026, 6, 1))
    extra = []
    shape = np.cumsum(1 + np.clip(np.sin((np.arange(24) - 6) / 24 * 2 * np.pi), -0.8, 1))
    for day in range(first, last):
        start, end = meter.registers[day], meter.registers[day + 1]
        for hour in range(1, 24):
            time = datetime.combine(days[day], datetime.min.time(), CHINA) + timedelta(hours=hour)
            value = round(float(start + (end - start) * shape[hour - 1] / shape[-1]), 1)
            extra.append(Extra(meter.number, time, 0.0 if time == told["zero"] else value))
    return extra

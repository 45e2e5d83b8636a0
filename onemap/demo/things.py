"""Assets: what stands in the rooms, with the planted laptop, desks and bad rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone

import numpy as np

from onemap.demo.floors import Room
from onemap.demo.ground import stream
from onemap.demo.people import People
from onemap.demo.stories import stories

ASSETS = 8000
_CHINA = timezone(timedelta(hours=8))
# Classes after GB/T 14885-2022; prices in yuan.
_CLASSES = {
    "办公桌": ("A05010201", "演示木业 D1400", 1180.0),
    "办公椅": ("A05010301", "演示家具 C2", 460.0),
    "台式计算机": ("A02010105", "演算 T5", 4980.0),
    "便携式计算机": ("A02010108", "演算 N14", 6280.0),
    "打印机": ("A02021003", "试印 P210", 1650.0),
    "文件柜": ("A05010502", "演示家具 K4", 890.0),
    "空调机": ("A02061804", "试风 35GW", 3200.0),
    "投影仪": ("A02020200", "试光 X8", 5400.0),
    "会议桌": ("A05010202", "演示木业 M3600", 5200.0),
    "机柜": ("A02010602", "演架 42U", 6900.0),
}


@dataclass
class Asset:
    """One line of the asset file; dates and values as the file writes them."""

    number: str
    tag: str
    name: str
    room: str | None
    custodian: str | None
    body: str | None
    state: str
    value: float
    acquired: date | str
    serial: str
    scanned_room: str | None = None
    scanned_at: datetime | None = None

    @property
    def class_code(self) -> str:
        """The class of GB/T 14885."""
        return _CLASSES[self.name][0]

    @property
    def model(self) -> str:
        """Make and model, invented."""
        return _CLASSES[self.name][1]


def equip(rooms: list[Room], people: People, seed: int, scale: float) -> list[Asset]:
    """Return the lines of the asset file, in its order; the bad ones stand among them."""
    rng = stream(seed, "assets")
    told = stories()["assets"]
    total = round(ASSETS * scale)
    plan = _plan(
        rooms, people, rng, total - told["idle_desks"]["count"] - told["custodian"]["items"]
    )
    assets = [_asset(rng, k, *line) for k, line in enumerate(plan)]
    at = int(told["laptop"]["number"][-6:]) - 1
    custodian = people.named(told["custodian"]["person"])
    laptop = told["laptop"]
    assets[at] = replace(
        _asset(rng, at, "便携式计算机", laptop["booked"], custodian.number, custodian.body),
        number=laptop["number"], acquired=date(2023, 5, 12), scanned_room=laptop["scanned"],
        scanned_at=laptop["scanned_on"],
    )  # fmt: skip
    # The line that stood there moves to the end, with the custodian's other things.
    extra = [plan[at]] + [
        (name, laptop["booked"], custodian.number, custodian.body)
        for name in ("办公桌", "打印机")[: told["custodian"]["items"] - 1]
    ]
    desks = told["idle_desks"]
    extra += [("办公桌", desks["room"], None, "029")] * desks["count"]
    for name, room, who, body in extra:
        made = _asset(rng, len(assets), name, room, who, body)
        assets.append(replace(made, state="idle") if room == desks["room"] else made)
    return _with_bad_rows(assets, told["bad_rows"], rng)


def _plan(
    rooms: list[Room], people: People, rng: np.random.Generator, count: int
) -> list[tuple[str, str | None, str | None, str | None]]:
    """What stands where: desk, chair and computer for everybody, the rest by room."""
    plan: list[tuple[str, str | None, str | None, str | None]] = []
    desks_room = stories()["assets"]["idle_desks"]["room"]
    for room in rooms:
        for who in room.occupants:
            person = people.persons[who]
            own = ("办公桌", "办公椅", "台式计算机")
            plan += [(name, room.number, person.number, person.body) for name in own]
    shared = [r for r in rooms if r.kind in ("office", "meeting", "server", "archive")]
    by_kind = {"meeting": "会议桌 投影仪 空调机", "server": "机柜 空调机", "archive": "文件柜"}
    order = rng.permutation(len(shared))
    turn = 0
    while len(plan) < count:
        room = shared[int(order[turn % len(shared)])]
        if room.number != desks_room:
            names = by_kind.get(room.kind, "空调机 打印机 文件柜 便携式计算机").split()
            name = names[int(rng.integers(len(names)))]
            holder = people.persons[room.occupants[0]] if room.occupants else None
            # Some things are booked without a place.
            known = turn % 16 != 3
            plan.append(
                (
                    name,
                    room.number if known else None,
                    holder.number if holder else None,
                    room.body or "029",
                )
            )
        turn += 1
    plan = plan[:count]
    return [plan[int(k)] for k in rng.permutation(len(plan))]


def _asset(
    rng: np.random.Generator,
    index: int,
    name: str,
    room: str | None,
    who: str | None,
    body: str | None,
) -> Asset:
    day = date(2015, 1, 5) + timedelta(days=int(rng.integers(0, 4200)))
    tag = "E280" + bytes(rng.integers(0, 256, 10, dtype=np.uint8)).hex().upper()
    asset = Asset(
        number=f"ZC-{day.year}-{index + 1:06d}", tag=tag, name=name, room=room, custodian=who,
        body=body, state="in_use",
        value=round(_CLASSES[name][2] * float(rng.uniform(0.85, 1.2)), 2), acquired=day,
        serial=f"SY{int(rng.integers(10**9)):09d}",
    )  # fmt: skip
    if room is not None and rng.random() < 0.35:
        asset.scanned_room = room
        asset.scanned_at = datetime(2026, 9, 28, 9, tzinfo=_CHINA) + timedelta(
            minutes=int(rng.integers(0, 480))
        )
    return asset


def _with_bad_rows(
    assets: list[Asset], counts: dict[str, int], rng: np.random.Generator
) -> list[Asset]:
    bad: list[Asset] = []
    good = [a for a in assets if a.room and not a.scanned_room]

    def another(number: int) -> Asset:
        base = good[int(rng.integers(len(good)))]
        return _asset(rng, len(assets) + number, base.name, base.room, base.custodian, base.body)

    bad += [
        replace(another(k), room=f"B03-{901 + k}", scanned_room=None, scanned_at=None)
        for k in range(counts["unknown_room"])
    ]
    bad += [
        replace(another(len(bad) + k), tag=assets[40 + 97 * k].tag)
        for k in range(counts["duplicate_tag"])
    ]
    texts = ("2023-13-05", "二〇二三年春", "2022-02-30", "不详")[: counts["date"]]
    bad += [replace(another(len(bad) + k), acquired=text) for k, text in enumerate(texts)]
    for _ in range(counts["negative_value"]):
        wrong = another(len(bad))
        bad.append(replace(wrong, value=-wrong.value))
    # They stand in the second half of the file, each after the row whose tag it repeats.
    places = sorted(int(p) for p in rng.integers(len(assets) // 2, len(assets), len(bad)))
    lines = list(assets)
    for shift, (place, line) in enumerate(zip(places, bad, strict=True)):
        lines.insert(place + shift, line)
    return lines

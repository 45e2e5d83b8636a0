"""Bodies, people, and who sits where: by rank and within the area standard, but for the stories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np

from onemap.demo.floors import Floor, Room
from onemap.demo.ground import stream
from onemap.demo.stories import stories

BODIES, PEOPLE = 30, 2500
# 发改投资〔2014〕2674号, county tier, m² usable a person.
LIMIT_M2 = {
    "county_chief": 30.0, "county_deputy": 24.0, "section_chief": 18.0, "section_deputy": 12.0,
    "staff": 9.0,
}  # fmt: skip
_POSTS = {
    "county_chief": "主要负责人", "county_deputy": "分管负责人", "section_chief": "科长",
    "section_deputy": "副科长", "staff": "科员",
}  # fmt: skip
_BODY_NAMES = (
    "人民政府", "区委办公室", "人大常委会办公室", "政协办公室", "发展和改革局", "教育局",
    "科学技术局", "工业和信息化局", "公安局", "民政局", "司法局", "财政局",
    "人力资源和社会保障局", "自然资源局", "生态环境局", "住房和城乡建设局", "政务数据服务站",
    "交通运输局", "农业农村局", "水利局", "商务局", "文化和旅游局", "卫生健康局", "应急管理局",
    "审计局", "市场监督管理局", "统计局", "医疗保障局", "机关事务服务中心", "档案馆",
)  # fmt: skip
_PARENT = {"017": "007"}
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎"
    "鲁韦昌马苗凤花方俞任袁柳"
)
_GIVEN = "安宁平和清明远达文博思源嘉言书怀景行若水知微望舒"


@dataclass
class Body:
    """A public body, fictional."""

    code: str
    name: str
    parent: str | None
    headcount: int = 0


@dataclass
class Person:
    """A fictional person; the second character of the name says so: 试 or 演."""

    number: str
    name: str
    body: str
    rank: str
    post: str
    state: str = "active"
    left_on: date | None = None


@dataclass
class Sitting:
    """A person's share of a room."""

    room: str
    person: int
    share: float
    since: date


@dataclass
class People:
    """Everybody, and where they sit."""

    bodies: list[Body] = field(default_factory=list)
    persons: list[Person] = field(default_factory=list)
    sittings: list[Sitting] = field(default_factory=list)

    def named(self, name: str) -> Person:
        """Return the person of a story."""
        return next(p for p in self.persons if p.name == name)


def settle(floors: list[Floor], seed: int, scale: float) -> People:
    """Make bodies and people and give them rooms; mark the rooms that stay empty."""
    rng = stream(seed, "people")
    made = People(_bodies(scale))
    told = stories()
    lease = told["renting"]["lease"]
    rooms = {room.number: room for floor in floors for room in floor.rooms}
    names = _names()
    heads = _heads(rng, made.bodies, round(PEOPLE * scale), lease)
    waiting: dict[str, list[int]] = {}
    for body, head in zip(made.bodies, heads, strict=True):
        body.headcount = head + int(rng.integers(0, 4))
        waiting[body.code] = [
            _person(made, next(names), body.code, rank) for rank in _ranks(body, head, lease)
        ]
    _story_people(made, rooms, waiting, told)
    _take_aside(made, waiting, told["renting"]["unplaced_people"], lease["body"])
    _retire(made, waiting, rng, scale)
    seat = _Seating(made, rng)
    leased = [r for r in rooms.values() if r.building == lease["building"] and r.people > 0]
    seat.fixed(leased, waiting[lease["body"]])
    crowd = [r for r in rooms.values() if r.number.startswith("B07-3") and r.people > 0]
    seat.fixed(crowd, waiting["009"], rank="staff")
    offices = _queue(floors)
    seat.everybody(waiting, offices)
    _empty_rooms(offices, rng)
    taken = {sitting.room for sitting in made.sittings}
    for room in rooms.values():
        if room.people == 0 and room.kind == "office" and room.number not in taken:
            room.state, room.vacant_since = "vacant", told["renting"]["vacant_level"]["since"]
    return made


def _bodies(scale: float) -> list[Body]:
    bodies = []
    for k in range(round(BODIES * scale)):
        turn, place = divmod(k, BODIES)
        code = f"{k + 1:03d}"
        name = f"虚构云汀区{_BODY_NAMES[place]}" + (f"第{turn}分局" if turn else "")
        parent = _PARENT.get(code, f"{place + 1:03d}" if turn else None if k == 0 else "001")
        bodies.append(Body(code, name, parent))
    return bodies


def _names() -> Iterator[str]:
    told = stories()
    planted = {told["over_quota"]["person"], told["looks"]["two_rooms"]["person"]}
    turn = 0
    while True:
        for given, middle, surname in product(_GIVEN, "试演", _SURNAMES):
            name = surname + middle + given + ("" if turn == 0 else _GIVEN[turn % len(_GIVEN)])
            if name not in planted:
                yield name
        turn += 1


def _heads(
    rng: np.random.Generator, bodies: list[Body], total: int, lease: dict[str, Any]
) -> list[int]:
    weights = rng.lognormal(0, 0.45, len(bodies))
    at = [b.code for b in bodies].index(lease["body"])
    weights[at] = 0
    story_people = 6  # who are added by name
    free = total - lease["people"] - story_people
    heads = np.maximum(24, np.floor(weights / weights.sum() * free)).astype(int)
    heads[8] = max(heads[8], 70)  # body 009 fills a storey of B07
    heads[at] = lease["people"]
    heads[0] += total - story_people - int(heads.sum())
    while heads[0] < 60:
        biggest = int(np.argmax(heads))
        heads[biggest] -= 20
        heads[0] += 20
    return [int(h) for h in heads]


def _ranks(body: Body, head: int, lease: dict[str, Any]) -> list[str]:
    if body.code == lease["body"]:
        return ["staff"] * head
    chiefs, deputies = (3, 9) if body.code == "001" else (0, 0)
    section = 1 + head // 45
    second = 1 + head // 16
    ranks = ["county_chief"] * chiefs + ["county_deputy"] * deputies
    ranks += ["section_chief"] * section + ["section_deputy"] * second
    return ranks + ["staff"] * (head - len(ranks))


def _person(made: People, name: str, body: str, rank: str, **more: Any) -> int:
    number = f"P{len(made.persons) + 1:05d}"
    made.persons.append(Person(number, name, body, rank, _POSTS[rank], **more))
    return len(made.persons) - 1


def _story_people(
    made: People, rooms: dict[str, Room], waiting: dict[str, list[int]], told: dict[str, Any]
) -> None:
    looks, over = told["looks"], told["over_quota"]

    def sit(who: int, number: str, share: float = 1.0) -> None:
        room = rooms[number]
        room.people, room.body = 0, made.persons[who].body
        room.occupants.append(who)
        made.sittings.append(Sitting(number, who, share, date(2024, 3, 1)))

    sit(_person(made, over["person"], "005", over["rank"]), over["room"])
    sit(
        _person(made, looks["chief"]["person"], "001", looks["chief"]["rank"]),
        looks["chief"]["room"],
    )
    two = _person(made, looks["two_rooms"]["person"], "005", looks["two_rooms"]["rank"])
    for number in looks["two_rooms"]["rooms"]:
        sit(two, number)
    # The three of B03-415 take the places of three others of their body.
    staff = [k for k in waiting["005"] if made.persons[k].rank == "staff"][:3]
    for k, name in zip(staff, looks["three"]["people"], strict=True):
        made.persons[k].name = name
        waiting["005"].remove(k)
        sit(k, looks["three"]["room"], 0.3333)
    custodian = told["assets"]["custodian"]
    _person(
        made, custodian["person"], "005", "staff",
        state="retired", left_on=custodian["retired_on"],
    )  # fmt: skip
    # Two more who left, so that the total is even at every scale.
    for name in ("尤试明", "许演清"):
        _person(made, name, "012", "staff", state="left", left_on=date(2026, 6, 30))


def _take_aside(made: People, waiting: dict[str, list[int]], count: int, leased: str) -> None:
    """Keep some people out of every room: they are the ones without a place."""
    for code in [c for c in waiting if c != leased][:count]:
        staff = [k for k in waiting[code] if made.persons[k].rank == "staff"]
        waiting[code].remove(staff[-1])


def _retire(
    made: People, waiting: dict[str, list[int]], rng: np.random.Generator, scale: float
) -> None:
    codes = [c for c in waiting if c not in ("009", stories()["renting"]["lease"]["body"])]
    for _ in range(round(36 * scale)):
        code = str(rng.choice(codes))
        staff = [k for k in waiting[code] if made.persons[k].rank == "staff"]
        who = made.persons[staff[int(rng.integers(len(staff)))]]
        who.state = str(rng.choice(["retired", "left", "seconded"], p=[0.5, 0.3, 0.2]))
        if who.state != "seconded":
            who.left_on = date(2026, 1, 31) + timedelta(days=int(rng.integers(0, 240)))
        waiting[code].remove(made.persons.index(who))


def _queue(floors: list[Floor]) -> list[Room]:
    """Offices in the order in which bodies move in; the fifth floor of B01 first."""
    first = [f for f in floors if f.building == "B01" and f.label == "5"]
    rest = [f for f in floors if f not in first]
    return [r for f in [*first, *rest] for r in f.rooms if r.kind == "office" and r.people < 0]


class _Seating:
    def __init__(self, made: People, rng: np.random.Generator) -> None:
        self.made, self.rng = made, rng

    def sit(self, room: Room, people: list[int]) -> None:
        share = round(1 / len(people), 4) if len(people) > 1 else 1.0
        room.body = self.made.persons[people[0]].body
        room.occupants = list(people)
        since = date(2019, 1, 1) + timedelta(days=int(self.rng.integers(0, 2700)))
        self.made.sittings += [Sitting(room.number, who, share, since) for who in people]

    def fixed(self, rooms: list[Room], waiting: list[int], rank: str | None = None) -> None:
        """Seat as many as each room is planned for."""
        for room in rooms:
            fitting = [k for k in waiting if rank is None or self.made.persons[k].rank == rank]
            people = fitting[: room.people]
            for who in people:
                waiting.remove(who)
            self.sit(room, people)

    def everybody(self, waiting: dict[str, list[int]], offices: list[Room]) -> None:
        need = sum(len(w) for w in waiting.values())
        room_for = sum(int(np.ceil(r.area_m2 / LIMIT_M2["staff"])) for r in offices)
        spare = max(0.0, 0.8 * (1 - need * 1.04 / room_for))
        free = iter(r for r in offices if r.building == "B01" or self.rng.random() >= spare)
        for people in waiting.values():
            if people:
                self._body(people, free)

    def _body(self, people: list[int], free: Iterable[Room]) -> None:
        by_rank: dict[str, list[int]] = {rank: [] for rank in LIMIT_M2}
        for who in people:
            by_rank[self.made.persons[who].rank].append(who)
        shared: list[Room] = []
        for room in free:
            group = self._group(by_rank, room.area_m2)
            if not group:
                break
            self.sit(room, group)
            if len(group) > 1:
                shared.append(room)
            if not any(by_rank.values()):
                break
        rest = [who for group in by_rank.values() for who in group]
        self._squeeze(rest, shared)

    def _group(self, by_rank: dict[str, list[int]], area: float) -> list[int]:
        """Who gets a room of this area: one of rank, two deputies, or staff by the standard."""
        for rank in ("section_deputy", "section_chief", "county_deputy", "county_chief"):
            if by_rank[rank] and 0.6 * LIMIT_M2[rank] < area <= LIMIT_M2[rank]:
                return [by_rank[rank].pop()]
        deputies = by_rank["section_deputy"]
        if len(deputies) > 1 and area <= 24 and len(deputies) > len(by_rank["staff"]) / 20:
            return [deputies.pop(), deputies.pop()]
        count = int(np.ceil(area / LIMIT_M2["staff"] - 1e-9))
        order = ("staff", "section_deputy", "section_chief", "county_deputy", "county_chief")
        pool = [(rank, who) for rank in order for who in by_rank[rank]]
        if len(pool) < count:
            return []
        for rank, who in pool[:count]:
            by_rank[rank].remove(who)
        return [who for _, who in pool[:count]]

    def _squeeze(self, rest: list[int], shared: list[Room]) -> None:
        """Those for whom no whole room is left join colleagues: all shares become smaller."""
        by_room: dict[str, list[int]] = {}
        for k, who in enumerate(rest):
            room = shared[-1 - k % len(shared)]
            room.occupants.append(who)
            by_room[room.number] = room.occupants
        if not by_room:
            return
        since = {s.room: s.since for s in self.made.sittings if s.room in by_room}
        self.made.sittings = [s for s in self.made.sittings if s.room not in by_room]
        for number, people in by_room.items():
            share = round(1 / len(people), 4)
            self.made.sittings += [Sitting(number, who, share, since[number]) for who in people]


def _empty_rooms(offices: list[Room], rng: np.random.Generator) -> None:
    for room in offices:
        if room.occupants:
            continue
        room.state = str(rng.choice(["vacant", "works", "to_vacate"], p=[0.84, 0.08, 0.08]))
        if room.state == "vacant":
            room.vacant_since = date(2025, 5, 1) + timedelta(days=int(rng.integers(0, 500)))

"""What office space a level, a building or a body holds, and who sits in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, and_, distinct, func, or_, select
from sqlalchemy.sql.selectable import FromClause

from layers.access import rows
from layers.base import Base
from layers.estate import BUILDINGS, LEVELS
from layers.history import dated
from layers.insights.base import Found, Insight, Line, Told
from layers.labels import Text
from layers.measures.base import Question
from layers.measures.quota import standard_of_people
from layers.measures.space import held, is_office
from layers.people import BODIES, PERSONS
from layers.rules.space import AREA_STANDARD, ROUNDING_M2, in_post, leases, m2, plain, unplaced
from layers.space import ROOMS

M2 = "m²"
ROOM = "间"
PERSON = "人"


def _known(area: float | None) -> float | None:
    return None if area is None else round(area, 2)


# -- levels and buildings ----------------------------------------------------------------------


def _of_level(question: Question, key: int) -> Select[Any]:
    link = dated(Base.metadata.tables["room_level"], question.at).alias()
    return select(link.c.room_id).where(link.c.level_id == key)


def _of_building(question: Question, key: int) -> Select[Any]:
    """Return the rooms of a building; one of several buildings is of the first, as in measures."""
    tables = Base.metadata.tables
    room_level = dated(tables["room_level"], question.at)
    level_building = dated(tables["level_building"], question.at)
    here, of_here = room_level.alias(), level_building.alias()
    link, house = room_level.alias(), level_building.alias()
    inside = (
        select(here.c.room_id)
        .join(of_here, of_here.c.level_id == here.c.level_id)
        .where(of_here.c.building_id == key)
    )
    return (
        select(link.c.room_id)
        .join(house, house.c.level_id == link.c.level_id)
        .where(link.c.room_id.in_(inside))
        .group_by(link.c.room_id)
        .having(func.min(house.c.building_id) == key)
    )


def _offices(question: Question, of_place: Select[Any]) -> Mapping[str, Select[Any]]:
    """Return the offices of a place summed up, and the people who hold them, each once."""
    room = rows(ROOMS, question.actor, question.at)
    vacant = room.c.state == "vacant"
    inside = and_(is_office(room), room.c.id.in_(of_place))
    found = held(question)
    sums: list[Any] = [
        func.count().label("offices"),
        func.sum(room.c.usable_area_m2).label("area"),
        func.count().filter(vacant).label("vacant"),
        func.sum(room.c.usable_area_m2).filter(vacant).label("vacant_area"),
        func.sum(room.c.capacity).label("capacity"),
    ]
    return {
        "offices": select(*sums).where(inside),
        "people": select(func.count(distinct(found.people.c.person_id)).label("people"))
        .join(found.rooms, found.rooms.c.id == found.people.c.room_id)
        .where(is_office(found.rooms), found.rooms.c.id.in_(of_place)),
    }


def _level_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    return _offices(question, _of_level(question, key))


def _building_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    return _offices(question, _of_building(question, key))


def _occupancy(_question: Question, _key: int, found: Found) -> Told | None:
    (row,), (sitting,) = found["offices"], found["people"]
    offices, vacant, area = row["offices"], row["vacant"], row["vacant_area"]
    if not offices:
        return None
    lines = [
        Line("offices", Text("办公室", "offices"), offices, ROOM),
        Line("area_m2", Text("办公室使用面积", "their usable area"), _known(row["area"]), M2),
        Line("vacant", Text("空置办公室", "vacant offices"), vacant, ROOM),
        Line("vacant_m2", Text("空置面积", "vacant area"), _known(area) if vacant else 0.0, M2),
        Line("people", Text("办公人数", "people in them"), sitting["people"], PERSON),
        Line("capacity", Text("可容纳人数", "capacity"), row["capacity"], PERSON),
    ]
    if not vacant:
        said = Text(f"{offices} 间办公室，无空置", f"{offices} offices, none vacant")
        return Told("neutral", said, lines)
    empty = Text("", "") if area is None else Text(f"，{m2(area)} m²", f", {m2(area)} m²")
    said = Text(
        f"{offices} 间办公室中 {vacant} 间空置{empty.zh}",
        f"{vacant} of {offices} offices vacant{empty.en}",
    )
    return Told("attention", said, lines)


# -- bodies ------------------------------------------------------------------------------------


def _rooms_of(question: Question, key: int) -> FromClause:
    """Return the rooms of a body: its own, and those of nobody where its people sit."""
    room = rows(ROOMS, question.actor, question.at)
    person = rows(PERSONS, question.actor, question.at)
    people = held(question).people
    sat_in = (
        select(people.c.room_id)
        .join(person, person.c.id == people.c.person_id)
        .where(person.c.body_id == key)
    )
    return (
        select(room)
        .where(or_(room.c.body_id == key, and_(room.c.body_id.is_(None), room.c.id.in_(sat_in))))
        .subquery("rooms_of_body")
    )


def _body_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    room = _rooms_of(question, key)
    person = rows(PERSONS, question.actor, question.at)
    ranked = standard_of_people(question)
    without = unplaced(question).subquery("unplaced")
    lease = leases(question).subquery("leases")
    office = is_office(room)
    return {
        "people": select(
            func.count().label("people"),
            func.count(ranked.c.standard).label("judged"),
            func.sum(ranked.c.standard).label("standard"),
        )
        .select_from(person)
        .join(ranked, ranked.c.id == person.c.id)
        .where(person.c.body_id == key, in_post(person, question)),
        "unplaced": select(func.count().label("count"))
        .select_from(without)
        .where(without.c.body_id == key),
        "rooms": select(
            func.count().label("rooms"),
            func.sum(room.c.usable_area_m2).label("area"),
            func.count().filter(office).label("offices"),
            func.sum(room.c.usable_area_m2).filter(office).label("office_area"),
        ),
        "lease": select(lease).where(lease.c.id == key),
    }


def _body(_question: Question, _key: int, found: Found) -> Told | None:
    (people,), (without,), (room,) = found["people"], found["unplaced"], found["rooms"]
    if not people["people"] and not room["rooms"]:
        return None
    said = [Text(f"在职 {people['people']} 人", f"{people['people']} people in post")]
    if room["area"] is not None:
        area = m2(room["area"])
        said.append(
            Text(f"用房 {room['rooms']} 间 {area} m²", f"{room['rooms']} rooms of {area} m²")
        )
    concerns = []
    if without["count"]:
        concerns.append(Text(f"{without['count']} 人未落位", f"{without['count']} without a room"))
    lines = _body_lines(people, without["count"], room)
    for lease in found["lease"]:
        lines += _lease_lines(lease)
        if lease["over_m2"] is not None and lease["over_m2"] > ROUNDING_M2:
            concerns.append(_rents_beyond(lease))
    said += concerns
    headline = Text("；".join(each.zh for each in said), "; ".join(each.en for each in said))
    return Told("attention" if concerns else "neutral", headline, lines)


def _body_lines(
    people: Mapping[str, Any], unplaced_people: int, room: Mapping[str, Any]
) -> list[Line]:
    judged = people["judged"] == people["people"]
    standard = (people["standard"] or 0.0) if judged else None
    office_area = _known(room["office_area"]) if room["offices"] else 0.0
    return [
        Line("people", Text("在职人员", "people in post"), people["people"], PERSON),
        Line("standard_m2", Text("其面积标准合计", "their standards"), standard, M2),
        Line("unplaced", Text("未落位人员", "people without a room"), unplaced_people, PERSON),
        Line("rooms", Text("房间", "rooms"), room["rooms"], ROOM),
        Line("area_m2", Text("使用面积", "usable area"), _known(room["area"]), M2),
        Line("offices", Text("其中办公室", "of those, offices"), room["offices"], ROOM),
        Line("office_m2", Text("办公室使用面积", "area of the offices"), office_area, M2),
    ]


def _rents_beyond(lease: Mapping[str, Any]) -> Text:
    leased, over = m2(lease["leased_m2"]), m2(lease["over_m2"])
    people, need = lease["people"], plain(lease["standard_m2"])
    return Text(
        f"租用 {leased} m²，超出其中 {people} 人标准之和 {need} m² 共 {over} m²",
        f"{leased} m² rented, {over} m² over the standards of the {people} people there, {need} m²",
    )


def _lease_lines(lease: Mapping[str, Any]) -> list[Line]:
    return [
        Line("leased_m2", Text("租用面积", "rented"), _known(lease["leased_m2"]), M2),
        Line("leased_people", Text("租用处办公人数", "people there"), lease["people"], PERSON),
        Line("leased_standard_m2", Text("其标准之和", "their standards"), lease["standard_m2"], M2),
        Line(
            "leased_over_m2",
            Text("超出标准之和", "over their standards by"),
            _known(lease["over_m2"]),
            M2,
        ),
    ]


INSIGHTS = (
    Insight(
        name="occupancy",
        layer=BUILDINGS.name,
        rests=("rooms", "occupancies", "persons"),
        title=Text("办公室使用", "Use of the offices"),
        ask=_building_parts,
        read=_occupancy,
    ),
    Insight(
        name="occupancy",
        layer=LEVELS.name,
        rests=("rooms", "occupancies", "persons"),
        title=Text("办公室使用", "Use of the offices"),
        ask=_level_parts,
        read=_occupancy,
    ),
    Insight(
        name="space",
        layer=BODIES.name,
        rests=("persons.rank", "rooms", "occupancies"),
        title=Text("办公用房（本级，不含下级）", "Office space (itself, not those below)"),
        ask=_body_parts,
        read=_body,
        citation=AREA_STANDARD,
    ),
)

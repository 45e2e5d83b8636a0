"""Measures of rooms and of the buildings that hold them: occupancy, area a person, vacancy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Float,
    Select,
    and_,
    case,
    cast,
    distinct,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.access import rows
from layers.assets import ASSETS
from layers.base import Base
from layers.estate import BUILDINGS
from layers.history import dated
from layers.labels import Text
from layers.measures.base import Measure, Question
from layers.people import Person
from layers.scope import valid_on
from layers.space import OCCUPANCIES, ROOMS

PEOPLE_PER_PLACE = Text("人/座", "people a place")
M2 = Text("m²", "m²")
M2_A_PERSON = Text("m²/人", "m² a person")
SHARE = Text("", "")


@dataclass(frozen=True)
class Held:
    """The rooms, and who holds them on the day that is asked about."""

    rooms: FromClause
    people: FromClause  # room_id, person_id, share; the person's body_id and rank


def held(question: Question) -> Held:
    """Return the visible rooms and the people who hold them on the question's day.

    People who have retired or left no longer sit anywhere, whatever their occupancy says.
    """
    room = rows(ROOMS, question.actor, question.at)
    occupancy = rows(OCCUPANCIES, question.actor, question.at)
    person = rows(Person, question.actor, question.at)
    people = (
        select(
            occupancy.c.room_id,
            occupancy.c.person_id,
            occupancy.c.share,
            person.c.body_id,
            person.c.rank,
        )
        .join(person, person.c.id == occupancy.c.person_id)
        .where(
            valid_on(occupancy, question.day),
            or_(person.c.left_on.is_(None), person.c.left_on > question.day),
            person.c.state.is_distinct_from("left"),
            person.c.state.is_distinct_from("retired"),
        )
        .subquery("people")
    )
    return Held(room, people)


def is_office(room: FromClause) -> ColumnElement[bool]:
    """Return whether a room is an office: by its use, or by its category where no use is given."""
    return or_(room.c.use == "office", and_(room.c.use.is_(None), room.c.category == "office"))


def buildings_of_rooms(question: Question) -> FromClause:
    """Return ``room_id, building_id``: each room once, in the first building it belongs to."""
    tables = Base.metadata.tables
    room_level = dated(tables["room_level"], question.at).alias()
    level_building = dated(tables["level_building"], question.at).alias()
    return (
        select(room_level.c.room_id, func.min(level_building.c.building_id).label("building_id"))
        .join(level_building, level_building.c.level_id == room_level.c.level_id)
        .group_by(room_level.c.room_id)
        .subquery("housed")
    )


def over_buildings(question: Question, per_room: FromClause, *sums: Any) -> Select[Any]:
    """Return `sums` over the rooms of each visible building; `per_room` has a column ``id``."""
    seen = rows(BUILDINGS, question.actor, question.at)
    # What a scope may see is found once, not once a room.
    building = select(seen.c.id).cte().prefix_with("MATERIALIZED", dialect="postgresql")
    housed = buildings_of_rooms(question)
    return (
        select(building.c.id, *sums)
        .join(housed, housed.c.building_id == building.c.id)
        .join(per_room, per_room.c.id == housed.c.room_id)
        .group_by(building.c.id)
    )


def _number(value: Any) -> ColumnElement[float]:
    return cast(value, Float)


def _ratio(part: Any, whole: Any) -> ColumnElement[float]:
    return _number(part) / func.nullif(_number(whole), 0)


def _people_by_room(question: Question) -> FromClause:
    """Return every room with ``people``, ``capacity`` and ``area``."""
    found = held(question)
    count = (
        select(found.people.c.room_id, func.count(distinct(found.people.c.person_id)).label("n"))
        .group_by(found.people.c.room_id)
        .subquery("counted")
    )
    return (
        select(
            found.rooms.c.id,
            func.coalesce(count.c.n, 0).label("people"),
            found.rooms.c.capacity,
            found.rooms.c.usable_area_m2.label("area"),
        )
        .outerjoin(count, count.c.room_id == found.rooms.c.id)
        .subquery("per_room")
    )


def occupancy_of_rooms(question: Question) -> Mapping[str, Select[Any]]:
    """People over capacity, for rooms that have a capacity or people."""
    room = _people_by_room(question)
    query = select(
        room.c.id,
        _number(room.c.people).label("numerator"),
        _number(room.c.capacity).label("denominator"),
        case((room.c.capacity > 0, 1.0), else_=0.0).label("coverage"),
    ).where(or_(room.c.capacity.is_not(None), room.c.people > 0))
    return {"values": query.order_by(room.c.id)}


def occupancy_of_buildings(question: Question) -> Mapping[str, Select[Any]]:
    """People in rooms whose capacity is known, over the sum of those capacities."""
    room = _people_by_room(question)
    known = room.c.capacity > 0
    query = over_buildings(
        question,
        room,
        _number(func.sum(room.c.people).filter(known)).label("numerator"),
        _number(func.sum(room.c.capacity).filter(known)).label("denominator"),
        _ratio(func.count().filter(known), func.count()).label("coverage"),
    ).where(or_(room.c.capacity.is_not(None), room.c.people > 0))
    return {"values": query.order_by(literal_column("1"))}


def area_of_rooms(question: Question) -> Mapping[str, Select[Any]]:
    """Usable area over people, for rooms that people hold."""
    room = _people_by_room(question)
    query = select(
        room.c.id,
        room.c.area.label("numerator"),
        _number(room.c.people).label("denominator"),
        case((room.c.area.is_not(None), 1.0), else_=0.0).label("coverage"),
    ).where(room.c.people > 0)
    return {"values": query.order_by(room.c.id)}


def area_of_buildings(question: Question) -> Mapping[str, Select[Any]]:
    """Usable area of the rooms that people hold, over those people (each counted once)."""
    found = held(question)
    room, people = found.rooms, found.people
    one = select(room.c.id, people.c.person_id, room.c.usable_area_m2.label("area")).join(
        people, people.c.room_id == room.c.id
    )
    seated = one.subquery("seated")
    area = (
        select(seated.c.id, func.min(seated.c.area).label("area"))
        .group_by(seated.c.id)
        .subquery("areas")
    )
    sums = over_buildings(question, area, func.sum(area.c.area).label("area")).subquery("sums")
    known = seated.c.area.is_not(None)
    count = over_buildings(
        question,
        seated,
        _number(func.count(distinct(seated.c.person_id)).filter(known)).label("people"),
        _number(func.count(distinct(seated.c.person_id))).label("everybody"),
    ).subquery("counts")
    query = select(
        sums.c.id,
        sums.c.area.label("numerator"),
        count.c.people.label("denominator"),
        _ratio(count.c.people, count.c.everybody).label("coverage"),
    ).join(count, count.c.id == sums.c.id)
    return {"values": query.order_by(sums.c.id)}


def _vacancy_by_room(question: Question) -> FromClause:
    """Return the offices with ``vacant`` (1, 0, NULL where nobody says) and ``area``."""
    found = held(question)
    room = found.rooms
    used = room.c.id.in_(select(found.people.c.room_id))
    vacant = case(
        (room.c.state == "vacant", 1.0),
        (room.c.state.is_not(None), 0.0),
        (used, 0.0),
        else_=None,
    )
    return (
        select(room.c.id, vacant.label("vacant"), room.c.usable_area_m2.label("area"))
        .where(is_office(room))
        .subquery("offices")
    )


def vacancy_of_rooms(question: Question) -> Mapping[str, Select[Any]]:
    """1 for a vacant office, 0 for one in use; none where the state is not recorded."""
    office = _vacancy_by_room(question)
    query = select(
        office.c.id,
        office.c.vacant.label("numerator"),
        literal_column("1.0::float8").label("denominator"),
        case((office.c.vacant.is_not(None), 1.0), else_=0.0).label("coverage"),
    )
    return {"values": query.order_by(office.c.id)}


def vacancy_of_buildings(question: Question) -> Mapping[str, Select[Any]]:
    """Usable area of the vacant offices over that of all offices whose state is known."""
    office = _vacancy_by_room(question)
    known = and_(office.c.vacant.is_not(None), office.c.area.is_not(None))
    query = over_buildings(
        question,
        office,
        func.sum(office.c.vacant * office.c.area).filter(known).label("numerator"),
        func.sum(office.c.area).filter(known).label("denominator"),
        _ratio(func.count().filter(known), func.count()).label("coverage"),
    )
    return {"values": query.order_by(literal_column("1"))}


def assets_of_rooms(question: Question) -> Mapping[str, Select[Any]]:
    """The number of assets recorded in each room that holds any, disposed ones aside."""
    asset = rows(ASSETS, question.actor, question.at)
    room = rows(ROOMS, question.actor, question.at)
    query = (
        select(
            room.c.id,
            _number(func.count()).label("numerator"),
            literal_column("1.0::float8").label("denominator"),
            literal_column("1.0::float8").label("coverage"),
        )
        .join(asset, asset.c.room_id == room.c.id)
        .where(asset.c.state.is_distinct_from("disposed"))
        .group_by(room.c.id)
    )
    return {"values": query.order_by(room.c.id)}


OCCUPANCY = Text("入驻率", "Occupancy")
AREA_A_PERSON = Text("人均使用面积", "Usable area a person")
VACANCY = Text("空置", "Vacancy")

MEASURES = (
    Measure(
        name="occupancy",
        layer="rooms",
        rests=("occupancies", "persons"),
        title=OCCUPANCY,
        description=Text("在室人数除以可容纳人数", "People in the room over its capacity"),
        unit=PEOPLE_PER_PLACE,
        kind="sequential",
        direction="high_is_bad",
        ask=occupancy_of_rooms,
    ),
    Measure(
        name="usable_area_per_person",
        layer="rooms",
        rests=("occupancies", "persons"),
        title=AREA_A_PERSON,
        description=Text(
            "房间使用面积除以使用人数；大小本身无好坏",
            "Usable area over the people who hold the room; neither good nor bad in itself",
        ),
        unit=M2_A_PERSON,
        kind="neutral",
        direction="neutral",
        ask=area_of_rooms,
    ),
    Measure(
        name="vacancy",
        layer="rooms",
        rests=("occupancies", "persons"),
        title=VACANCY,
        description=Text("空置的办公室为 1，使用中为 0", "1 for a vacant office, 0 for one in use"),
        unit=SHARE,
        kind="sequential",
        direction="high_is_bad",
        ask=vacancy_of_rooms,
    ),
    Measure(
        name="asset_count",
        layer="rooms",
        rests=("assets",),
        title=Text("资产数量", "Assets"),
        description=Text("登记在该房间的资产件数", "Assets recorded in the room"),
        unit=Text("件", "items"),
        kind="neutral",
        direction="neutral",
        ask=assets_of_rooms,
    ),
    Measure(
        name="building_occupancy",
        layer="buildings",
        rests=("occupancies", "persons"),
        title=OCCUPANCY,
        description=Text("在室人数除以可容纳人数", "People over capacity"),
        unit=PEOPLE_PER_PLACE,
        kind="sequential",
        direction="high_is_bad",
        ask=occupancy_of_buildings,
    ),
    Measure(
        name="building_usable_area_per_person",
        layer="buildings",
        rests=("occupancies", "persons"),
        title=AREA_A_PERSON,
        description=Text(
            "有人使用的房间的使用面积除以人数；大小本身无好坏",
            "Usable area of the rooms in use over their people; neither good nor bad in itself",
        ),
        unit=M2_A_PERSON,
        kind="neutral",
        direction="neutral",
        ask=area_of_buildings,
    ),
    Measure(
        name="building_vacancy",
        layer="buildings",
        rests=("occupancies", "persons"),
        title=Text("空置率", "Vacancy"),
        description=Text(
            "空置办公室的使用面积占全部办公室的比例",
            "Usable area of the vacant offices over that of all offices",
        ),
        unit=SHARE,
        kind="sequential",
        direction="high_is_bad",
        ask=vacancy_of_buildings,
    ),
)

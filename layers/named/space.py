"""Counted questions of office space: over the standard, vacant, unplaced, rented, to be vacated."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Float, Numeric, Select, cast, distinct, func, select
from sqlalchemy.sql.elements import ColumnElement

from layers.access import rows
from layers.labels import Text
from layers.measures.base import Question
from layers.measures.quota import offices_of_people
from layers.measures.space import held
from layers.named.base import Column, Found, NamedFilter
from layers.rules.space import (
    AREA_STANDARD,
    ROUNDING_M2,
    leases,
    over_standard,
    unplaced,
    vacant_offices,
)
from layers.space import ROOMS

M2 = "m²"
PEOPLE = Text("人", "people")
COUNTED_ROOMS = Text("间", "rooms")
_OVER_M2 = Column("over_m2", Text("超出面积", "Over by"), "number", M2, summed=True)


def _m2(area: ColumnElement[float]) -> ColumnElement[float]:
    """Return an area to the square decimetre and no finer: it is declared so."""
    return cast(func.round(cast(area, Numeric), 2), Float)


def people_over_quota(question: Question, _found: Found) -> Select[Any]:
    """People whose shares of all their offices exceed the standard of their rank."""
    person = over_standard(question).subquery("over")
    return select(
        person.c.id,
        _m2(person.c.total_m2).label("total_m2"),
        person.c.standard_m2,
        _m2(person.c.over_m2).label("over_m2"),
        person.c.rooms,
    )


def rooms_over_quota(question: Question, _found: Found) -> Select[Any]:
    """Offices of people over their standard, with the part of the excess that lies in each."""
    office = offices_of_people(question)
    return (
        select(office.c.room_id.label("id"), _m2(func.sum(office.c.excess)).label("over_m2"))
        .where(office.c.over > 0, office.c.area > 0)
        .group_by(office.c.room_id)
    )


def unplaced_people(question: Question, _found: Found) -> Select[Any]:
    """People in post who hold no room."""
    person = unplaced(question).subquery("unplaced")
    return select(person.c.id)


def vacant_rooms(question: Question, _found: Found) -> Select[Any]:
    """Vacant offices and for how long."""
    return vacant_offices(question)


def leasing_bodies(question: Question, _found: Found) -> Select[Any]:
    """Bodies that lease more than the standards of the people who sit there come to."""
    body = leases(question).subquery("leases")
    return select(
        body.c.id,
        _m2(body.c.leased_m2).label("leased_m2"),
        _m2(body.c.office_m2).label("leased_office_m2"),
        body.c.people,
        body.c.standard_m2,
        _m2(body.c.over_m2).label("over_m2"),
    ).where(body.c.over_m2 > ROUNDING_M2)


def rooms_to_vacate(question: Question, _found: Found) -> Select[Any]:
    """Rooms to be vacated, and how many people still hold them."""
    room = rows(ROOMS, question.actor, question.at)
    people = held(question).people
    return (
        select(room.c.id, func.count(distinct(people.c.person_id)).label("people"))
        .select_from(room)
        .outerjoin(people, people.c.room_id == room.c.id)
        .where(room.c.state == "to_vacate")
        .group_by(room.c.id)
    )


NAMED = (
    NamedFilter(
        name="over_quota_people",
        layer="persons",
        rests=("persons.rank", "occupancies"),
        title=Text("超面积人员", "People over the area standard"),
        description=Text(
            "按份额合计其全部办公室的使用面积，超过其职级在本级单位的面积标准的人员；"
            "面积未知的房间按 0 计，职级未知的人员不核定",
            "People whose shares of the usable area of all their offices add up to more than the "
            "standard of their rank at the tier of their body; a room of unknown area adds "
            "nothing, a person of unknown rank is not judged",
        ),
        unit=PEOPLE,
        tone="bad",
        ask=people_over_quota,
        columns=(
            Column("total_m2", Text("合计面积", "Area held"), "number", M2, summed=True),
            Column("standard_m2", Text("面积标准", "Standard"), "number", M2, summed=True),
            _OVER_M2,
            Column("rooms", Text("办公室", "Offices"), "string"),
        ),
        order="-over_m2",
        citation=AREA_STANDARD,
    ),
    NamedFilter(
        name="over_quota_rooms",
        layer="rooms",
        rests=("persons.rank", "occupancies"),
        title=Text("超面积人员的办公室", "Offices of people over the standard"),
        description=Text(
            "超面积人员的办公室；超出面积按其在各房间的份额分摊",
            "Offices of the people over the standard; what they are over by is shared out over "
            "their rooms",
        ),
        unit=COUNTED_ROOMS,
        tone="bad",
        ask=rooms_over_quota,
        columns=(_OVER_M2,),
        order="-over_m2",
        group="building",
        citation=AREA_STANDARD,
    ),
    NamedFilter(
        name="unplaced_people",
        layer="persons",
        rests=("occupancies",),
        title=Text("未落位人员", "People without a room"),
        description=Text(
            "在职而当日不占用任何房间的人员；退休、离职和借调在外的不计",
            "People in post who hold no room that day; the retired, those who left and those "
            "on secondment do not count",
        ),
        unit=PEOPLE,
        ask=unplaced_people,
        order="number",
        group="body",
    ),
    NamedFilter(
        name="vacant_rooms",
        layer="rooms",
        title=Text("空置办公室", "Vacant offices"),
        description=Text(
            "状态为“空置”的办公室；天数从空置起始日算起",
            "Offices whose state is vacant; days count from the day they fell vacant",
        ),
        unit=COUNTED_ROOMS,
        ask=vacant_rooms,
        columns=(Column("vacant_days", Text("空置天数", "Vacant for"), "integer", "天"),),
        order="-usable_area_m2",
        group="level",
    ),
    NamedFilter(
        name="leasing_bodies",
        layer="bodies",
        rests=("persons.rank", "occupancies", "rooms"),
        title=Text("租房超面积单位", "Bodies that rent beyond the standard"),
        description=Text(
            "单位在租用建筑中的全部房间的使用面积，超过在其中办公的人员的面积标准之和；"
            "有人无法核定的单位不计",
            "Bodies whose rooms in leased buildings, meeting rooms and all, exceed the sum of the "
            "standards of the people who sit in them; a body with a person whose standard is not "
            "known is not judged",
        ),
        unit=Text("个", "bodies"),
        ask=leasing_bodies,
        columns=(
            Column("leased_m2", Text("租用面积", "Leased"), "number", M2, summed=True),
            Column("leased_office_m2", Text("其中办公室", "Offices"), "number", M2, summed=True),
            Column("people", Text("办公人数", "People there"), "integer", "人", summed=True),
            Column("standard_m2", Text("标准合计", "Their standards"), "number", M2, summed=True),
            _OVER_M2,
        ),
        order="-over_m2",
        citation=AREA_STANDARD,
    ),
    NamedFilter(
        name="rooms_to_vacate",
        layer="rooms",
        rests=("occupancies", "persons"),
        title=Text("待腾退房间", "Rooms to be vacated"),
        description=Text(
            "状态为“待腾退”的房间，及当日仍在使用的人数",
            "Rooms whose state is to be vacated, and the people who still hold them",
        ),
        unit=COUNTED_ROOMS,
        ask=rooms_to_vacate,
        columns=(Column("people", Text("在用人数", "People in it"), "integer", "人"),),
        order="-people,number",
        group="building",
    ),
)

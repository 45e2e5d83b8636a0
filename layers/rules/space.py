"""Rules of office space: who is over the standard, who has no place, which body rents too much.

The standard is that of 党政机关办公用房建设标准（发改投资〔2014〕2674号）: usable area a person, by
rank and tier. The table itself is data (layer ``area_standards``); the sum of what one person
holds stands in `layers.measures.quota`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    and_,
    case,
    cast,
    distinct,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.selectable import FromClause

from layers.access import rows
from layers.base import Base
from layers.estate import BUILDINGS
from layers.history import dated
from layers.labels import Text
from layers.measures.base import Question
from layers.measures.quota import offices_of_people, standard_of_people
from layers.measures.space import held, is_office
from layers.people import BODIES, PERSONS
from layers.scope import valid_on
from layers.space import OCCUPANCIES, ROOMS

AREA_STANDARD = Text(
    "党政机关办公用房建设标准（发改投资〔2014〕2674号）",
    "Construction standard for office rooms of Party and government organs "
    "(发改投资〔2014〕2674号)",
)
# Shares are fractions; a square centimetre more or less is their rounding.
ROUNDING_M2 = 1e-4


def m2(area: float) -> str:
    """Write an area as it is declared: one place, and a second where it has one (``26.4``)."""
    return f"{area:.2f}".removesuffix("0")


def plain(standard: float) -> str:
    """Write a standard as the regulation does: whole where it is whole (``12``)."""
    return f"{standard:.2f}".rstrip("0").rstrip(".")


def over_standard(question: Question) -> Select[Any]:
    """Return the people over the standard of their rank: each once, over all their offices.

    ``id``, ``total_m2``, ``standard_m2``, ``over_m2`` and ``rooms`` (their numbers in one text).
    """
    line = offices_of_people(question)
    numbers = func.string_agg(
        distinct(line.c.number), aggregate_order_by(literal("、"), line.c.number)
    )
    return (
        select(
            line.c.person_id.label("id"),
            func.min(line.c.total).label("total_m2"),
            func.min(line.c.standard).label("standard_m2"),
            func.min(line.c.over).label("over_m2"),
            numbers.label("rooms"),
        )
        .where(line.c.over > 0)
        .group_by(line.c.person_id)
    )


def in_post(person: FromClause, question: Question) -> ColumnElement[bool]:
    """Return whether a person works here on the day: not retired, not gone, not lent elsewhere.

    Someone on secondment (借调) sits with the body that borrowed them. Whose state nobody
    recorded is taken to be in post, as in `layers.measures.space.held`.
    """
    return and_(
        or_(person.c.left_on.is_(None), person.c.left_on > question.day),
        or_(person.c.state.is_(None), person.c.state == "active"),
    )


def unplaced(question: Question) -> Select[Any]:
    """Return the people in post who hold no room on the day: ``id`` and ``body_id``."""
    person = rows(PERSONS, question.actor, question.at)
    occupancy = rows(OCCUPANCIES, question.actor, question.at)
    placed = (
        select(occupancy.c.id)
        .where(occupancy.c.person_id == person.c.id, valid_on(occupancy, question.day))
        .exists()
    )
    return select(person.c.id, person.c.body_id).where(in_post(person, question), ~placed)


def vacant_days(room: FromClause, question: Question) -> ColumnElement[int | None]:
    """Return for how many days a room has been vacant; NULL where nobody says since when."""
    day = literal(question.day, Date)
    return case(
        (room.c.vacant_since <= day, cast(day - room.c.vacant_since, Integer)), else_=null()
    )


def vacant_offices(question: Question) -> Select[Any]:
    """Return the offices recorded as vacant: ``id`` and ``vacant_days``."""
    room = rows(ROOMS, question.actor, question.at)
    return select(room.c.id, vacant_days(room, question).label("vacant_days")).where(
        is_office(room), room.c.state == "vacant"
    )


def leased_rooms(question: Question) -> FromClause:
    """Return the rooms of leased buildings: ``id``, ``body_id``, ``area``, ``office_area`` (m²).

    The tenant is the body that the room is recorded to belong to; without one, that of the
    building. A room of neither is nobody's.
    """
    tables = Base.metadata.tables
    building = rows(BUILDINGS, question.actor, question.at)
    room_level = dated(tables["room_level"], question.at).alias()
    level_building = dated(tables["level_building"], question.at).alias()
    housed = (
        select(room_level.c.room_id, func.min(building.c.body_id).label("body_id"))
        .select_from(building)
        .join(level_building, level_building.c.building_id == building.c.id)
        .join(room_level, room_level.c.level_id == level_building.c.level_id)
        .where(building.c.tenure == "leased")
        .group_by(room_level.c.room_id)
        .subquery("leased")
    )
    room = rows(ROOMS, question.actor, question.at)
    return (
        select(
            room.c.id,
            func.coalesce(room.c.body_id, housed.c.body_id).label("body_id"),
            room.c.usable_area_m2.label("area"),
            case((is_office(room), room.c.usable_area_m2), else_=null()).label("office_area"),
        )
        .join(housed, housed.c.room_id == room.c.id)
        .subquery("leased_rooms")
    )


def leases(question: Question) -> Select[Any]:
    """Return what each body leases, against the people who sit in it.

    ``id`` (of the body), ``leased_m2`` (all rooms), ``office_m2`` (offices alone), ``people``,
    ``standard_m2`` and ``over_m2``, which falls below 0 where there is room left. A person counts
    once, whatever else they hold. Where nobody knows someone's standard, both are NULL.
    """
    room = leased_rooms(question)
    people = held(question).people
    ranked = standard_of_people(question)
    sitting = (
        select(room.c.body_id, people.c.person_id)
        .join(people, people.c.room_id == room.c.id)
        .distinct()
        .subquery("sitting")
    )
    known = func.count() == func.count(ranked.c.standard)
    need = (
        select(
            sitting.c.body_id,
            func.count().label("people"),
            case((known, func.sum(ranked.c.standard)), else_=null()).label("standard"),
        )
        .join(ranked, ranked.c.id == sitting.c.person_id)
        .group_by(sitting.c.body_id)
        .subquery("needs")
    )
    # Of another body's rooms an actor sees but those where their own people sit.
    tenant = rows(BODIES, question.actor, question.at)
    area = (
        select(
            tenant.c.id.label("body_id"),
            func.sum(room.c.area).label("area"),
            func.coalesce(func.sum(room.c.office_area), 0.0).label("office_area"),
        )
        .join(room, room.c.body_id == tenant.c.id)
        .group_by(tenant.c.id)
        .subquery("areas")
    )
    standard = case((need.c.people.is_(None), 0.0), else_=need.c.standard)
    return select(
        area.c.body_id.label("id"),
        area.c.area.label("leased_m2"),
        area.c.office_area.label("office_m2"),
        func.coalesce(need.c.people, 0).label("people"),
        standard.label("standard_m2"),
        (area.c.area - standard).label("over_m2"),
    ).outerjoin(need, need.c.body_id == area.c.body_id)

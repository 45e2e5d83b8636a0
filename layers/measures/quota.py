"""超面积: what people hold beyond the legal office area of their rank.

A person's shares of *all* their offices are added up and held against the standard of their rank
at the tier of their body, in the edition valid on the day asked about. The excess is shown in
their rooms, shared out by what they hold in each. Usable area alone counts, never built area.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Float, Select, and_, case, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.access import rows
from layers.labels import Text
from layers.measures.base import Measure, Question, Rows, Values
from layers.measures.space import M2, held, is_office, over_buildings
from layers.people import BODIES, PERSONS
from layers.standards import AREA_STANDARDS

# Areas are declared to the decimetre; less than a square centimetre is a rounding of shares.
_ROUNDING_M2 = 1e-4


def standards_on(question: Question) -> FromClause:
    """Return the area standard of each tier and rank in the newest edition valid on the day."""
    standard = rows(AREA_STANDARDS, question.actor, question.at)
    return (
        select(standard)
        .ext(distinct_on(standard.c.tier, standard.c.rank))
        .where(
            standard.c.valid_from <= question.day,
            or_(standard.c.valid_to.is_(None), standard.c.valid_to > question.day),
        )
        .order_by(
            standard.c.tier, standard.c.rank, standard.c.valid_from.desc(), standard.c.id.desc()
        )
        .subquery("standards")
    )


def standards_of_bodies(question: Question) -> FromClause:
    """Return what a person of each visible body may have, by rank.

    ``body_id``, ``rank``, ``area_m2`` and ``edition``: a few rows a body, against which tens of
    thousands of people are held at once.
    """
    body = rows(BODIES, question.actor, question.at)
    standard = standards_on(question)
    return (
        select(
            body.c.id.label("body_id"),
            standard.c.rank,
            standard.c.area_m2,
            standard.c.edition,
        )
        .join(standard, standard.c.tier == body.c.tier)
        .subquery("standards_of_bodies")
    )


def standard_of_people(question: Question) -> FromClause:
    """Return each visible person with the standard that they are held against.

    ``id``, ``rank``, ``tier`` and, from the edition valid on the day, ``standard`` (m²) and
    ``edition``: NULL for someone without a rank, or of a rank that the standards of the tier do
    not know.
    """
    person = rows(PERSONS, question.actor, question.at)
    body = rows(BODIES, question.actor, question.at)
    standard = standards_of_bodies(question)
    return (
        select(
            person.c.id,
            person.c.rank,
            body.c.tier,
            standard.c.area_m2.label("standard"),
            standard.c.edition,
        )
        .select_from(person)
        .outerjoin(body, body.c.id == person.c.body_id)
        .outerjoin(standard, _held_against(standard, person))
        .subquery("ranked")
    )


def _held_against(standard: FromClause, person: FromClause) -> ColumnElement[bool]:
    return and_(standard.c.body_id == person.c.body_id, standard.c.rank == person.c.rank)


def offices_of_people(question: Question, among: Select[Any] | None = None) -> FromClause:
    """Return each office that someone holds, with what the holder has in all their offices.

    ``person_id``, ``room_id``, ``number``, ``share``, ``area`` (their share of it, m²), ``total``
    (m², of all their offices whose area is known), ``standard``, ``over`` (m² beyond the standard,
    0 within it, NULL where they are not judged) and ``excess``: what of that lies in this room, by
    what they hold there. Where the area of one of a person's
    rooms is not known, what is known is still held against the standard: the person is over by at
    least that. `among` are the ids of the only people to be asked about.
    """
    found = held(question)
    people, room = found.people, found.rooms
    standard = standards_of_bodies(question)
    query = select(
        people.c.person_id, people.c.room_id, people.c.share, standard.c.area_m2.label("standard")
    ).outerjoin(standard, _held_against(standard, people))
    if among is not None:
        query = query.where(people.c.person_id.in_(among))
    # Joined before the rooms: what a scope may see of these makes every plan look equally dear,
    # and the standards would be looked up afresh for each person.
    holding = query.cte().prefix_with("MATERIALIZED", dialect="postgresql")
    area = holding.c.share * room.c.usable_area_m2
    line = (
        select(
            holding.c.person_id,
            holding.c.room_id,
            room.c.number,
            holding.c.share,
            area.label("area"),
            func.sum(area).over(partition_by=holding.c.person_id).label("total"),
            holding.c.standard,
        )
        .join(room, room.c.id == holding.c.room_id)
        .where(is_office(room))
        .subquery("lines")
    )
    beyond = line.c.total - line.c.standard
    over = case((beyond > _ROUNDING_M2, beyond), (beyond.is_not(None), 0.0), else_=None)
    excess = func.coalesce(over * line.c.area / func.nullif(line.c.total, 0), over)
    return select(line, over.label("over"), excess.label("excess")).subquery("offices_held")


def excess_by_room(question: Question) -> FromClause:
    """Return each office that people hold: ``excess`` (m²), ``judged`` and ``people``."""
    line = offices_of_people(question)
    judged = and_(line.c.area.is_not(None), line.c.standard.is_not(None))
    return (
        select(
            line.c.room_id.label("id"),
            func.sum(line.c.excess).filter(judged).label("excess"),
            func.count().filter(judged).label("judged"),
            func.count().label("people"),
        )
        .group_by(line.c.room_id)
        .subquery("excess")
    )


def _editions(question: Question) -> Select[Any]:
    standard = standards_on(question)
    return select(
        standard.c.edition,
        standard.c.citation,
        standard.c.valid_from,
        standard.c.valid_to,
        standard.c.tier,
        standard.c.rank,
        standard.c.area_m2,
    ).order_by(standard.c.edition, standard.c.tier, standard.c.area_m2.desc(), standard.c.rank)


_ONE: ColumnElement[float] = literal_column("1.0::float8")


def over_quota_of_rooms(question: Question) -> Mapping[str, Select[Any]]:
    """Square metres over the standard in each office that people hold."""
    room = excess_by_room(question)
    query = select(
        room.c.id,
        room.c.excess.label("numerator"),
        _ONE.label("denominator"),
        (cast(room.c.judged, Float) / room.c.people).label("coverage"),
    )
    return {"values": query.order_by(room.c.id), "editions": _editions(question)}


def over_quota_of_buildings(question: Question) -> Mapping[str, Select[Any]]:
    """The sum of the square metres over the standard in the offices of each building."""
    room = excess_by_room(question)
    query = over_buildings(
        question,
        room,
        func.sum(room.c.excess).label("numerator"),
        _ONE.label("denominator"),
        (cast(func.sum(room.c.judged), Float) / cast(func.sum(room.c.people), Float)).label(
            "coverage"
        ),
    )
    return {"values": query.order_by(literal_column("1")), "editions": _editions(question)}


def read(_question: Question, found: Mapping[str, Rows]) -> Values:
    """Read the excess of each thing, and the editions it was held against."""
    values = Values()
    for row in found["values"]:
        values.add(row["id"], row["numerator"], row["denominator"], row["coverage"])
    editions: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in found["editions"]:
        key = (row["edition"], row["citation"], row["valid_from"], row["valid_to"])
        edition = editions.setdefault(
            key,
            {
                "layer": "area_standards",
                "edition": row["edition"],
                "citation": row["citation"],
                "valid_from": row["valid_from"],
                "valid_to": row["valid_to"],
                "unit": "m²",
                "values": [],
            },
        )
        edition["values"].append(
            {"tier": row["tier"], "rank": row["rank"], "value": row["area_m2"]}
        )
    values.editions = list(editions.values())
    return values


_TITLE = Text("超面积", "Area over the standard")
_DESCRIPTION = Text(
    "使用人全部办公室的使用面积份额之和超过其职级面积标准的部分，按份额归到各房间",
    "What people hold in all their offices beyond the standard of their rank, "
    "shown in their rooms by share",
)
_CITATION = Text(
    "党政机关办公用房建设标准（发改投资〔2014〕2674号）；所用版本见 editions",
    "Construction standard for office rooms of Party and government organs "
    "(发改投资〔2014〕2674号); the editions used are in the answer",
)

MEASURES = (
    Measure(
        name="over_quota",
        layer="rooms",
        rests=("persons.rank", "occupancies"),
        title=_TITLE,
        description=_DESCRIPTION,
        unit=M2,
        kind="sequential",
        direction="high_is_bad",
        ask=over_quota_of_rooms,
        read=read,
        citation=_CITATION,
    ),
    Measure(
        name="building_over_quota",
        layer="buildings",
        rests=("persons.rank", "occupancies"),
        title=_TITLE,
        description=_DESCRIPTION,
        unit=M2,
        kind="sequential",
        direction="high_is_bad",
        ask=over_quota_of_buildings,
        read=read,
        citation=_CITATION,
    ),
)

"""What the rules of office space say of a person and of a room: the standard, and vacancy.

Kept by `layers.measures.quota`: a person is judged on all their offices together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select

from layers.access import rows
from layers.insights.base import Found, Insight, Line, Told
from layers.labels import CHOICES, Text
from layers.measures.base import Question
from layers.measures.quota import offices_of_people, standard_of_people
from layers.measures.space import held, is_office
from layers.people import PERSONS
from layers.places import name_of
from layers.rules.space import (
    AREA_STANDARD,
    ROUNDING_M2,
    m2,
    plain,
    unplaced,
    vacant_days,
)
from layers.space import ROOMS

M2 = "m²"
_NOBODY_KNOWS = Text("未记录", "not recorded")
_TOTAL = Text("合计面积", "area held in all")
_STANDARD = Text("面积标准", "standard")
_OVER = Text("超出", "over by")
_LEFT = Text("余量", "left")


def _label(choices: str, code: str | None) -> Text:
    return CHOICES[choices].get(code or "", Text(code or "", code or ""))


def _known(area: float | None) -> float | None:
    return None if area is None else round(area, 2)


def _difference(area: float, standard: float) -> Line:
    over = area - standard
    if over > ROUNDING_M2:
        return Line("over_m2", _OVER, round(over, 2), M2)
    return Line("left_m2", _LEFT, round(max(-over, 0.0), 2), M2)


# -- a person ----------------------------------------------------------------------------------


def _person_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    person = rows(PERSONS, question.actor, question.at)
    ranked = standard_of_people(question)
    office = offices_of_people(question, select(person.c.id).where(person.c.id == key))
    without = unplaced(question).subquery("unplaced")
    return {
        "person": select(ranked).where(ranked.c.id == key),
        "offices": select(office).order_by(office.c.number, office.c.room_id),
        "unplaced": select(without.c.id).where(without.c.id == key),
    }


def _person(_question: Question, _key: int, found: Found) -> Told | None:
    offices = found["offices"]
    for person in found["person"]:
        lines = _standard_lines(person)
        if offices:
            return _judged(person, offices, lines)
        if found["unplaced"]:
            said = Text("在职，未占用任何房间", "In post and without a room")
            return Told("attention", said, lines)
    return None


def _judged(
    person: Mapping[str, Any], offices: Sequence[Mapping[str, Any]], lines: list[Line]
) -> Told:
    total, standard = offices[0]["total"], person["standard"]
    unknown = [office["number"] or "?" for office in offices if office["area"] is None]
    lines = [Line("total_m2", _TOTAL, _known(total), M2), *lines]
    if total is not None and standard is not None:
        lines.append(_difference(total, standard))
    lines += [_office(office) for office in offices]
    if standard is None:
        why = _no_standard(person)
        return Told("neutral", Text(f"无法核定：{why.zh}", f"Cannot be judged: {why.en}"), lines)
    rank = _label("rank", person["rank"])
    if offices[0]["over"]:
        at_least = Text("至少 ", "at least ") if unknown else Text("", "")
        over = m2(total - standard)
        said = Text(
            f"合计 {at_least.zh}{m2(total)} m²，超出{rank.zh}标准 {plain(standard)} m² "
            f"共 {at_least.zh}{over} m²",
            f"{at_least.en}{m2(total)} m² in all, {at_least.en}{over} m² over the standard of "
            f"{plain(standard)} m² for the rank {rank.en}",
        )
        return Told("bad", said, lines)
    if unknown:
        rooms = "、".join(unknown)
        said = Text(
            f"无法核定：{rooms} 的使用面积未记录",
            f"Cannot be judged: the usable area of {rooms} is not recorded",
        )
        return Told("neutral", said, lines)
    said = Text(
        f"{m2(total)} m² ≤ {plain(standard)} m²，符合标准",
        f"{m2(total)} m² ≤ {plain(standard)} m², within the standard",
    )
    return Told("ok", said, lines)


def _standard_lines(person: Mapping[str, Any]) -> list[Line]:
    tier, rank = _label("tier", person["tier"]), _label("rank", person["rank"])
    of = Text(f"面积标准（{tier.zh} {rank.zh}）", f"standard ({tier.en}, {rank.en})")
    if person["standard"] is None:
        return [Line("standard_m2", _STANDARD, None, M2)]
    return [
        Line("standard_m2", of, person["standard"], M2),
        Line("edition", Text("标准版本", "edition"), person["edition"]),
    ]


def _no_standard(person: Mapping[str, Any]) -> Text:
    if person["rank"] is None:
        return Text("职级未记录", "the rank is not recorded")
    if person["tier"] is None:
        return Text("单位的层级未记录", "the tier of the body is not recorded")
    tier, rank = _label("tier", person["tier"]), _label("rank", person["rank"])
    return Text(
        f"当日有效的{tier.zh}标准没有“{rank.zh}”",
        f"no standard valid that day for the rank {rank.en} at the tier {tier.en}",
    )


def _office(office: Mapping[str, Any]) -> Line:
    number = office["number"] or ""
    part = "" if office["share"] >= 1 else f"{office['share']:.0%}"
    title = Text(
        f"办公室 {number}" + (f"（占 {part}）" if part else ""),
        f"office {number}" + (f" (share {part})" if part else ""),
    )
    return Line("room", title, _known(office["area"]), M2, (ROOMS.name, office["room_id"]))


# -- a room ------------------------------------------------------------------------------------


def _room_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    room = rows(ROOMS, question.actor, question.at)
    person = rows(PERSONS, question.actor, question.at)
    people = held(question).people
    # All offices of the people who sit here, wherever these are.
    office = offices_of_people(question, select(people.c.person_id).where(people.c.room_id == key))
    return {
        "room": select(room.c.usable_area_m2).where(room.c.id == key),
        "offices": select(office, name_of(PERSONS, person).label("name"), person.c.rank)
        .join(person, person.c.id == office.c.person_id)
        .order_by(person.c.name, person.c.id, office.c.number),
    }


def _room(_question: Question, key: int, found: Found) -> Told | None:
    here = [office for office in found["offices"] if office["room_id"] == key]
    people = {office["person_id"]: office for office in here}
    if not people:
        return None
    several = [
        _on_all(who, [o for o in found["offices"] if o["person_id"] == person])
        for person, who in people.items()
    ]
    (room,) = found["room"]
    usable = room["usable_area_m2"]
    # What nobody holds (or nobody the actor sees) is not held against those who sit here.
    area = None if usable is None else min(usable, sum(office["area"] for office in here))
    known = [who["standard"] for who in people.values() if who["standard"] is not None]
    standard = sum(known) if len(known) == len(people) else None
    lines = [
        Line("area_m2", Text("使用面积", "usable area"), _known(area), M2),
        Line("standard_m2", Text("使用人标准合计", "standards of who sits here"), standard, M2),
    ]
    if area is not None and standard is not None:
        lines.append(_difference(area, standard))
    lines += [_sitting(who) for who in people.values()]
    lines += [line for line in several if line is not None]
    if area is None or standard is None:
        missing = (
            Text("使用面积未记录", "the usable area is not recorded")
            if area is None
            else Text("有使用人没有面积标准", "someone here has no standard")
        )
        said = Text(f"无法核定：{missing.zh}", f"Cannot be judged: {missing.en}")
        return Told("neutral", said, lines)
    return _compared(area, standard, list(people.values()), lines)


def _compared(
    area: float, standard: float, people: Sequence[Mapping[str, Any]], lines: list[Line]
) -> Told:
    count = len(people)
    of = (
        Text(f"{count} 人标准之和", f"the standards of {count} people")
        if count > 1
        else Text(
            f"{_label('rank', people[0]['rank']).zh}标准",
            f"the standard of the rank {_label('rank', people[0]['rank']).en}",
        )
    )
    if area - standard > ROUNDING_M2:
        over = m2(area - standard)
        said = Text(
            f"{m2(area)} m²，超出{of.zh} {plain(standard)} m² 共 {over} m²",
            f"{m2(area)} m², {over} m² over {of.en}, {plain(standard)} m²",
        )
        return Told("bad", said, lines)
    said = Text(
        f"{m2(area)} m² ≤ {of.zh} {plain(standard)} m²，符合标准",
        f"{m2(area)} m² ≤ {plain(standard)} m², {of.en}: within the standard",
    )
    over_elsewhere = [who["name"] or "?" for who in people if who["over"]]
    if not over_elsewhere:
        return Told("ok", said, lines)
    names = "、".join(over_elsewhere)
    said = Text(
        f"{m2(area)} m² ≤ {of.zh} {plain(standard)} m²；但 {names} 按个人全部办公室合计超面积",
        f"{m2(area)} m² ≤ {plain(standard)} m², {of.en}; but {names}, over all of their offices, "
        "exceed their own",
    )
    return Told("attention", said, lines)


def _sitting(who: Mapping[str, Any]) -> Line:
    rank = _label("rank", who["rank"]) if who["rank"] else _NOBODY_KNOWS
    name = who["name"] or ""
    title = Text(f"{name}（{rank.zh}）的标准", f"standard of {name} ({rank.en})")
    return Line("person", title, who["standard"], M2, (PERSONS.name, who["person_id"]))


def _on_all(who: Mapping[str, Any], offices: Sequence[Mapping[str, Any]]) -> Line | None:
    """Say that a person is judged on all their offices, where they have more than this one."""
    rooms = {office["room_id"] for office in offices}
    if len(rooms) < 2:
        return None
    name = who["name"] or ""
    title = Text(
        f"{name} 按全部办公室（{len(rooms)} 间）核定，合计",
        f"{name} is judged on all offices ({len(rooms)}), in all",
    )
    return Line("all_offices", title, _known(who["total"]), M2, (PERSONS.name, who["person_id"]))


# -- vacancy -----------------------------------------------------------------------------------


def _vacancy_parts(question: Question, key: int) -> Mapping[str, Select[Any]]:
    room = rows(ROOMS, question.actor, question.at)
    return {
        "vacant": select(
            room.c.vacant_since,
            vacant_days(room, question).label("days"),
            room.c.usable_area_m2,
            room.c.capacity,
        ).where(room.c.id == key, is_office(room), room.c.state == "vacant")
    }


def _vacancy(_question: Question, _key: int, found: Found) -> Told | None:
    for row in found["vacant"]:
        since, days = row["vacant_since"], row["days"]
        lines = [
            Line("vacant_since", Text("空置起始", "vacant since"), since),
            Line("vacant_days", Text("空置天数", "vacant for"), days, "天"),
            Line("area_m2", Text("使用面积", "usable area"), _known(row["usable_area_m2"]), M2),
            Line("capacity", Text("可容纳人数", "capacity"), row["capacity"], "人"),
        ]
        said = Text("空置，起始日未记录", "Vacant; nobody recorded since when")
        if days is not None:
            said = Text(
                f"自 {since} 起空置，已 {days} 天", f"Vacant since {since}, for {days} days"
            )
        return Told("attention", said, lines)
    return None


INSIGHTS = (
    Insight(
        name="area_standard",
        layer=PERSONS.name,
        rests=("persons.rank", "occupancies"),
        title=Text("面积核定", "Area standard"),
        ask=_person_parts,
        read=_person,
        citation=AREA_STANDARD,
    ),
    Insight(
        name="area_standard",
        layer=ROOMS.name,
        rests=("persons.rank", "occupancies"),
        title=Text("面积核定", "Area standard"),
        ask=_room_parts,
        read=_room,
        citation=AREA_STANDARD,
    ),
    Insight(
        name="vacancy",
        layer=ROOMS.name,
        title=Text("空置", "Vacancy"),
        ask=_vacancy_parts,
        read=_vacancy,
    ),
)

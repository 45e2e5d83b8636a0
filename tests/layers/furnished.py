"""The small estate with what the questions of office space ask about, all stated here.

Body 017 rents in B57: an office of 30.0 m² with two staff (9 m² each) and a meeting room of
12.0 m²: 42.0 m² against 18. Body 012 rents 10.0 m² there for one deputy section chief (12 m²).
The two staff share 30.0 m², so each of them is over by 6.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine

from layers import estate, people, space
from tests.layers.support import put
from tests.support import small_estate

RENTED = (
    # key, use, usable m², owner, people (name, rank)
    ("B57-101", "office", 30.0, "017", (("冯甲", "staff"), ("冯乙", "staff"))),
    ("B57-102", "meeting", 12.0, "017", ()),
    ("B57-103", "office", 10.0, "012", (("陈丙", "section_deputy"),)),
)
# name, body, state, the day they left, the rooms they hold and until when
OTHERS = (
    ("未落位", "012", "active", None, ()),
    ("状态未知", "017", None, None, ()),
    ("曾落位", "012", "active", None, (("B03-411", date(2026, 10, 1)),)),
    ("借调在外", "012", "seconded", None, ()),
    ("退休", "012", "retired", date(2026, 8, 31), ()),
    ("明日离岗", "017", "active", date(2026, 10, 13), ()),
    ("今日离岗", "017", "active", date(2026, 10, 12), ()),
)


def furnish(engine: Engine) -> small_estate.Estate:
    """Write the small estate and the rest into a fresh database; return the ids by their keys."""
    made = small_estate.fill(engine)
    with engine.begin() as connection:
        _rent(connection, made)
        for name, body, state, left_on, rooms in OTHERS:
            person = _person(connection, made, name, "staff", body, state=state, left_on=left_on)
            for room, until in rooms:
                _place(connection, made, person, room, 1.0, valid_to=until)
        _room(connection, made, "B03-199", "office", 14.0, "012", "B03-0", state="to_vacate")
        put(
            connection,
            space.RoomLevel,
            room_id=made["rooms", "B03-199"],
            # It lies on two levels and is one room all the same.
            level_id=made["levels", "B03-1"],
        )
        mover = _person(connection, made, "待搬", "county_chief", "012")
        _place(connection, made, mover, "B03-199", 1.0)
    return made


def _rent(connection: Connection, made: small_estate.Estate) -> None:
    level = put(connection, estate.Level, name="B57-0", ordinal=0, geom=small_estate.square(12, 0))
    made.ids["levels", "B57-0"] = level
    put(
        connection,
        estate.LevelBuilding,
        level_id=level,
        building_id=made["buildings", "B57"],
    )
    for key, use, area, body, sitting in RENTED:
        _room(connection, made, key, use, area, body, "B57-0")
        for name, rank in sitting:
            person = _person(connection, made, name, rank, body)
            _place(connection, made, person, key, 1 / len(sitting))


def _room(
    connection: Connection,
    made: small_estate.Estate,
    key: str,
    use: str,
    area: float,
    body: str,
    level: str,
    state: str = "in_use",
) -> None:
    made.ids["rooms", key] = put(
        connection,
        space.Room,
        name=key,
        number=key,
        use=use,
        state=state,
        usable_area_m2=area,
        body_id=made["bodies", body],
        geom=small_estate.square(20, 20),
    )
    put(
        connection,
        space.RoomLevel,
        room_id=made["rooms", key],
        level_id=made["levels", level],
    )


def _person(
    connection: Connection,
    made: small_estate.Estate,
    name: str,
    rank: str | None,
    body: str,
    **values: Any,
) -> int:
    values = {"state": "active"} | values
    person = put(
        connection, people.Person, name=name, rank=rank, body_id=made["bodies", body], **values
    )
    made.ids["persons", name] = person
    return person


def _place(
    connection: Connection,
    made: small_estate.Estate,
    person: int,
    room: str,
    share: float,
    **values: Any,
) -> None:
    put(
        connection,
        space.Occupancy,
        source_key=f"{person}-{room}",
        room_id=made["rooms", room],
        person_id=person,
        share=share,
        **values,
    )

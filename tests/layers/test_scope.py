"""What opens a room, a trip, a link or a door: the facts of the day, not copies of old ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from layers.access import ESTATE, EVERYONE, Actor, rows
from layers.base import table_of
from layers.estate import Building, Level, LevelBuilding
from layers.fleet import Stop, Trip, Vehicle
from layers.network import Duct, NetworkLink, NetworkNode
from layers.people import Person
from layers.policy import all_business
from layers.space import Occupancy, Opening, Room, RoomLevel
from tests.layers.support import SQUARE, body, put

MORNING = datetime(2026, 10, 12, 9, tzinfo=UTC)
LINE = "SRID=4326;LINESTRING(119.6 38.9,119.601 38.901)"
LINE_M = "SRID=4326;LINESTRINGM(119.6 38.9 0,119.601 38.901 60)"
POINT = "SRID=4326;POINT(119.6 38.9)"


@pytest.fixture
def estate(database):
    """Audit owns the building; education and culture come and go."""
    with database.engine.begin() as c:
        made = {name: body(c, name) for name in ("audit", "education", "culture")}
        building = put(c, Building, name="1号楼", body_id=made["audit"], geom=SQUARE)
        level = put(c, Level, name="1F", ordinal=0, body_id=made["audit"], geom=SQUARE)
        put(c, LevelBuilding, level_id=level, building_id=building)
        rooms = {}
        for number in ("101", "102"):
            rooms[number] = put(
                c, Room, number=number, source_key=number, body_id=made["audit"], geom=SQUARE
            )
            put(c, RoomLevel, room_id=rooms[number], level_id=level)
    actors = {name: Actor(name, all_business((key,))) for name, key in made.items()}
    return {"engine": database.engine, "bodies": made, "level": level, "rooms": rooms} | actors


def seen(estate, model, who, at=None):
    source = rows(model, estate[who] if isinstance(who, str) else who, at)
    with estate["engine"].connect() as connection:
        return set(connection.execute(sa.select(source.c.id)).scalars())


def add(estate, model, **values):
    with estate["engine"].begin() as connection:
        return put(connection, model, **values)


def set_clock(estate, moment):
    """Let the service's clock show `moment`, as the demo estate's does."""
    with estate["engine"].begin() as c:
        c.execute(
            sa.text(
                "INSERT INTO meta (key, value) VALUES ('clock_offset_s', "
                "to_jsonb(extract(epoch FROM CAST(:now AS timestamptz) - clock_timestamp()))) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
            ),
            {"now": moment},
        )


def test_a_room_is_open_while_the_occupancy_holds_and_not_on_the_day_it_ends(estate):
    add(
        estate,
        Occupancy,
        source_key="o",
        room_id=estate["rooms"]["101"],
        body_id=estate["bodies"]["education"],
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 7, 1),
    )
    # 1 July begins in China at 16:00 UTC of 30 June.
    for moment, opened in (
        (datetime(2025, 12, 31, 15, 59, tzinfo=UTC), False),
        (datetime(2025, 12, 31, 16, 1, tzinfo=UTC), True),
        (datetime(2026, 6, 30, 15, 59, tzinfo=UTC), True),
        (datetime(2026, 6, 30, 16, 1, tzinfo=UTC), False),
    ):
        set_clock(estate, moment)
        assert (estate["rooms"]["101"] in seen(estate, Room, "education")) is opened, moment
        assert bool(seen(estate, Building, "education")) is opened, moment


def test_at_a_moment_of_record_its_own_day_counts(estate):
    set_clock(estate, MORNING)
    add(
        estate,
        Occupancy,
        source_key="o",
        room_id=estate["rooms"]["101"],
        body_id=estate["bodies"]["education"],
        valid_to=date(2026, 10, 14),
    )
    set_clock(estate, MORNING + timedelta(days=5))
    assert seen(estate, Room, "education") == set()
    at = MORNING + timedelta(days=1)
    assert seen(estate, Room, "education", at) == {estate["rooms"]["101"]}
    assert seen(estate, Room, "education", MORNING + timedelta(days=3)) == set()


def test_a_person_who_changes_body_takes_the_room_along(estate):
    education, culture = estate["bodies"]["education"], estate["bodies"]["culture"]
    person = add(estate, Person, name="甲", body_id=education)
    occupancy = add(
        estate,
        Occupancy,
        source_key="o",
        room_id=estate["rooms"]["101"],
        person_id=person,
        body_id=education,
    )
    assert seen(estate, Occupancy, "education") == {occupancy}
    with estate["engine"].begin() as c:
        people = table_of(Person)
        c.execute(sa.update(people).where(people.c.id == person).values(body_id=culture))
    assert seen(estate, Occupancy, "education") == seen(estate, Room, "education") == set()
    assert seen(estate, Occupancy, "culture") == {occupancy}
    assert seen(estate, Room, "culture") == {estate["rooms"]["101"]}


def test_an_occupancy_of_somebodys_person_is_not_public_for_want_of_a_body(estate):
    person = add(estate, Person, name="甲", body_id=estate["bodies"]["education"])
    add(estate, Occupancy, source_key="o", room_id=estate["rooms"]["101"], person_id=person)
    assert seen(estate, Occupancy, EVERYONE) == set()


def test_trips_and_stops_go_with_the_vehicle_to_its_new_body(estate):
    education, culture = estate["bodies"]["education"], estate["bodies"]["culture"]
    vehicle = add(estate, Vehicle, name="轿车", body_id=education, geom=POINT)
    times = {"started_at": MORNING, "ended_at": MORNING + timedelta(minutes=1)}
    trip = add(estate, Trip, source_key="t", vehicle_id=vehicle, body_id=education, geom=LINE_M,
               length_km=1, moving_s=60, fixes=2, **times)  # fmt: skip
    stop = add(estate, Stop, source_key="s", vehicle_id=vehicle, body_id=education, geom=POINT,
               duration_s=60, **times)  # fmt: skip
    for model, key in ((Trip, trip), (Stop, stop)):
        assert seen(estate, model, "education") == {key}
    with estate["engine"].begin() as c:
        vehicles = table_of(Vehicle)
        c.execute(sa.update(vehicles).where(vehicles.c.id == vehicle).values(body_id=culture))
    for model, key in ((Trip, trip), (Stop, stop)):
        assert seen(estate, model, "education") == seen(estate, model, EVERYONE) == set()
        assert seen(estate, model, "culture") == {key}


def test_a_link_is_seen_between_two_nodes_that_are_seen(estate):
    education, audit = estate["bodies"]["education"], estate["bodies"]["audit"]
    mine = [add(estate, NetworkNode, name=f"m{n}", body_id=education, geom=POINT) for n in (1, 2)]
    theirs = add(estate, NetworkNode, name="t", body_id=audit, geom=POINT)
    inside = add(estate, NetworkLink, name="a", a_node_id=mine[0], b_node_id=mine[1], geom=LINE)
    across = add(estate, NetworkLink, name="b", a_node_id=mine[0], b_node_id=theirs, geom=LINE)
    foreign = add(estate, NetworkLink, name="c", a_node_id=mine[0], b_node_id=mine[1], geom=LINE,
                  body_id=audit)  # fmt: skip
    assert seen(estate, NetworkLink, "education") == {inside}
    assert seen(estate, NetworkLink, EVERYONE) == seen(estate, NetworkLink, "audit") == set()
    assert seen(estate, NetworkLink, ESTATE) == {inside, across, foreign}


def test_a_duct_is_seen_by_its_owner_and_by_all_where_it_is_public(estate):
    owned = add(estate, Duct, name="a", body_id=estate["bodies"]["audit"], geom=LINE)
    public = add(estate, Duct, name="b", geom=LINE)
    assert seen(estate, Duct, "audit") == {owned, public}
    assert seen(estate, Duct, "education") == seen(estate, Duct, EVERYONE) == {public}


def test_a_door_is_seen_with_its_level(estate):
    door = add(estate, Opening, name="a", level_id=estate["level"], geom=LINE)
    loose = add(estate, Opening, name="b", geom=LINE)
    owned = add(estate, Opening, name="c", body_id=estate["bodies"]["audit"], geom=LINE)
    assert seen(estate, Opening, EVERYONE) == {loose}
    assert seen(estate, Opening, "education") == {loose}
    assert seen(estate, Opening, "audit") == {door, loose, owned}
    add(
        estate,
        Occupancy,
        source_key="o",
        room_id=estate["rooms"]["101"],
        body_id=estate["bodies"]["education"],
    )
    assert seen(estate, Opening, "education") == {door, loose}

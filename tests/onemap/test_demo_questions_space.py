"""The questions of office space find the stories planted in the demo, and nothing else."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from layers.access import ESTATE, Actor
from layers.estate import Level
from layers.insights import INSIGHTS, Told
from layers.measures.base import Question
from layers.named import named
from layers.people import Body, Person
from layers.policy import all_business
from layers.space import Room, RoomLevel
from onemap.clock import DEMO_START
from onemap.demo.stories import stories

pytestmark = pytest.mark.slow
ZONE = ZoneInfo("Asia/Shanghai")
TOLD = stories()


@pytest.fixture(scope="module")
def link(demo):
    with demo.database.engine.connect() as connection:
        yield connection


def ask(link: sa.Connection, name: str, actor: Actor = ESTATE) -> dict[int, dict[str, Any]]:
    question = Question(actor, None, DEMO_START, ZONE)
    found = link.execute(named(name).ask(question, {})).mappings().all()
    assert len({row["id"] for row in found}) == len(found)
    return {row["id"]: dict(row) for row in found}


def names(link: sa.Connection, column: Any, ids: Any) -> dict[int, str]:
    key = column.class_.id
    found = link.execute(sa.select(key, column).where(key.in_(list(ids))))
    return {row[0]: row[1] for row in found}


def test_just_two_people_are_over_the_standard(link):
    found = ask(link, "over_quota_people")
    people = names(link, Person.name, found)
    alone, two = TOLD["over_quota"], TOLD["looks"]["two_rooms"]
    told = {people[key]: row for key, row in found.items()}
    assert set(told) == {alone["person"], two["person"]}
    assert told[alone["person"]]["total_m2"] == alone["area_m2"]
    assert told[alone["person"]]["standard_m2"] == alone["limit_m2"]
    assert told[alone["person"]]["over_m2"] == alone["over_m2"]
    assert told[alone["person"]]["rooms"] == alone["room"]
    assert told[two["person"]]["total_m2"] == two["total_m2"]
    assert told[two["person"]]["standard_m2"] == two["limit_m2"]
    assert told[two["person"]]["over_m2"] == pytest.approx(two["total_m2"] - two["limit_m2"])
    assert told[two["person"]]["rooms"] == "、".join(two["rooms"])
    rooms = ask(link, "over_quota_rooms")
    numbers = set(names(link, Room.number, rooms).values())
    assert numbers == {alone["room"], *two["rooms"]}


def test_seven_people_in_post_are_not_placed(link):
    found = ask(link, "unplaced_people")
    assert len(found) == TOLD["renting"]["unplaced_people"]
    assert set(names(link, Person.state, found).values()) == {"active"}


def test_the_vacant_storey_is_among_the_vacant_offices(link):
    found = ask(link, "vacant_rooms")
    story = TOLD["renting"]["vacant_level"]
    # The story's rooms have their building and storey in their number.
    prefix = f"{story['building']}-{story['floor']}"
    there = [
        row
        for row in link.execute(
            sa.select(Room.id, Room.number, Room.usable_area_m2, Room.vacant_since)
        ).mappings()
        if row["id"] in found and row["number"].startswith(prefix)
    ]
    assert len(there) == story["offices"]
    assert sum(row["usable_area_m2"] for row in there) == pytest.approx(story["area_m2"])
    assert {row["vacant_since"] for row in there} == {story["since"]}
    days = (DEMO_START.astimezone(ZONE).date() - story["since"]).days
    assert {found[row["id"]]["vacant_days"] for row in there} == {days}


def test_body_017_rents_beyond_the_standard_of_its_people(link):
    ((key, row),) = ask(link, "leasing_bodies").items()
    story = TOLD["renting"]["lease"]
    assert names(link, Body.code, [key]) == {key: story["body"]}
    assert row["leased_m2"] == pytest.approx(story["area_m2"])
    assert row["people"] == story["people"]
    assert row["standard_m2"] == story["standard_m2"]
    assert row["over_m2"] == pytest.approx(story["area_m2"] - story["standard_m2"])


def test_the_rooms_to_vacate_are_those_of_the_rooms_file(link, first):
    sheet = first.sheet("房间与占用")
    told = set(sheet.loc[sheet["状态"] == "待腾退", "房间号"])
    found = set(names(link, Room.number, ask(link, "rooms_to_vacate")).values())
    assert found == told
    vacant = set(names(link, Room.number, ask(link, "vacant_rooms")).values())
    office = sheet["用途"] == "办公室"
    assert vacant == set(sheet.loc[office & (sheet["状态"] == "空置"), "房间号"])


def test_a_body_is_told_of_its_own_alone(link):
    key = link.scalar(sa.select(Body.id).where(Body.code == TOLD["renting"]["lease"]["body"]))
    own = Actor("017", all_business((key,)))
    assert set(ask(link, "leasing_bodies", own)) == {key}
    assert ask(link, "over_quota_people", own) == {}
    assert ask(link, "unplaced_people", own) == {}
    # Vacant offices belong to nobody, so that every body sees what it could move into.
    assert set(ask(link, "vacant_rooms", own)) == set(ask(link, "vacant_rooms"))


def insight(link: sa.Connection, column: Any, wanted: str, name: str) -> Told:
    """Return what is told of the one thing whose column holds `wanted`."""
    layer = {Person: "persons", Room: "rooms", Level: "levels", Body: "bodies"}[column.class_]
    key = link.scalars(sa.select(column.class_.id).where(column == wanted)).one()
    (each,) = [each for each in INSIGHTS if (each.layer, each.name) == (layer, name)]
    question = Question(ESTATE, None, DEMO_START, ZONE)
    found = {
        part: link.execute(statement).mappings().all()
        for part, statement in each.ask(question, key).items()
    }
    said = each.read(question, key, found)
    assert said is not None
    return said


def values(said: Told) -> dict[str, Any]:
    return {line.name: line.value for line in said.lines}


def test_the_standard_is_told_of_the_people_and_rooms_of_the_stories(link):
    looks, alone = TOLD["looks"], TOLD["over_quota"]
    chief, two, three = looks["chief"], looks["two_rooms"], looks["three"]
    said = insight(link, Person.name, alone["person"], "area_standard")
    assert said.status == "bad"
    assert values(said)["over_m2"] == alone["over_m2"]
    said = insight(link, Room.number, alone["room"], "area_standard")
    assert (said.status, values(said)["over_m2"]) == ("bad", alone["over_m2"])
    said = insight(link, Person.name, chief["person"], "area_standard")
    assert (said.status, values(said)["standard_m2"]) == ("ok", chief["limit_m2"])
    said = insight(link, Room.number, three["room"], "area_standard")
    assert (said.status, values(said)["standard_m2"]) == ("ok", three["limit_m2"])
    said = insight(link, Person.name, two["person"], "area_standard")
    assert said.status == "bad"
    assert [line.value for line in said.lines if line.name == "room"] == two["areas_m2"]
    # Each of the two rooms is small enough; the person is judged on both.
    for number in two["rooms"]:
        said = insight(link, Room.number, number, "area_standard")
        assert (said.status, values(said)["all_offices"]) == ("attention", two["total_m2"])


def test_the_vacant_storey_and_the_renting_body_are_told(link):
    story, lease = TOLD["renting"]["vacant_level"], TOLD["renting"]["lease"]
    room = f"{story['building']}-{story['floor']}01"
    said = insight(link, Room.number, room, "vacancy")
    assert values(said)["vacant_since"] == story["since"]
    level = sa.select(RoomLevel.level_id).join(Room, Room.id == RoomLevel.room_id)
    key = link.scalars(level.where(Room.number == room)).one()
    told = values(insight(link, Level.id, key, "occupancy"))
    assert (told["offices"], told["vacant"]) == (story["offices"], story["offices"])
    assert told["vacant_m2"] == pytest.approx(story["area_m2"])
    said = insight(link, Body.code, lease["body"], "space")
    told = values(said)
    assert said.status == "attention"
    assert (told["people"], told["standard_m2"]) == (lease["people"], lease["standard_m2"])
    assert told["leased_m2"] == pytest.approx(lease["area_m2"])

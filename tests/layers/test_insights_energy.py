"""What the panel says of meters and of the energy of places; every number is worked by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from layers.access import Actor
from layers.base import table_of
from layers.energy import Reading
from layers.estate import Building, Level, LevelBuilding, Site
from layers.meter_events import rebuild
from layers.policy import all_business
from layers.space import Room, RoomLevel
from tests.layers.metering import World, at
from tests.layers.support import SQUARE, body, put


@pytest.fixture
def world(database):
    return World(database.engine)


def said(told):
    """Return name → (value, unit) of the lines."""
    return {line.name: (line.value, line.unit) for line in told.lines}


def place(world, name="B07", **values):
    with world.engine.begin() as c:
        return put(c, Building, name=name, geom=SQUARE, built_area_m2=500.0, **values)


def room(world, building, number, category):
    with world.engine.begin() as c:
        level = put(c, Level, source_key=f"{number}-level", ordinal=2, geom=SQUARE)
        put(c, LevelBuilding, level_id=level, building_id=building)
        made = put(c, Room, source_key=number, number=number, category=category)
        put(c, RoomLevel, room_id=made, level_id=level)
        return made


def test_the_newest_reading_is_told_with_its_age_and_how_it_is_read(world):
    world.meter("E", {at(10, 11): 5.5, at(10, 12): 7.5}, multiplier=40, digits=5)
    told = world.tell("readings", "E")
    assert (told.status, told.headline.zh) == ("ok", "最近读数距今 9 小时")
    assert said(told) == {
        "last_read_at": (at(10, 12), None),
        "value": (7.5, None),
        "multiplier": (40.0, None),
        "digits": (5, None),
    }


def test_a_register_that_fell_silent_wants_attention_and_a_bill_does_not(world):
    world.meter("E", {at(10, 5, 9): 7.0})
    told = world.tell("readings", "E")
    assert (told.status, told.headline) == ("attention", ("停报 7.0 天", "Silent for 7.0 days"))
    world.meter("never")
    assert world.tell("readings", "never").status == "attention"
    world.meter("bill", reading_form="interval")
    with world.engine.begin() as c:
        row = {"start": at(9, 1), "time": at(10, 1), "value": 70.0}
        world.read(c, world.ids["bill"], [row])
    told = world.tell("readings", "bill")
    assert (told.status, said(told)["value"]) == ("neutral", (70.0, "kWh"))


def test_events_say_what_when_and_how_much_and_the_old_ones_are_left_out(world):
    readings = {at(6, 18): 99_942, at(6, 19): 47, at(6, 20): 0, at(6, 21): 152}
    old = {at(9, 1).replace(year=2025): 99_990, at(9, 2).replace(year=2025): 50}
    world.meter("E", readings | old, multiplier=40, digits=5)
    told = world.tell("events", "E")
    assert told.status == "attention"
    assert [(line.name, line.title.zh, line.value, line.unit) for line in told.lines] == [
        ("spurious_zero", "读数误报为零，已忽略：06-20 的读数", 0.0, None),
        ("roll_over", "表码走满归零，已换算：06-18 99942 → 06-19 00047", 4200.0, "kWh"),
        # (99,942 − 50) × 40; the roll-over of September 2025 is more than a year ago.
        ("gap", "期间没有读数，只知道总量：2025-09-02 50 → 06-18 99942", 3_995_680.0, "kWh"),
    ]


def test_an_exchange_is_told_with_the_registers_of_both_meters(world):
    meter = world.meter("E", {
        at(3, 12): 48_010.0, at(3, 13): 48_100.0, at(3, 14): 48_190.5, at(3, 15): 62.3,
        at(3, 16): 152.3,
    })  # fmt: skip
    with world.engine.begin() as c:
        c.execute(sa.insert(table_of(Reading)).values(
            meter_id=meter, time=at(3, 14, 11) + timedelta(minutes=20), value=12.3,
            closing_value=48_210.5,
        ))  # fmt: skip
        rebuild(c, [meter])
    (line,) = world.tell("events", "E").lines
    assert line.title.zh == "期间更换过表计：03-14 11:20，旧表止数 48210.5，新表起数 12.3"
    assert (line.value, line.unit) == (pytest.approx(20), "kWh")


def test_days_that_nobody_knows_are_told_as_one_total(world):
    world.meter("E", {at(8, 1): 0, at(8, 2): 30, at(8, 7): 224, at(8, 8): 260}, multiplier=100)
    (line,) = world.tell("events", "E").lines
    assert line.title.zh == "期间没有读数，只知道总量：08-02 30 → 08-07 224"
    assert line.value == pytest.approx(19_400)
    world.meter("plain", daily=10)
    assert world.tell("events", "plain") is None


def test_what_is_unexplained_is_told_and_an_unmetered_server_room_named_as_a_possible_cause(world):
    building = place(world)
    hall, other = (room(world, building, n, "serverroom") for n in ("B07-305", "B07-306"))
    room(world, building, "B07-307", "office")
    world.meter("main", daily=100, multiplier=40)  # 120,000 kWh
    world.meter("sub", daily=3120, parent="main")  # 93,600 kWh
    world.serves("main", building_id=building)
    world.serves("sub", room_id=other)
    told = world.tell("balance", "main")
    assert told.status == "attention"
    assert told.headline.zh == "2026年9月有 26,400 kWh（22.0 %）不在分表之中"
    assert said(told) == {
        "main": (pytest.approx(120_000), "kWh"),
        "subs": (pytest.approx(93_600), "kWh"),
        "unexplained": (pytest.approx(26_400), "kWh"),
        "unexplained_share": (pytest.approx(22), "%"),
        "possible_cause": ("B07-305", None),
    }
    assert told.lines[-1].link == ("rooms", hall)
    assert "可能" in told.lines[-1].title.zh
    assert world.tell("balance", "sub") is None


def test_a_balance_that_holds_names_no_cause_and_one_that_is_not_known_says_nothing(world):
    building = place(world)
    room(world, building, "B07-305", "serverroom")
    world.meter("main", daily=100)
    world.serves("main", building_id=building)
    world.meter("sub", daily=95, parent="main")
    told = world.tell("balance", "main")
    assert (told.status, "possible_cause" in said(told)) == ("ok", False)
    world.meter("late", {at(9, 15): 1.0}, parent="main")
    told = world.tell("balance", "main")
    assert (told.status, said(told)["subs"]) == ("neutral", (None, "kWh"))
    assert "3 块表中 2 块" in told.headline.zh


def test_who_may_not_see_a_sub_meter_is_told_no_balance(world):
    with world.engine.begin() as c:
        audit, education = body(c, "audit"), body(c, "education")
    world.meter("main", daily=100, body_id=audit)
    world.meter("sub", daily=50, parent="main", body_id=education)
    assert world.tell("balance", "main", actor=Actor("audit", all_business((audit,)))) is None


def test_a_building_is_told_what_its_top_meters_used_last_month_by_carrier(world):
    building = place(world)
    world.meter("main", daily=100, multiplier=40)
    world.meter("light", daily=50, parent="main", item="lighting")
    world.meter("water", daily=2, kind="water", unit="m³")
    for number in ("main", "light", "water"):
        world.serves(number, building_id=building)
    told = world.tell("energy", building, "buildings")
    assert said(told) == {
        "electricity": (pytest.approx(120_000), "kWh"),
        "water": (pytest.approx(60), "m³"),
    }
    assert told.headline.zh == "2026年9月总表用量"
    assert told.lines[0].link == ("meters", world.ids["main"])


def test_a_site_sums_its_buildings_and_says_where_a_part_is_not_known(world):
    with world.engine.begin() as c:
        site = put(c, Site, name="S01", geom=SQUARE)
    for number, daily in (("E1", 10), ("E2", 20)):
        world.meter(number, daily=daily)
        world.serves(number, building_id=place(world, f"of {number}", site_id=site))
    told = world.tell("energy", site, "sites")
    assert said(told) == {"electricity": (pytest.approx(900), "kWh")}
    world.meter("E3", {at(9, 1): 0.0})
    world.serves("E3", building_id=place(world, "of E3", site_id=site))
    told = world.tell("energy", site, "sites")
    assert said(told) == {"electricity": (None, "kWh")}
    assert "部分不明" in told.headline.zh


def test_what_one_meter_counts_for_two_buildings_is_told_of_neither(world):
    first, second = place(world, "B01"), place(world, "B02")
    world.meter("both", daily=10)
    world.serves("both", building_id=first)
    world.serves("both", building_id=second)
    assert said(world.tell("energy", first, "buildings")) == {"electricity": (None, "kWh")}
    assert world.tell("energy", place(world, "B03"), "buildings") is None


def test_a_hidden_top_meter_is_no_number(world):
    with world.engine.begin() as c:
        audit, education = body(c, "audit"), body(c, "education")
    building = place(world)
    world.meter("main", daily=10, body_id=audit)
    world.serves("main", building_id=building)
    hidden = world.tell(
        "energy", building, "buildings", actor=Actor("e", all_business((education,)))
    )
    assert said(hidden) == {"electricity": (None, "kWh")}
    assert hidden.lines[0].link is None

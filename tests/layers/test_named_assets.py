"""Assets without a place, elsewhere, of people who left, idle; each expected by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from layers.access import ESTATE, Actor
from layers.assets import ASSETS, Asset, PurchaseRequest
from layers.filter import Filter
from layers.listing import Listing
from layers.named import named
from layers.people import Person
from layers.policy import all_business
from layers.space import Room
from tests.layers.asking import lines, selected, told, value
from tests.layers.support import body, put

POINT = "SRID=4326;POINT(119.6 38.9)"
SCANNED = datetime(2026, 9, 28, 2, 15, tzinfo=UTC)


REQUESTS = {"R1", "R2", "R3"}
ROOMS = ("412", "418", "B101", "B102")
KEEPERS = ("retired", "left", "today", "tomorrow", "active", "empty-handed")
OTHERS = {"audit", "education", *ROOMS, *KEEPERS}


@pytest.fixture(scope="module")
def world(module_database):
    """The engine, and ids by name."""
    ids = {}
    with module_database.engine.begin() as c:
        ids["audit"], ids["education"] = body(c, "audit"), body(c, "education")
        for number in ROOMS:
            ids[number] = put(c, Room, number=number, source_key=number)
        for name, state, left_on in (
            ("retired", "retired", date(2026, 8, 31)), ("left", "left", None),
            ("today", "active", date(2026, 10, 12)), ("tomorrow", "active", date(2026, 10, 13)),
            ("active", "active", None), ("empty-handed", "retired", date(2026, 1, 1)),
        ):  # fmt: skip
            ids[name] = put(c, Person, name=name, number=name, state=state, left_on=left_on)

        def asset(number, name="椅", state="in_use", room=None, scanned=None, keeper=None, **more):
            ids[number] = put(
                c, Asset, source_key=number, number=number, name=name, state=state,
                room_id=ids.get(room), scanned_room_id=ids.get(scanned),
                custodian_id=ids.get(keeper), **more,
            )  # fmt: skip

        asset("laptop", "笔记本", room="412", scanned="418", scanned_at=SCANNED, keeper="retired",
              value_cny=Decimal("6280.00"))  # fmt: skip
        asset("desk of the retired", room="412", keeper="retired", value_cny=Decimal("1000.50"))
        asset("disposed of", state="disposed", scanned="418", room="412", keeper="retired")
        asset("of one who left", room="412", scanned="412", scanned_at=SCANNED, keeper="left")
        asset("of one who leaves today", room="412", keeper="today")
        asset("of one who leaves tomorrow", room="412", keeper="tomorrow")
        asset("of one who stays", room="418", keeper="active")
        asset("nowhere", state=None)
        asset("on the map", geom=POINT)
        asset("disposed nowhere", state="disposed")
        for n in range(3):
            asset(f"idle-{n}", "Desk ", "idle", room="B101", value_cny=Decimal(100),
                  body_id=ids["audit"])  # fmt: skip
        asset("idle-b", "desk", "idle", room="B102", value_cny=None)
        asset("idle-c", "Cupboard", "idle", room="B102", value_cny=Decimal(70))
        for number, name, quantity, price in (
            ("R1", "DESK", 40, Decimal(1200)), ("R2", "Cupboard", 1, None), ("R3", "车", 2, None),
        ):  # fmt: skip
            ids[number] = put(c, PurchaseRequest, number=number, source_key=number, name=name,
                              quantity=quantity, unit_price_cny=price,
                              body_id=ids["education"])  # fmt: skip
    return module_database.engine, ids


def by_name(world, name, **asked):
    engine, ids = world
    requests = name == "purchases_idle_could_serve"
    among = REQUESTS if requests else ids.keys() - REQUESTS - OTHERS
    names = {ids[each]: each for each in among}
    return {names[key]: row for key, row in selected(engine, name, **asked).items()}


def test_an_asset_without_a_place_has_neither_a_point_nor_a_room(world):
    assert by_name(world, "assets_without_place").keys() == {"nowhere"}


def test_a_misplaced_asset_says_where_it_is_booked_and_where_it_was_found(world):
    assert by_name(world, "misplaced_assets") == {
        "laptop": {"booked": "412", "scanned": "418", "stocktake_at": SCANNED}
    }


def test_assets_of_people_who_left_by_that_day_are_to_be_handed_over(world):
    found = by_name(world, "assets_of_leavers")
    assert {name: (row["custodian"], row["left_on"]) for name, row in found.items()} == {
        "laptop": ("retired", date(2026, 8, 31)),
        "desk of the retired": ("retired", date(2026, 8, 31)),
        "of one who left": ("left", None),
        "of one who leaves today": ("today", date(2026, 10, 12)),
    }


def test_idle_assets_are_summed_by_value_once(world):
    assert by_name(world, "idle_assets").keys() == {
        "idle-0",
        "idle-1",
        "idle-2",
        "idle-b",
        "idle-c",
    }
    engine, _ = world
    ids = tuple(selected(engine, "idle_assets"))
    listing = Listing(ASSETS, ESTATE, filter=Filter(ids=ids), named=named("idle_assets"))
    assert listing.summed() == ["value_cny"]
    with engine.connect() as connection:
        found = connection.execute(listing.totals()).mappings().all()
    assert sum(row["value_cny"] or 0 for row in found) == 370


def test_a_purchase_that_idle_assets_could_serve_says_how_many_and_where(world):
    assert by_name(world, "purchases_idle_could_serve") == {
        "R1": {"asked": 40, "idle": 4, "total_cny": 48_000, "where": "B101"},
        "R2": {"asked": 1, "idle": 1, "total_cny": None, "where": "B102"},
    }


def test_a_body_is_not_offered_what_it_may_not_see(world):
    ids = world[1]
    education = Actor("education", all_business((ids["education"],)))
    found = by_name(world, "purchases_idle_could_serve", actor=education)
    assert found["R1"]["idle"] == 1  # the three desks are the audit's


def test_an_asset_tells_what_the_stocktake_found(world):
    engine, ids = world
    said = told(engine, "assets", "stocktake", ids["laptop"])
    assert said.status == "bad"
    assert [line.link for line in said.lines[:2]] == [("rooms", ids["412"]), ("rooms", ids["418"])]
    assert value(said, "scanned_at") == SCANNED
    assert "2026-09-28" in said.headline.zh
    assert told(engine, "assets", "stocktake", ids["of one who left"]).status == "ok"
    assert told(engine, "assets", "stocktake", ids["nowhere"]) is None


def test_an_asset_tells_that_its_custodian_left_and_what_else_he_keeps(world):
    engine, ids = world
    said = told(engine, "assets", "custodian", ids["laptop"])
    assert said.status == "attention"
    assert "retired on 2026-08-31" in said.headline.en
    (keeper,) = lines(said, "custodian")
    assert (keeper.value, keeper.link) == ("retired", ("persons", ids["retired"]))
    assert value(said, "count") == 2
    assert told(engine, "assets", "custodian", ids["of one who stays"]) is None
    assert told(engine, "assets", "custodian", ids["disposed of"]) is None


def test_a_person_tells_what_he_keeps(world):
    engine, ids = world
    said = told(engine, "persons", "custody", ids["retired"])
    assert said.status == "attention"
    assert (value(said, "count"), value(said, "value")) == (2, 7280.5)
    assert told(engine, "persons", "custody", ids["active"]).status == "neutral"
    assert told(engine, "persons", "custody", ids["empty-handed"]) is None


def test_a_room_counts_its_assets_by_state(world):
    engine, ids = world
    said = told(engine, "rooms", "assets", ids["B102"])
    assert [(line.name, line.value) for line in said.lines] == [("idle", 2), ("value", 70)]
    said = told(engine, "rooms", "assets", ids["412"])
    assert value(said, "in_use") == 5
    assert said.headline.en == "5 assets"


def test_a_request_tells_the_rooms_where_the_same_lies_idle(world):
    engine, ids = world
    said = told(engine, "purchase_requests", "idle", ids["R1"])
    assert said.status == "attention"
    assert (value(said, "asked"), value(said, "idle"), value(said, "total")) == (40, 4, 48_000)
    rooms = [(line.value, line.link) for line in lines(said, "room")]
    assert rooms == [(3, ("rooms", ids["B101"])), (1, ("rooms", ids["B102"]))]
    nothing = told(engine, "purchase_requests", "idle", ids["R3"])
    assert (nothing.status, value(nothing, "idle")) == ("ok", 0)

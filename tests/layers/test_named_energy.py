"""Counted questions about meters, on meters whose every number is worked by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from layers.access import Actor
from layers.base import table_of
from layers.energy import Reading
from layers.meter_events import rebuild
from layers.policy import all_business
from tests.layers.metering import World, at
from tests.layers.support import body


@pytest.fixture
def world(database):
    return World(database.engine)


def test_a_meter_is_odd_for_its_events_of_twelve_months_and_told_by_the_newest(world):
    world.meter("plain", daily=10)
    rolled = {at(6, 18): 99_942, at(6, 19): 47, at(6, 20): 80, at(6, 21): 20, at(6, 22): 90}
    world.meter("rolled", rolled, digits=5, multiplier=40)
    world.meter("long ago", {
        at(9, 1).replace(year=2025): 900, at(9, 2).replace(year=2025): 100,
    })  # fmt: skip
    assert world.ask("meter_anomalies") == {
        "rolled": {
            "events": 2, "last_kind": "spurious_dip", "last_at": at(6, 21),
            "last_consumption": None,
        }
    }  # fmt: skip


def test_a_register_is_silent_after_two_days_or_when_never_read(world):
    world.meter("heard", daily=10)
    world.meter("just heard", {at(10, 10, 9): 5})
    world.meter("silent", {at(10, 8, 9): 5, at(10, 7, 9): 4})
    world.meter("clock ahead", {at(10, 20): 5})
    world.meter("never")
    world.meter("bills", reading_form="interval")
    found = world.ask("silent_meters")
    assert found == {
        "silent": {"last_read_at": at(10, 8, 9), "silent_days": pytest.approx(4)},
        "clock ahead": {"last_read_at": None, "silent_days": None},
        "never": {"last_read_at": None, "silent_days": None},
    }


def test_what_the_sub_meters_lack_is_told_above_a_tenth(world):
    # September has 30 days: 30 × 100 × 40 = 120,000 kWh; 30 × (1,000 + 2,120) = 93,600 below.
    world.meter("main", daily=100, multiplier=40)
    world.meter("one", daily=100, multiplier=10, parent="main")
    world.meter("two", daily=2120, parent="main")
    # 30 × 100 = 3,000 kWh; 30 × 90 = 2,700: just a tenth is missing.
    world.meter("tenth", daily=100)
    world.meter("ninety", daily=90, parent="tenth")
    # Water is another matter.
    world.meter("water", daily=100, kind="water", unit="m³")
    world.meter("tap", daily=10, kind="water", unit="m³", parent="water")
    assert world.ask("unexplained_meters") == {
        "main": pytest.approx({
            "main_kwh": 120_000, "sub_kwh": 93_600, "unexplained_kwh": 26_400,
            "unexplained_share": 22.0,
        })
    }  # fmt: skip
    assert world.share() == {
        "main": pytest.approx((0.22, 1)),
        "tenth": pytest.approx((0.1, 1)),
        "water": pytest.approx((0.9, 1)),
    }


def test_a_roll_over_and_an_exchange_within_the_month_are_accounted_for(world):
    turned = {at(8, 31) + timedelta(days=day): (99_000 + 100 * day) % 100_000 for day in range(43)}
    world.meter("main", turned, digits=5)
    # Exchanged on 15 September at noon: 1,000 steps by the old meter's end, then from 0 on.
    below = {at(9, day): 1000.0 + 70 * (day - 1) for day in range(1, 16)}
    below |= {at(9, 15) + timedelta(days=day): 35.0 + 70 * (day - 1) for day in range(1, 20)}
    meter = world.meter("sub", below, parent="main")
    with world.engine.begin() as c:
        c.execute(sa.insert(table_of(Reading)).values(
            meter_id=meter, time=at(9, 15, 12), value=0.0, closing_value=1000.0 + 70 * 14 + 35,
        ))  # fmt: skip
        rebuild(c, [meter])
    assert world.ask("unexplained_meters")["main"] == pytest.approx({
        "main_kwh": 3000, "sub_kwh": 2100, "unexplained_kwh": 900, "unexplained_share": 30.0,
    })  # fmt: skip


def test_a_gap_within_the_month_does_not_matter_and_one_across_its_end_does(world):
    world.meter("main", daily=100)
    world.meter("sub", {at(9, day): None for day in range(10, 20)}, daily=50, parent="main")
    assert world.share()["main"] == pytest.approx((0.5, 1))
    world.meter("other", {at(9, 30): None, at(10, 1): None, at(10, 2): None}, daily=20,
                parent="main")  # fmt: skip
    assert world.share()["main"] == (None, pytest.approx(2 / 3))
    assert world.ask("unexplained_meters") == {}


def test_a_register_is_taken_half_a_day_from_the_end_at_most(world):
    world.meter("main", daily=100)
    # Read by hand at eight in the morning of the first day: 30 days, 1,500 steps.
    world.meter("sub", {at(9, 1, 8): 0.0, at(10, 1, 8): 1500.0},
                parent="main")  # fmt: skip
    assert world.share()["main"] == pytest.approx((0.5, 1))
    world.meter("late", {at(9, 1, 13): 0.0, at(10, 1): 100.0}, parent="main")
    assert world.share()["main"] == (None, pytest.approx(2 / 3))


def test_a_false_zero_on_the_first_of_the_month_is_no_register(world):
    world.meter("main", {at(9, 1): 0.0}, daily=100)
    world.meter("sub", daily=50, parent="main")
    assert world.share()["main"] == (None, pytest.approx(1 / 2))


def test_a_fall_without_explanation_leaves_the_month_unknown(world):
    readings = {at(8, 31) + timedelta(days=day): 5000.0 + 100 * day for day in range(10)}
    readings |= {at(9, 10) + timedelta(days=day): 100.0 * day for day in range(30)}
    world.meter("main", readings)
    world.meter("sub", daily=50, parent="main")
    assert world.share()["main"] == (None, pytest.approx(1 / 2))


def test_bills_by_interval_count_where_they_make_up_the_month(world):
    def bills(number, days, parent=None):
        made = world.meter(number, parent=parent, reading_form="interval")
        with world.engine.begin() as c:
            world.read(c, made, [
                {"start": start, "time": end, "value": value} for start, end, value in days
            ])  # fmt: skip

    bills("main", [(at(9, 1), at(10, 1), 1000.0), (at(10, 1), at(11, 1), 7.0)])
    bills("sub", [(at(9, 1), at(9, 16), 300.0), (at(9, 16), at(10, 1), 400.0)], "main")
    assert world.share()["main"] == pytest.approx((0.3, 1))
    bills("half", [(at(9, 1), at(9, 16), 100.0)], "main")
    assert world.share()["main"] == (None, pytest.approx(2 / 3))


def test_units_that_differ_are_not_subtracted(world):
    world.meter("main", daily=100, unit="MWh")
    world.meter("sub", daily=100, parent="main")
    assert world.share() == {}


def test_who_may_not_see_a_sub_meter_is_told_nothing_of_the_balance(world, database):
    with database.engine.begin() as c:
        audit, education = body(c, "audit"), body(c, "education")
    world.meter("main", daily=100, body_id=audit)
    world.meter("sub", daily=50, parent="main", body_id=education)
    assert world.share(Actor("audit", all_business((audit,)))) == {}
    assert world.share(Actor("both", all_business((audit, education))))["main"] == pytest.approx(
        (0.5, 1)
    )
    assert set(world.ask("silent_meters", Actor("audit", all_business((audit,))))) == set()

"""What the service says of the demo's cars, against the stories they were made from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from layers.access import ESTATE
from layers.base import table_of
from layers.fleet import Stop, Trip, Vehicle
from layers.insights.fleet import INSIGHTS
from layers.measures.base import Question
from layers.named.fleet import NAMED
from onemap.demo.stories import stories

pytestmark = pytest.mark.slow

ZONE = ZoneInfo("Asia/Shanghai")
ESTATE_TOLD, CARS = stories()["estate"], stories()["cars"]
NOW = ESTATE_TOLD["start"]
QUESTION = Question(ESTATE, None, NOW, ZONE)
CAR, TRIP, STOP = (table_of(model) for model in (Vehicle, Trip, Stop))


@pytest.fixture(scope="module")
def connection(demo: Any) -> Iterator[sa.Connection]:
    with demo.database.engine.connect() as made:
        yield made


def ask(connection: sa.Connection, name: str) -> list[Any]:
    wanted = next(each for each in NAMED if each.name == name)
    return list(connection.execute(wanted.ask(QUESTION, {})).mappings())


def tell(connection: sa.Connection, layer: str, name: str, key: int) -> Any:
    insight = next(each for each in INSIGHTS if (each.layer, each.name) == (layer, name))
    asked = insight.ask(QUESTION, key)
    found = {n: connection.execute(s).mappings().all() for n, s in asked.items()}
    return insight.read(QUESTION, key, found)


def car(connection: sa.Connection, short: str) -> int:
    found = connection.execute(sa.select(CAR.c.id).where(CAR.c.plate == f"演A·{short}"))
    return int(found.scalar_one())


def of_day(connection: sa.Connection, table: sa.Table, short: str) -> list[Any]:
    """Return a car's trips or stops that begin on the day of its story, the earliest first."""
    start = datetime.combine(CARS[short]["date"], datetime.min.time(), ZONE)
    found = connection.execute(
        sa.select(table)
        .where(
            table.c.vehicle_id == car(connection, short),
            table.c.started_at >= start,
            table.c.started_at < start + timedelta(days=1),
        )
        .order_by(table.c.started_at)
    )
    return list(found.mappings())


def test_the_car_that_fell_silent_in_the_garage_is_the_one_silent_car(
    connection: sa.Connection,
) -> None:
    (row,) = ask(connection, "silent_cars")
    told = CARS["D0055"]
    assert row["id"] == car(connection, "D0055")
    assert row["last_heard"] == told["last_fix"]
    assert row["silent_h"] == round((NOW - told["last_fix"]).total_seconds() / 3600, 1)
    assert told["garage"] in row["place"]
    headline = tell(connection, "vehicles", "state", row["id"]).headline
    assert "3 天 15 小时 40 分钟" in headline.zh
    assert "2026-10-08 17:20" in headline.zh


def test_the_states_part_the_cars_in_service(connection: sa.Connection) -> None:
    names = ("silent_cars", "moving_cars", "cars_at_place", "cars_elsewhere",
             "cars_never_heard", "cars_without_place")  # fmt: skip
    found = [row["id"] for name in names for row in ask(connection, name)]
    serving = sa.select(CAR.c.id).where(CAR.c.state == "in_service")
    assert sorted(found) == sorted(connection.execute(serving).scalars())


def test_the_car_that_drifts_is_at_its_place(connection: sa.Connection) -> None:
    # Its fixes wander up to 38 m; the rule says 50.
    assert CARS["D0009"]["drift_m"] < 50
    assert car(connection, "D0009") in {row["id"] for row in ask(connection, "cars_at_place")}


def test_the_night_trips_are_the_two_over_midnight(connection: sa.Connection) -> None:
    found = ask(connection, "night_trips")
    trips = connection.execute(
        sa.select(TRIP.c.vehicle_id, TRIP.c.length_km)
        .where(TRIP.c.id.in_([row["id"] for row in found]))
        .order_by(TRIP.c.started_at)
    ).all()
    assert {row.vehicle_id for row in trips} == {car(connection, "D0066")}
    assert [row.length_km for row in trips] == pytest.approx(CARS["D0066"]["km"], abs=0.05)


def test_the_sunday_car_drove_its_kilometres_between_its_hours(connection: sa.Connection) -> None:
    told, trips = CARS["D0017"], of_day(connection, TRIP, "D0017")
    assert sum(each["length_km"] for each in trips) == pytest.approx(told["km"], abs=0.05)
    start, end = (datetime.combine(told["date"], told[k], ZONE) for k in ("from", "to"))
    assert timedelta(0) <= trips[0]["started_at"] - start <= timedelta(seconds=30)
    assert timedelta(0) <= end - trips[-1]["ended_at"] <= timedelta(seconds=30)


def test_the_car_off_its_way_stood_by_the_park_for_its_minutes(connection: sa.Connection) -> None:
    told, trips = CARS["D0042"], of_day(connection, TRIP, "D0042")
    assert sum(each["length_km"] for each in trips) == pytest.approx(told["km"], abs=0.05)
    stop = of_day(connection, STOP, "D0042")[0]
    assert stop["duration_s"] == pytest.approx(told["stop_minutes"] * 60, abs=20)
    assert told["stop_at"] in tell(connection, "stops", "place", stop["id"]).headline.zh
    assert stop["id"] in {row["id"] for row in ask(connection, "long_stops")}
    assert told["stop_at"] in tell(connection, "trips", "summary", trips[0]["id"]).headline.zh

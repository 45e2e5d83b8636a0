"""Questions of cars on vehicles, trips and stops written here, each with its answer by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from layers.access import ESTATE, Actor
from layers.base import table_of
from layers.basemap import Green
from layers.estate import Building, Site
from layers.fleet import PositionLatest, Stop, Trip, Vehicle
from layers.insights.base import Told
from layers.insights.fleet import INSIGHTS, span_words
from layers.measures.base import Question
from layers.named.fleet import NAMED
from layers.policy import all_business
from layers.rules.fleet import cars_now
from tests.layers.support import body, put

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 10, 12, 9, tzinfo=ZONE)
# Fixed place of every car here. 0.0004° of latitude are 44.4 m there, 0.0005° are 55.5 m.
PLACE = (119.6, 38.9)
CARS = {
    # plate: state of the record, minutes since the newest fix, km/h, degrees north of its place
    "moving": ("in_service", 10, 5.0, 0.1),
    "creeping": ("in_service", 1, 4.9, 0.0005),
    "rolled": ("in_service", 11, 60.0, 0.0005),  # 11 minutes ago it moved; now nobody knows
    "home": ("in_service", 8, 0.0, 0.0004),
    "leaving": ("in_service", 0, 12.0, 0.0),
    "day_old": ("in_service", 24 * 60, 0.0, 0.0),
    "silent": ("in_service", 24 * 60 + 1, 40.0, 0.0),
    "unheard": ("in_service", None, None, None),
    "homeless": ("in_service", 3, 0.0, 0.0),
    "sealed": ("sealed", 24 * 60 * 9, 0.0, 0.0),
    "broken": ("repair", None, None, None),
}
STATES = {
    "moving": "moving",
    "creeping": "elsewhere",
    "rolled": "elsewhere",
    "home": "at_place",
    "leaving": "moving",
    "day_old": "at_place",
    "silent": "silent",
    "unheard": "never_heard",
    "homeless": "no_place",
}


def point(north: float, east: float = 0.0) -> str:
    return f"SRID=4326;POINT({PLACE[0] + east} {PLACE[1] + north})"


def square(west: float, south: float, size: float) -> str:
    w, s = PLACE[0] + west, PLACE[1] + south
    e, n = w + size, s + size
    return f"SRID=4326;MULTIPOLYGON((({w} {s},{e} {s},{e} {n},{w} {n},{w} {s})))"


@pytest.fixture(scope="module")
def estate(module_database: Any) -> Iterator[tuple[sa.Connection, dict[str, int]]]:
    ids: dict[str, int] = {}
    with module_database.engine.begin() as c:
        for owner in ("甲局", "乙局"):
            ids[owner] = body(c, owner)
        for plate, (state, minutes, kmh, north) in CARS.items():
            ids[plate] = put(
                c, Vehicle, plate=plate, name=plate, state=state, body_id=ids["甲局"],
                geom=None if plate == "homeless" else point(0),
            )  # fmt: skip
            if minutes is not None:
                c.execute(
                    sa.insert(table_of(PositionLatest)).values(
                        vehicle_id=ids[plate], time=NOW - timedelta(minutes=minutes),
                        speed_kmh=kmh, geom=point(north),
                    )
                )  # fmt: skip
        ids["院"] = put(c, Site, name="大院", geom=square(-0.001, -0.001, 0.002))
        ids["楼"] = put(c, Building, name="东楼", code="B02", geom=square(-0.0001, -0.0001, 0.0003))
        ids["园"] = put(c, Green, name="公园", geom=square(0.01, 0.01, 0.002))
        _drives(c, ids)
    with module_database.engine.connect() as connection:
        yield connection, ids


TRIPS = {
    # key: start, end, km
    "noon": ("2026-10-08T12:00", "2026-10-08T13:00", 10.0),
    "evening": ("2026-10-08T21:00", "2026-10-08T22:00", 10.0),  # ends as the night begins
    "late": ("2026-10-08T21:30", "2026-10-08T22:10", 10.0),  # 10 minutes of the night
    "midnight": ("2026-10-08T23:00", "2026-10-09T00:30", 30.0),  # 90 minutes, all of it
    "dawn": ("2026-10-10T05:50", "2026-10-10T07:00", 10.0),  # 10 minutes
    "morning": ("2026-10-10T06:00", "2026-10-10T06:40", 10.0),  # begins as the night ends
    "long": ("2026-10-06T05:00", "2026-10-06T23:00", 10.0),  # an hour at either end
    "before": ("2026-10-04T23:00", "2026-10-04T23:30", 10.0),  # over a week ago
    "today": ("2026-10-12T05:00", "2026-10-12T05:30", 10.0),
}
STOPS = {
    # key: start, minutes, degrees north and east of the fixed place
    "outside": ("2026-10-09T10:18", 74, 0.011, 0.011),
    "short": ("2026-10-09T14:00", 59, 0.011, 0.011),
    "in_site": ("2026-10-09T15:00", 90, 0.0009, 0.0009),
    "at_gate": ("2026-10-09T17:00", 90, 0.0012, 0.0),  # 22 m before the site
    "last_month": ("2026-09-09T10:00", 90, 0.011, 0.011),
    "nowhere": ("2026-10-10T10:00", 60, 0.05, 0.05),
}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def _drives(c: sa.Connection, ids: dict[str, int]) -> None:
    shared = {"vehicle_id": ids["home"], "body_id": ids["甲局"]}
    for key, (begin, end, km) in TRIPS.items():
        start, stop = _moment(begin), _moment(end)
        a, b = start.timestamp(), stop.timestamp()
        # Straight east at an even pace, so that time and length are cut alike.
        line = f"SRID=4326;LINESTRING M (119.6 38.9 {a}, 119.611 38.911 {b})"
        ids[key] = put(
            c, Trip, source_key=key, started_at=start, ended_at=stop, length_km=km,
            moving_s=int(b - a), fixes=2, geom=line, **shared,
        )  # fmt: skip
    for key, (begin, minutes, north, east) in STOPS.items():
        ids[key] = put(
            c, Stop, source_key=key, started_at=_moment(begin), duration_s=minutes * 60,
            ended_at=_moment(begin) + timedelta(minutes=minutes), geom=point(north, east), **shared,
        )  # fmt: skip


def question(actor: Actor = ESTATE, now: datetime = NOW) -> Question:
    return Question(actor, None, now, ZONE)


def ask(estate: Any, name: str, actor: Actor = ESTATE, now: datetime = NOW) -> dict[str, Any]:
    """Return the rows of a named filter by the key of this file."""
    connection, ids = estate
    wanted = next(each for each in NAMED if each.name == name)
    table = {"vehicles": CARS, "trips": TRIPS, "stops": STOPS}[wanted.layer]
    keys = {ids[key]: key for key in table}
    found = connection.execute(wanted.ask(question(actor, now), {})).mappings().all()
    columns = {each.name for each in wanted.columns} | {"id"}
    assert all(set(row) == columns for row in found)
    return {keys[row["id"]]: row for row in found}


def tell(estate: Any, layer: str, name: str, key: str, now: datetime = NOW) -> Told | None:
    connection, ids = estate
    insight = next(each for each in INSIGHTS if (each.layer, each.name) == (layer, name))
    asked = insight.ask(question(now=now), ids[key])
    found = {n: connection.execute(s).mappings().all() for n, s in asked.items()}
    return insight.read(question(now=now), ids[key], found)


def lines(told: Told | None) -> dict[str, Any]:
    assert told is not None
    return {line.name: line.value for line in told.lines}


def test_each_car_in_service_is_in_one_state_and_no_other_car_is_in_any(estate: Any) -> None:
    connection, ids = estate
    keys = {ids[plate]: plate for plate in CARS}
    car = cars_now(question())
    found = connection.execute(sa.select(car.c.id, car.c.state)).all()
    assert len(found) == len(STATES)
    assert {keys[row.id]: row.state for row in found} == STATES


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("silent_cars", "silent"), ("moving_cars", "moving"), ("cars_at_place", "at_place"),
        ("cars_elsewhere", "elsewhere"), ("cars_never_heard", "never_heard"),
        ("cars_without_place", "no_place"),
    ],
)  # fmt: skip
def test_every_state_has_its_question(estate: Any, name: str, state: str) -> None:
    assert set(ask(estate, name)) == {plate for plate, its in STATES.items() if its == state}


def test_a_silent_car_says_when_and_where_it_was_last_heard(estate: Any) -> None:
    (row,) = ask(estate, "silent_cars").values()
    assert row["last_heard"] == NOW - timedelta(minutes=24 * 60 + 1)
    assert (row["silent_h"], row["place"]) == (24.0, "B02 东楼")


def test_a_car_elsewhere_says_how_far_it_is_from_its_place(estate: Any) -> None:
    found = ask(estate, "cars_elsewhere")
    assert {plate: row["distance_m"] for plate, row in found.items()} == {
        "creeping": pytest.approx(55.5, abs=0.6),
        "rolled": pytest.approx(55.5, abs=0.6),
    }


def test_a_night_trip_touches_the_night_and_says_how_long(estate: Any) -> None:
    found = ask(estate, "night_trips")
    assert {key: row["night_min"] for key, row in found.items()} == {
        "late": 10, "midnight": 90, "dawn": 10, "long": 120, "today": 30,
    }  # fmt: skip
    assert (found["late"]["from_place"], found["late"]["to_place"]) == ("B02 东楼", "公园")


def test_a_long_stop_is_an_hour_away_from_the_estate(estate: Any) -> None:
    found = ask(estate, "long_stops")
    assert {key: (row["stood_min"], row["place"]) for key, row in found.items()} == {
        "outside": (74, "公园"),
        "nowhere": (60, None),
    }


def test_who_may_not_see_the_cars_counts_none_of_them(estate: Any) -> None:
    stranger = Actor("乙局", all_business((estate[1]["乙局"],)))
    assert all(ask(estate, each.name, stranger) == {} for each in NAMED)
    owner = Actor("甲局", all_business((estate[1]["甲局"],)))
    assert set(ask(estate, "silent_cars", owner)) == {"silent"}


def test_a_silent_car_keeps_its_place_in_the_list_while_its_pages_are_turned(estate: Any) -> None:
    (order,) = {each.order for each in NAMED if each.name == "silent_cars"}
    now, later = (
        ask(estate, "silent_cars", now=NOW + timedelta(hours=hours))["silent"][order.lstrip("-")]
        for hours in (0, 1)
    )
    assert now == later


def test_the_panel_says_that_a_silent_car_was_last_heard_then_and_not_where_it_is(
    estate: Any,
) -> None:
    told = tell(estate, "vehicles", "state", "silent", NOW + timedelta(days=2))
    assert told is not None
    assert told.status == "attention"
    assert "3 天 1 分钟" in told.headline.zh
    assert "2026-10-11 08:59" in told.headline.zh
    assert "停放" not in told.headline.zh
    assert lines(told)["place"].zh == "B02 东楼"


def test_the_panel_says_nothing_of_a_car_that_is_not_in_service(estate: Any) -> None:
    assert tell(estate, "vehicles", "state", "sealed") is None


def test_the_panel_says_that_a_car_was_never_heard_from(estate: Any) -> None:
    told = tell(estate, "vehicles", "state", "unheard")
    assert told is not None
    assert set(lines(told)) == {"state"}


def test_the_week_of_a_car_counts_full_days_and_cuts_at_midnight(estate: Any) -> None:
    told = lines(tell(estate, "vehicles", "week", "home"))
    # 5 to 11 October: all but those of the 4th and the 12th; 10 km each but for the 30 km.
    assert told["trips"] == 7
    assert told["km"] == pytest.approx(6 * 10 + 30)
    # Read at noon of the 9th the week begins with the 2nd: the trip of the 4th, those of the 6th
    # and the 8th, and of the 90 minutes over midnight the 60 before it, 20 of 30 km.
    early = lines(tell(estate, "vehicles", "week", "home", datetime(2026, 10, 9, 12, tzinfo=ZONE)))
    assert early["trips"] == 6
    assert early["km"] == pytest.approx(5 * 10 + 20, abs=0.1)


def test_the_week_of_a_car_that_was_not_heard_from_has_no_number(estate: Any) -> None:
    told = tell(estate, "vehicles", "week", "unheard")
    assert told is not None
    assert told.lines == []


def test_a_trip_over_midnight_is_split_by_day(estate: Any) -> None:
    told = tell(estate, "trips", "summary", "midnight")
    found = lines(told)
    assert found["km_2026-10-08"] == pytest.approx(20.0, abs=0.1)
    assert found["km_2026-10-09"] == pytest.approx(10.0, abs=0.1)
    assert (found["length"], found["duration"].zh) == (30.0, "1 小时 30 分钟")
    assert found["mean_kmh"] == 20.0  # 30 km in 90 minutes
    assert (found["from"].zh, found["to"].zh) == ("B02 东楼", "公园")
    assert not any(
        name.startswith("km_") for name in lines(tell(estate, "trips", "summary", "noon"))
    )


def test_a_stop_names_the_place_that_holds_it_or_is_near(estate: Any) -> None:
    told = tell(estate, "stops", "place", "outside")
    assert told is not None
    assert told.headline.zh == "停留于 公园，1 小时 14 分钟"
    (place, _, distance) = told.lines
    assert place.link == ("greens", estate[1]["园"])
    # 0.011° north and east: 1,221 m and 954 m.
    assert distance.value == pytest.approx(1550, abs=10)
    gate = tell(estate, "stops", "place", "at_gate")
    assert gate is not None
    assert gate.headline.zh == "停留于 大院附近，1 小时 30 分钟"
    lost = tell(estate, "stops", "place", "nowhere")
    assert lost is not None
    assert lines(lost)["place"] is None


def test_spans_are_said_in_days_hours_and_minutes() -> None:
    assert span_words(3 * 86_400 + 15 * 3600 + 40 * 60).zh == "3 天 15 小时 40 分钟"
    assert span_words(59).en == "under 1 min"
    assert span_words(3600).en == "1 h"

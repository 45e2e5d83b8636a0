"""Measures of the small estate against numbers worked out by hand (tests/support/small_estate)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from layers.access import ESTATE, EVERYONE, Actor
from layers.labels import CHOICES
from layers.measures import MEASURES, Question, Values, Window, classify, measure
from layers.measures.base import last_days, last_month
from layers.policy import all_business
from layers.problems import BadRequest, NotFound
from layers.registry import LAYERS, layer
from tests.support import small_estate

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 10, 12, 9, tzinfo=ZONE)


@pytest.fixture(scope="module")
def estate(module_database: Any) -> tuple[Engine, small_estate.Estate]:
    return module_database.engine, small_estate.fill(module_database.engine)


def ask(
    engine: Engine,
    name: str,
    window: tuple[str, str] | None = None,
    actor: Actor = ESTATE,
    at: datetime | None = None,
    now: datetime = NOW,
) -> Values:
    wanted = measure(name)
    span = None
    if wanted.default_window is not None:
        span = wanted.default_window(now, ZONE)
        if window:
            start, end = (datetime.fromisoformat(w).replace(tzinfo=ZONE) for w in window)
            span = Window(start.astimezone(UTC), end.astimezone(UTC))
    question = Question(actor, at, now, ZONE, span)
    with engine.connect() as connection:
        found = {
            key: connection.execute(statement).mappings().all()
            for key, statement in wanted.ask(question).items()
        }
    return wanted.read(question, found)


def by_key(values: Values, ids: small_estate.Estate, layer_name: str) -> dict[str, Any]:
    keys = {number: key for (name, key), number in ids.ids.items() if name == layer_name}
    return {keys[i]: value for i, value in zip(values.ids, values.values, strict=True)}


def coverage(values: Values, ids: small_estate.Estate, layer_name: str) -> dict[str, Any]:
    keys = {number: key for (name, key), number in ids.ids.items() if name == layer_name}
    return {keys[i]: value for i, value in zip(values.ids, values.coverage, strict=True)}


def test_the_area_over_the_standard_follows_the_stories(estate: Any) -> None:
    engine, ids = estate
    values = ask(engine, "over_quota")
    assert by_key(values, ids, "rooms") == pytest.approx(
        {
            "B03-412": 14.4,  # a deputy section chief alone in 26.4 m²; the limit is 12
            "B03-102": 0.0,  # a head of county in 28.0 m²; the limit is 30 (not the 20 of 1999)
            "B03-415": 0.0,  # three staff share 26.1 m²; the limit is 27
            "B03-408": 2.8 * 11.2 / 20.8,  # a section chief with 11.2 + 9.6 m²; the limit is 18
            "B11-203": 2.8 * 9.6 / 20.8,
            "B03-103": None,  # nobody measured it
        }
    )
    assert coverage(values, ids, "rooms")["B03-103"] == 0
    assert coverage(values, ids, "rooms")["B03-412"] == 1


def test_the_edition_of_the_area_standard_is_that_of_the_day(estate: Any) -> None:
    engine, _ = estate
    (edition,) = ask(engine, "over_quota").editions
    assert edition["edition"] == "2014"
    assert edition["citation"] == "发改投资〔2014〕2674号"
    assert {"tier": "county", "rank": "staff", "value": 9.0} in edition["values"]
    # Before the 2014 edition a head of county had 20 m²; nobody held a room then.
    past = ask(engine, "over_quota", now=datetime(2010, 1, 1, tzinfo=ZONE))
    assert [e["edition"] for e in past.editions] == ["1999"]


def test_the_excess_of_a_building_is_the_sum_of_its_rooms(estate: Any) -> None:
    engine, ids = estate
    found = by_key(ask(engine, "building_over_quota"), ids, "buildings")
    assert found == pytest.approx({"B03": 14.4 + 2.8 * 11.2 / 20.8, "B11": 2.8 * 9.6 / 20.8})


def test_occupancy_is_people_over_capacity_and_unknown_without_a_capacity(estate: Any) -> None:
    engine, ids = estate
    found = by_key(ask(engine, "occupancy"), ids, "rooms")
    assert found == pytest.approx(
        {
            "B03-408": 1.0,
            "B03-411": 0.0,
            "B03-412": 0.5,
            "B03-415": 0.75,
            "B03-101": 0.0,
            "B03-102": 1.0,
            "B03-103": None,
            "B11-203": 1.0,
        }
    )
    values = ask(engine, "building_occupancy")
    assert by_key(values, ids, "buildings") == pytest.approx({"B03": 6 / 30, "B11": 1.0})
    assert coverage(values, ids, "buildings")["B03"] == pytest.approx(6 / 7)


def test_area_a_person_sums_before_it_divides(estate: Any) -> None:
    engine, ids = estate
    found = by_key(ask(engine, "usable_area_per_person"), ids, "rooms")
    assert found == pytest.approx(
        {
            "B03-408": 11.2,
            "B03-412": 26.4,
            "B03-415": 8.7,
            "B03-102": 28.0,
            "B03-103": None,
            "B11-203": 9.6,
        }
    )
    values = ask(engine, "building_usable_area_per_person")
    assert by_key(values, ids, "buildings") == pytest.approx({"B03": 91.7 / 6, "B11": 9.6})
    assert coverage(values, ids, "buildings")["B03"] == pytest.approx(6 / 7)


def test_vacancy_is_of_offices_and_weighed_by_area(estate: Any) -> None:
    engine, ids = estate
    found = by_key(ask(engine, "vacancy"), ids, "rooms")
    assert found["B03-411"] == 1.0
    assert "B03-101" not in found  # a meeting room is no vacant office
    assert sum(found.values()) == 1.0
    values = ask(engine, "building_vacancy")
    assert by_key(values, ids, "buildings")["B03"] == pytest.approx(20 / 111.7)
    assert coverage(values, ids, "buildings")["B03"] == pytest.approx(5 / 6)


def test_assets_are_counted_on_their_room(estate: Any) -> None:
    engine, ids = estate
    assert by_key(ask(engine, "asset_count"), ids, "rooms") == {"B03-412": 2.0}


SEPTEMBER = ("2026-09-01", "2026-10-01")


def test_energy_counts_the_top_meters_once_through_a_roll_over(estate: Any) -> None:
    engine, ids = estate
    values = ask(engine, "kgce_per_m2", SEPTEMBER)
    # E-01 rolls over at 10^5 and counts 30 × 10 × 40 kWh; E-02 below it is part of that. The gas
    # meter fell silent after half the month: 15 × 5 m³, and the coverage says so.
    kgce = 12_000 * 0.1229 + 75 * 1.33
    assert by_key(values, ids, "buildings") == pytest.approx(
        {"B03": kgce / 500, "B57": 600 * 0.1229 / 260}
    )
    assert coverage(values, ids, "buildings") == pytest.approx({"B03": 0.75, "B57": 1.0})
    used = [(e["carrier"], e["method"], e["value"], e["edition"]) for e in values.editions]
    assert used == [
        ("electricity", "calorific", 0.1229, "2020"),
        ("gas", "calorific", 1.33, "2020"),
    ]


def test_the_equivalent_method_is_kept_apart(estate: Any) -> None:
    engine, ids = estate
    found = by_key(ask(engine, "kgce_equivalent_per_m2", SEPTEMBER), ids, "buildings")
    assert found["B57"] == pytest.approx(600 * 0.3 / 260)


def test_carbon_takes_the_newest_data_year_and_says_so(estate: Any) -> None:
    engine, ids = estate
    values = ask(engine, "kgco2_per_m2", SEPTEMBER)
    found = by_key(values, ids, "buildings")
    assert found["B03"] == pytest.approx(12_000 * 0.5306 / 500)
    assert coverage(values, ids, "buildings")["B03"] == 0.5  # the gas has no carbon factor
    (edition,) = values.editions
    assert edition["edition"] == "数据年份 2023"
    assert "newest" in edition["rule"]["en"]


def test_a_site_is_the_sum_of_its_buildings(estate: Any) -> None:
    engine, ids = estate
    values = ask(engine, "site_kgce_per_m2", SEPTEMBER)
    found = by_key(values, ids, "sites")
    kgce = 12_600 * 0.1229 + 75 * 1.33
    assert found == pytest.approx({"S01": kgce / (500 + 260 + 240)})
    # B03 is measured to three quarters, B57 wholly and B11 not at all.
    share = (0.75 * 500 + 260) / (500 + 260 + 240)
    assert coverage(values, ids, "sites")["S01"] == pytest.approx(share)


def test_a_month_without_readings_has_no_number(estate: Any) -> None:
    engine, ids = estate
    values = ask(engine, "kgce_per_m2", ("2026-05-01", "2026-06-01"))
    assert by_key(values, ids, "buildings") == {"B03": None, "B57": None}
    assert set(values.coverage) == {0.0}


def test_the_default_windows_are_full_months_and_days_of_the_service_clock() -> None:
    assert last_month(NOW, ZONE) == Window(
        datetime(2026, 8, 31, 16, tzinfo=UTC), datetime(2026, 9, 30, 16, tzinfo=UTC)
    )
    assert last_month(datetime(2026, 1, 5, tzinfo=UTC), ZONE).days == 31
    # 18:00 UTC on the 11th is already the 12th there.
    assert last_days(datetime(2026, 10, 11, 18, tzinfo=UTC), ZONE) == Window(
        datetime(2026, 10, 4, 16, tzinfo=UTC), datetime(2026, 10, 11, 16, tzinfo=UTC)
    )


def test_kilometres_a_day_are_zero_when_parked_and_nothing_when_not_heard_from(
    estate: Any,
) -> None:
    engine, ids = estate
    values = ask(engine, "km_per_day")
    assert by_key(values, ids, "vehicles") == pytest.approx(
        {
            "D0009": 0.0,
            "D0017": 41.6 / 7,
            "D0042": 45.3 / 7,
            "D0055": None,
            "D0066": 52.0 / 7,
        }
    )
    shares = coverage(values, ids, "vehicles")
    assert shares["D0009"] == 1.0
    assert shares["D0017"] == pytest.approx(458 / (7 * 24 * 60))
    hours = by_key(ask(engine, "moving_hours_per_day"), ids, "vehicles")
    assert hours["D0017"] == pytest.approx(2.5 / 7)


def test_a_trip_across_midnight_is_cut_there(estate: Any) -> None:
    engine, ids = estate
    # At midnight, 20 of its 105 minutes in, the car is half-way along the line.
    for day, km in (("08", 26.0), ("09", 26.0)):
        window = (f"2026-10-{day}", str(datetime(2026, 10, int(day)) + timedelta(days=1)))  # noqa: DTZ001
        found = by_key(ask(engine, "km_per_day", window), ids, "vehicles")
        assert found["D0066"] == pytest.approx(km, rel=1e-3)


def test_the_state_of_a_node_is_its_category(estate: Any) -> None:
    engine, ids = estate
    values = ask(engine, "node_state")
    assert by_key(values, ids, "network_nodes") == {
        "SW-1": "up",
        "SW-2": "down",
        "SW-3": "unknown",
    }
    classes = classify(measure("node_state"), values, layer("network_nodes"))
    assert classes.categories == list(CHOICES["node_state"])
    assert classes.colors[1] == "#d64545"


def test_an_actor_sees_the_measures_of_their_own_rooms_only(estate: Any) -> None:
    engine, ids = estate
    audit = Actor("audit", all_business((ids["bodies", "017"],)))
    assert set(by_key(ask(engine, "over_quota", actor=audit), ids, "rooms")) == {
        "B03-415",
        "B03-102",
    }
    assert ask(engine, "over_quota", actor=EVERYONE).ids == []


def test_a_measure_of_the_past_counts_who_sat_there_then(estate: Any) -> None:
    engine, ids = estate
    found = by_key(ask(engine, "occupancy", now=datetime(2025, 6, 1, tzinfo=ZONE)), ids, "rooms")
    assert found["B03-411"] == 0.5
    assert found["B03-412"] == 0.0


def test_people_who_left_hold_nothing_from_the_day_they_leave(database: Any) -> None:
    ids = small_estate.fill(database.engine)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE person SET left_on = '2026-10-12' WHERE name = '周试一'"))
        connection.execute(text("UPDATE person SET left_on = '2026-10-13' WHERE name = '钱甲'"))
    # The first leaves on the very day and holds nothing; the second leaves tomorrow.
    found = by_key(ask(database.engine, "over_quota"), ids, "rooms")
    assert "B03-412" not in found
    occupied = by_key(ask(database.engine, "occupancy"), ids, "rooms")
    assert occupied["B03-412"] == 0.0
    assert occupied["B03-415"] == 0.75
    day_before = ask(database.engine, "occupancy", now=NOW - timedelta(days=1))
    assert by_key(day_before, ids, "rooms")["B03-412"] == 0.5


def test_the_recorded_past_is_answered_from_the_history(database: Any) -> None:
    ids = small_estate.fill(database.engine)
    with database.engine.begin() as connection:
        then = connection.scalar(text("SELECT max(recorded_at) FROM change_set"))
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE room SET usable_area_m2 = 12 WHERE number = 'B03-412'"))
    now = ask(database.engine, "over_quota")
    assert by_key(now, ids, "rooms")["B03-412"] == 0.0
    # Occupancies count on the day of `at`, which the database's clock gives: from 2026 on.
    before = ask(database.engine, "over_quota", at=then)
    assert by_key(before, ids, "rooms")["B03-412"] == pytest.approx(14.4)


def test_no_values_have_no_classes_and_few_values_have_a_class_each() -> None:
    wanted, rooms = measure("over_quota"), layer("rooms")
    assert classify(wanted, Values(), rooms).colors == []
    few = Values(values=[0.0, 1.0, None])
    assert classify(wanted, few, rooms).breaks == [0.0]
    assert len(classify(wanted, few, rooms).colors_dark) == 2


def test_many_zeros_are_one_class_and_the_rest_is_classed_by_itself() -> None:
    zeros: list[float | str | None] = [0.0] * 900
    classes = classify(
        measure("over_quota"),
        Values(values=zeros + [float(n) for n in range(1, 101)]),
        layer("rooms"),
    )
    assert classes.breaks[0] == 0.0
    assert len(classes.breaks) == 4
    assert len(classes.colors) == len(classes.colors_dark) == 5
    assert classes.breaks == sorted(classes.breaks)


def test_names_are_unique_and_every_layer_exists() -> None:
    assert len({each.name for each in MEASURES}) == len(MEASURES)
    assert {each.layer for each in MEASURES} <= {each.name for each in LAYERS}
    with pytest.raises(NotFound, match="over_quota"):
        measure("overquota")


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(BadRequest):
        Window(NOW, NOW)

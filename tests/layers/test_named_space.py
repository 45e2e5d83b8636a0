"""Questions of office space on the small estate, against numbers counted by hand."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from layers.access import ESTATE, EVERYONE, Actor
from layers.measures.base import Question
from layers.named import named
from layers.named.space import NAMED
from layers.policy import all_business
from layers.registry import layer
from tests.layers.furnished import furnish
from tests.support.small_estate import Estate

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 10, 12, 9, tzinfo=ZONE)


@pytest.fixture(scope="module")
def estate(module_database: Any) -> tuple[Engine, Estate]:
    return module_database.engine, furnish(module_database.engine)


def ask(
    estate: tuple[Engine, Estate],
    name: str,
    actor: Actor = ESTATE,
    at: datetime | None = None,
    now: datetime = NOW,
) -> dict[str, dict[str, Any]]:
    """Return the rows of a filter by the keys of the small estate; no row comes twice."""
    engine, ids = estate
    wanted = named(name)
    keys = {number: key for (each, key), number in ids.ids.items() if each == wanted.layer}
    with engine.connect() as connection:
        found = connection.execute(wanted.ask(Question(actor, at, now, ZONE), {})).mappings().all()
    counted = Counter(keys[row["id"]] for row in found)
    assert set(counted.values()) <= {1}
    return {keys[row["id"]]: {k: v for k, v in row.items() if k != "id"} for row in found}


def of(ids: Estate, body: str) -> Actor:
    return Actor(body, all_business((ids["bodies", body],)))


def test_people_over_the_standard_are_judged_on_all_their_offices(estate: Any) -> None:
    found = ask(estate, "over_quota_people")
    assert found == {
        "P1": {"total_m2": 26.4, "standard_m2": 12, "over_m2": 14.4, "rooms": "B03-412"},
        "P6": {"total_m2": 20.8, "standard_m2": 18, "over_m2": 2.8, "rooms": "B03-408、B11-203"},
        "冯甲": {"total_m2": 15.0, "standard_m2": 9, "over_m2": 6.0, "rooms": "B57-101"},
        "冯乙": {"total_m2": 15.0, "standard_m2": 9, "over_m2": 6.0, "rooms": "B57-101"},
    }


def test_the_rooms_of_people_over_the_standard_share_what_they_are_over_by(estate: Any) -> None:
    found = {key: row["over_m2"] for key, row in ask(estate, "over_quota_rooms").items()}
    assert found == {
        "B03-412": 14.4,
        "B03-408": 1.51,  # 2.8 × 11.2 ÷ 20.8
        "B11-203": 1.29,  # 2.8 × 9.6 ÷ 20.8
        "B57-101": 12.0,
    }


def test_unplaced_are_those_in_post_without_a_room_today(estate: Any) -> None:
    found = set(ask(estate, "unplaced_people"))
    assert found == {"未落位", "状态未知", "曾落位", "明日离岗"}
    # Two weeks before, one of them still had a room and another had not left.
    before = set(ask(estate, "unplaced_people", now=NOW - timedelta(days=14)))
    assert before == {"未落位", "状态未知", "明日离岗", "今日离岗"}


def test_vacant_rooms_are_offices_and_say_for_how_long(estate: Any) -> None:
    engine, _ = estate
    assert ask(estate, "vacant_rooms") == {"B03-411": {"vacant_days": None}}
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE room SET vacant_since = '2026-10-01' WHERE number = 'B03-411'")
        )
    # 1 to 12 October.
    assert ask(estate, "vacant_rooms") == {"B03-411": {"vacant_days": 11}}
    earlier = ask(estate, "vacant_rooms", now=NOW - timedelta(days=30))
    assert earlier == {"B03-411": {"vacant_days": None}}


def test_a_body_rents_too_much_beyond_the_standards_of_who_sits_there(estate: Any) -> None:
    # 012 rents 10.0 m² for one person of 12 m² and is not among them.
    assert ask(estate, "leasing_bodies") == {
        "017": {
            "leased_m2": 42.0,
            "leased_office_m2": 30.0,
            "people": 2,
            "standard_m2": 18.0,
            "over_m2": 24.0,
        }
    }


def test_a_body_that_rents_for_nobody_rents_too_much_and_one_of_unknown_ranks_is_not_judged(
    database: Any,
) -> None:
    there = (database.engine, furnish(database.engine))
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE person SET rank = NULL WHERE name = '冯甲'"))
        connection.execute(text("UPDATE person SET state = 'left' WHERE name = '陈丙'"))
    found = ask(there, "leasing_bodies")
    assert found == {
        "012": {
            "leased_m2": 10.0,
            "leased_office_m2": 10.0,
            "people": 0,
            "standard_m2": 0.0,
            "over_m2": 10.0,
        }
    }
    # A room that nobody is recorded to own is rented by the body of its building.
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE room SET body_id = NULL WHERE number = 'B57-103'"))
        connection.execute(
            text("UPDATE building SET body_id = :body WHERE code = 'B57'"),
            {"body": there[1]["bodies", "001"]},
        )
    assert set(ask(there, "leasing_bodies")) == {"001"}


def test_rooms_to_vacate_name_who_is_still_there(estate: Any) -> None:
    # The room lies on two levels and is one room.
    assert ask(estate, "rooms_to_vacate") == {"B03-199": {"people": 1}}


def test_a_body_is_told_of_its_own_people_and_rooms_alone(estate: Any) -> None:
    _, ids = estate
    audit = of(ids, "017")
    assert set(ask(estate, "over_quota_people", audit)) == {"冯甲", "冯乙"}
    assert set(ask(estate, "unplaced_people", audit)) == {"状态未知", "明日离岗"}
    assert ask(estate, "vacant_rooms", audit) == {}
    assert set(ask(estate, "leasing_bodies", audit)) == {"017"}
    assert ask(estate, "rooms_to_vacate", audit) == {}
    assert ask(estate, "leasing_bodies", of(ids, "012")) == {}
    for each in NAMED:
        assert ask(estate, each.name, EVERYONE) == {}


def test_the_recorded_past_is_asked_about_by_its_own_facts(database: Any) -> None:
    there = (database.engine, furnish(database.engine))
    with database.engine.begin() as connection:
        then = connection.scalar(text("SELECT max(recorded_at) FROM change_set"))
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE room SET usable_area_m2 = 12 WHERE number = 'B03-412'"))
        connection.execute(text("UPDATE room SET state = 'in_use' WHERE number = 'B03-411'"))
        connection.execute(text("UPDATE room SET state = 'vacant' WHERE number = 'B03-199'"))
        connection.execute(text("UPDATE person SET state = 'retired' WHERE name = '未落位'"))
        connection.execute(text("UPDATE building SET tenure = 'owned' WHERE code = 'B57'"))
    assert "P1" not in ask(there, "over_quota_people")
    assert ask(there, "over_quota_people", at=then)["P1"]["over_m2"] == 14.4
    assert set(ask(there, "vacant_rooms")) == {"B03-199"}
    assert set(ask(there, "vacant_rooms", at=then)) == {"B03-411"}
    assert set(ask(there, "rooms_to_vacate", at=then)) == {"B03-199"}
    assert "未落位" not in ask(there, "unplaced_people")
    assert "未落位" in ask(there, "unplaced_people", at=then)
    assert ask(there, "leasing_bodies") == {}
    assert set(ask(there, "leasing_bodies", at=then)) == {"017"}


@pytest.mark.parametrize("each", NAMED, ids=lambda each: each.name)
def test_a_filter_adds_the_columns_it_names_and_sorts_by_columns_there_are(each: Any) -> None:
    wanted = layer(each.layer)
    asked = each.ask(Question(ESTATE, None, NOW, ZONE), {})
    added = [column.name for column in each.columns]
    assert sorted(asked.subquery().c.keys()) == sorted(["id", *added])
    assert not set(added) & set(wanted.table.c.keys())
    for name in each.order.split(","):
        assert name.removeprefix("-") in {*added, *wanted.table.c.keys()}

"""What the rules of office space say of one thing, against the small estate's stated numbers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from layers.access import ESTATE, Actor
from layers.insights import Told
from layers.policy import all_business
from tests.layers.asking import NOW, lines, told, value
from tests.layers.furnished import furnish
from tests.support.small_estate import Estate

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def estate(module_database: Any) -> tuple[Engine, Estate]:
    return module_database.engine, furnish(module_database.engine)


def ask(
    estate: tuple[Engine, Estate],
    layer: str,
    name: str,
    key: str,
    actor: Actor = ESTATE,
    **when: Any,
) -> Told | None:
    engine, ids = estate
    return told(engine, layer, name, ids[layer, key], actor, **when)


def says(said: Told | None) -> tuple[str, str]:
    assert said is not None
    return said.status, said.headline.zh


def test_a_person_over_the_standard_is_told_by_how_much_and_where(estate: Any) -> None:
    _, ids = estate
    said = ask(estate, "persons", "area_standard", "P6")
    assert says(said) == ("bad", "合计 20.8 m²，超出正科级标准 18 m² 共 2.8 m²")
    assert (value(said, "total_m2"), value(said, "standard_m2")) == (20.8, 18.0)
    assert value(said, "over_m2") == 2.8
    assert value(said, "edition") == "2014"
    assert [(line.value, line.link) for line in lines(said, "room")] == [
        (11.2, ("rooms", ids["rooms", "B03-408"])),
        (9.6, ("rooms", ids["rooms", "B11-203"])),
    ]
    alone = ask(estate, "persons", "area_standard", "P1")
    assert says(alone) == ("bad", "合计 26.4 m²，超出副科级标准 12 m² 共 14.4 m²")
    assert alone is not None
    assert alone.headline.en.startswith("26.4 m² in all, 14.4 m² over the standard of 12 m²")


def test_a_person_within_the_standard_is_told_so(estate: Any) -> None:
    chief = ask(estate, "persons", "area_standard", "P2")
    assert says(chief) == ("ok", "28.0 m² ≤ 30 m²，符合标准")
    assert value(chief, "left_m2") == 2.0
    third = ask(estate, "persons", "area_standard", "P3")
    assert says(third) == ("ok", "8.7 m² ≤ 9 m²，符合标准")
    (line,) = lines(third, "room")
    assert line.title.zh == "办公室 B03-415（占 33%）"


def test_a_person_without_a_room_is_told_so_only_when_in_post(estate: Any) -> None:
    assert says(ask(estate, "persons", "area_standard", "未落位"))[0] == "attention"
    assert ask(estate, "persons", "area_standard", "退休") is None
    assert ask(estate, "persons", "area_standard", "借调在外") is None


def test_what_is_not_known_is_not_judged_unless_the_rest_is_too_much(database: Any) -> None:
    there = (database.engine, furnish(database.engine))
    unmeasured = ask(there, "persons", "area_standard", "P7")
    assert says(unmeasured) == ("neutral", "无法核定：B03-103 的使用面积未记录")
    room = ask(there, "rooms", "area_standard", "B03-103")
    assert says(room) == ("neutral", "无法核定：使用面积未记录")
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE person SET rank = NULL WHERE name = '周试一'"))
        connection.execute(text("UPDATE person SET rank = 'ministry_chief' WHERE name = '钱甲'"))
        connection.execute(text("UPDATE room SET usable_area_m2 = NULL WHERE number = 'B03-408'"))
        connection.execute(text("UPDATE room SET usable_area_m2 = 20 WHERE number = 'B11-203'"))
    assert says(ask(there, "persons", "area_standard", "P1")) == (
        "neutral",
        "无法核定：职级未记录",
    )
    assert says(ask(there, "persons", "area_standard", "P3")) == (
        "neutral",
        "无法核定：当日有效的县级标准没有“部级正职”",
    )
    assert says(ask(there, "rooms", "area_standard", "B03-415")) == (
        "neutral",
        "无法核定：有使用人没有面积标准",
    )
    # One of two rooms is not measured; the other is already more than 18 m².
    assert says(ask(there, "persons", "area_standard", "P6")) == (
        "bad",
        "合计 至少 20.0 m²，超出正科级标准 18 m² 共 至少 2.0 m²",
    )


def test_a_room_is_held_against_the_standards_of_who_sits_there(estate: Any) -> None:
    _, ids = estate
    shared = ask(estate, "rooms", "area_standard", "B03-415")
    assert says(shared) == ("ok", "26.1 m² ≤ 3 人标准之和 27 m²，符合标准")
    assert [(line.value, line.link) for line in lines(shared, "person")] == [
        (9.0, ("persons", ids["persons", key])) for key in ("P5", "P4", "P3")
    ]
    assert says(ask(estate, "rooms", "area_standard", "B03-412")) == (
        "bad",
        "26.4 m²，超出副科级标准 12 m² 共 14.4 m²",
    )
    assert ask(estate, "rooms", "area_standard", "B03-411") is None
    assert ask(estate, "rooms", "area_standard", "B03-101") is None


def test_a_room_says_who_is_judged_on_more_rooms_than_this(estate: Any) -> None:
    said = ask(estate, "rooms", "area_standard", "B03-408")
    assert says(said) == (
        "attention",
        "11.2 m² ≤ 正科级标准 18 m²；但 孙正科 按个人全部办公室合计超面积",
    )
    assert value(said, "all_offices") == 20.8
    assert not lines(ask(estate, "rooms", "area_standard", "B03-412"), "all_offices")


def test_an_actor_is_told_of_the_part_of_a_room_that_their_own_people_hold(database: Any) -> None:
    there = (database.engine, furnish(database.engine))
    with database.engine.begin() as connection:
        connection.execute(
            text("UPDATE person SET body_id = :body WHERE name IN ('钱甲', '钱乙')"),
            {"body": there[1]["bodies", "012"]},
        )
    education = Actor("012", all_business((there[1]["bodies", "012"],)))
    said = ask(there, "rooms", "area_standard", "B03-415", education)
    # Two thirds of 26.1 m² for two of 9 m² each.
    assert says(said) == ("ok", "17.4 m² ≤ 2 人标准之和 18 m²，符合标准")


def test_a_vacant_office_says_since_when(estate: Any) -> None:
    engine, _ = estate
    assert says(ask(estate, "rooms", "vacancy", "B03-411")) == (
        "attention",
        "空置，起始日未记录",
    )
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE room SET vacant_since = '2026-04-01' WHERE number = 'B03-411'")
        )
    said = ask(estate, "rooms", "vacancy", "B03-411")
    # 29 days left in April, 31, 30, 31, 31 and 30 to the end of September, and 12: less the first.
    assert says(said) == ("attention", "自 2026-04-01 起空置，已 194 天")
    assert value(said, "vacant_since") == date(2026, 4, 1)
    assert ask(estate, "rooms", "vacancy", "B03-412") is None


def test_a_level_and_a_building_sum_up_their_offices(estate: Any) -> None:
    first = ask(estate, "levels", "occupancy", "B03-1")
    # 408, 411, 412, 415 and 199, which lies on both levels: 11.2 + 20 + 26.4 + 26.1 + 14.
    assert says(first) == ("attention", "5 间办公室中 1 间空置，20.0 m²")
    assert value(first, "area_m2") == pytest.approx(97.7)
    assert (value(first, "people"), value(first, "capacity")) == (6, 9)
    building = ask(estate, "buildings", "occupancy", "B03")
    # With 102 (28.0) and 103, which nobody measured; 199 once.
    assert says(building) == ("attention", "7 间办公室中 1 间空置，20.0 m²")
    assert value(building, "area_m2") == pytest.approx(125.7)
    assert value(building, "people") == 8
    leased = ask(estate, "buildings", "occupancy", "B57")
    assert says(leased) == ("neutral", "2 间办公室，无空置")
    audit = Actor("017", all_business((estate[1]["bodies", "017"],)))
    seen = ask(estate, "buildings", "occupancy", "B03", audit)
    assert (value(seen, "offices"), value(seen, "people")) == (2, 4)


def test_a_body_is_told_what_it_holds_rents_and_whom_it_has_not_placed(estate: Any) -> None:
    said = ask(estate, "bodies", "space", "017")
    # The chief, three staff, two staff in B57, and two without a room; one has left today.
    status, headline = says(said)
    assert status == "attention"
    assert headline.split("；") == [
        "在职 8 人",
        "用房 4 间 96.1 m²",
        "2 人未落位",
        "租用 42.0 m²，超出其中 2 人标准之和 18 m² 共 24.0 m²",
    ]
    assert value(said, "standard_m2") == 30 + 7 * 9
    assert (value(said, "offices"), value(said, "office_m2")) == (3, pytest.approx(84.1))
    assert (value(said, "leased_m2"), value(said, "leased_over_m2")) == (42.0, 24.0)
    education = ask(estate, "bodies", "space", "012")
    assert value(education, "leased_over_m2") == -2.0
    assert "租用" not in says(education)[1]
    assert ask(estate, "bodies", "space", "001") is None


def test_a_past_day_is_told_by_who_sat_there_then(estate: Any) -> None:
    before = NOW - timedelta(days=14)
    placed = ask(estate, "persons", "area_standard", "曾落位", now=before)
    assert says(placed) == ("bad", "合计 20.0 m²，超出科级以下标准 9 m² 共 11.0 m²")
    assert says(ask(estate, "persons", "area_standard", "曾落位"))[0] == "attention"
    long_ago = datetime(2010, 1, 1, tzinfo=ZONE)
    # Nobody in 2010 held a room by their dates; those without dates hold theirs at all times.
    unjudged = ask(estate, "persons", "area_standard", "冯甲", now=long_ago)
    assert says(unjudged) == ("neutral", "无法核定：当日有效的县级标准没有“科级以下”")


def test_the_recorded_past_is_told_by_its_own_facts(database: Any) -> None:
    there = (database.engine, furnish(database.engine))
    with database.engine.begin() as connection:
        then = connection.scalar(text("SELECT max(recorded_at) FROM change_set"))
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE room SET usable_area_m2 = 12 WHERE number = 'B03-412'"))
        connection.execute(text("UPDATE room SET state = 'in_use' WHERE number = 'B03-411'"))
    assert says(ask(there, "persons", "area_standard", "P1"))[0] == "ok"
    assert says(ask(there, "persons", "area_standard", "P1", at=then))[0] == "bad"
    assert says(ask(there, "rooms", "area_standard", "B03-412", at=then))[0] == "bad"
    assert ask(there, "rooms", "vacancy", "B03-411") is None
    assert ask(there, "rooms", "vacancy", "B03-411", at=then) is not None
    assert value(ask(there, "levels", "occupancy", "B03-1", at=then), "vacant") == 1
    assert value(ask(there, "bodies", "space", "017", at=then), "leased_m2") == 42.0

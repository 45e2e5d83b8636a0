"""What the search box finds, in which order, and for whom."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from layers.access import ESTATE, EVERYONE, Actor
from layers.places import paths, read_path
from layers.policy import all_business
from layers.problems import BadRequest
from layers.registry import layer
from layers.search import search
from layers.search_entries import fold, pinyin, refresh
from tests.support import small_estate


@pytest.fixture(scope="module")
def estate(module_database: Any) -> tuple[Engine, small_estate.Estate]:
    return module_database.engine, small_estate.fill(module_database.engine)


def find(engine: Engine, query: str, actor: Actor = ESTATE, limit: int = 10) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(search(actor, query, limit)).all())


@pytest.mark.parametrize("query", ["演A·D0017", "演AD0017", "演a•d0017", "ad0017", "ＡD0017"])
def test_a_plate_is_found_with_or_without_its_dot_and_in_any_width(estate: Any, query: str) -> None:
    engine, ids = estate
    first = find(engine, query)[0]
    assert (first.layer, first.id) == ("vehicles", ids["vehicles", "D0017"])
    assert first.text == "演A·D0017"
    assert first.title == "演A·D0017 轿车 D0017"


def test_a_vehicle_is_shown_where_it_was_last_seen(estate: Any) -> None:
    engine, _ = estate
    first = find(engine, "演AD0017")[0]
    assert (first.lon, first.lat) == pytest.approx((119.60125, 38.90125))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("会议", ("rooms", "B03-101")),
        ("第一会议室", ("rooms", "B03-101")),
        ("huiyi", ("rooms", "B03-101")),
        ("dyhys", ("rooms", "B03-101")),
        ("周试一", ("persons", "P1")),
        ("周试", ("persons", "P1")),
        ("zhoushiyi", ("persons", "P1")),
        ("zsy", ("persons", "P1")),
        ("3D4E", ("assets", "ZC-2023-003417")),
        ("3d4e", ("assets", "ZC-2023-003417")),
        ("003417", ("assets", "ZC-2023-003417")),
        ("审计局", ("bodies", "017")),
        ("building three", ("buildings", "B03")),
        ("b03-412", ("rooms", "B03-412")),
        ("云汀路", ("sites", "S01")),
    ],
)
def test_words_pinyin_initials_tags_and_languages_are_found(
    estate: Any, query: str, found: tuple[str, str]
) -> None:
    engine, ids = estate
    first = find(engine, query)[0]
    assert (first.layer, first.id) == (found[0], ids[found])


def test_the_exact_text_comes_before_what_begins_with_it_and_what_holds_it(estate: Any) -> None:
    engine, ids = estate
    found = [(hit.layer, hit.id) for hit in find(engine, "B03", limit=20)]
    assert found[0] == ("buildings", ids["buildings", "B03"])
    assert {"rooms"} == {name for name, _ in found[1:8]}
    only = [hit.text for hit in find(engine, "E-01", limit=20)]
    assert only[0] == "E-01"


def test_a_row_found_by_several_texts_is_listed_once(estate: Any) -> None:
    engine, ids = estate
    found = [(hit.layer, hit.id) for hit in find(engine, "D0017", limit=20)]
    assert found == [("vehicles", ids["vehicles", "D0017"])]


@pytest.mark.parametrize("query", ["%", "_", "100%", "\\"])
def test_wildcards_mean_themselves(estate: Any, query: str) -> None:
    engine, _ = estate
    assert find(engine, query) == []


def test_the_public_finds_public_rows_only(estate: Any) -> None:
    engine, ids = estate
    assert find(engine, "周试一", EVERYONE) == []
    assert [hit.layer for hit in find(engine, "会议", EVERYONE)] == ["rooms"]
    audit = Actor("audit", all_business((ids["bodies", "017"],)))
    assert find(engine, "周试一", audit) == []
    assert [hit.id for hit in find(engine, "钱甲", audit)] == [ids["persons", "P3"]]
    assert find(engine, "B03-412", audit) == []


def test_a_room_says_its_level_building_and_site(estate: Any) -> None:
    engine, ids = estate
    wanted = {
        "rooms": [ids["rooms", "B03-412"]],
        "assets": [ids["assets", "ZC-2023-003417"]],
        "persons": [ids["persons", "P1"]],
        "meters": [ids["meters", "E-02"]],
        "sites": [ids["sites", "S01"]],
    }
    statement = paths(ESTATE, wanted)
    assert statement is not None
    with engine.connect() as connection:
        found = {
            row["layer"]: [(step.layer, step.name) for step in read_path(row)]
            for row in connection.execute(statement).mappings()
        }
    house = [("sites", "云汀区政府大院"), ("buildings", "3号楼")]
    upstairs = [*house, ("levels", "2层")]
    assert found == {
        "rooms": upstairs,
        "assets": [*upstairs, ("rooms", "B03-412")],
        "persons": [*upstairs, ("rooms", "B03-412")],
        "meters": [*house, ("levels", "1层")],
        "sites": [],
    }


def test_a_hit_without_a_place_of_its_own_is_shown_at_its_room(estate: Any) -> None:
    engine, _ = estate
    room, asset = find(engine, "B03-412")[0], find(engine, "3D4E")[0]
    assert (asset.lon, asset.lat) == (room.lon, room.lat)
    assert (asset.west, asset.north) == (room.west, room.north)
    person = find(engine, "周试一")[0]  # who sits in B03-412 and has left B03-411
    assert (person.lon, person.lat) == (room.lon, room.lat)


def test_refreshing_some_rows_forgets_their_old_texts(database: Any) -> None:
    ids = small_estate.fill(database.engine)
    person = ids["persons", "P1"]
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE person SET name = '周新名' WHERE id = %s", (person,))
        written = refresh(connection, layer("persons"), [person])
    assert written == 2  # name and staff number
    assert find(database.engine, "周试一") == []
    assert [hit.id for hit in find(database.engine, "zxm")] == [person]
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM person WHERE id = %s", (person,))
        assert refresh(connection, layer("persons"), [person]) == 0
    assert find(database.engine, "周新名") == []


def test_an_empty_query_is_refused() -> None:
    with pytest.raises(BadRequest):
        search(ESTATE, "  ")
    with pytest.raises(BadRequest):
        search(ESTATE, "长" * 101)


def test_folding_and_pinyin() -> None:
    assert fold(" 演Ａ·Ｄ0017 ") == "演ad0017"
    assert pinyin("会议室") == ("huiyishi", "hys")
    assert pinyin("b03-412") == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3号楼", ("3haolou", "3hl")),
        ("b座 12层", ("bzuo12ceng", "bz12c")),
        ("中心 east 楼", ("zhongxineastlou", "zxeastl")),
        ("été 2", (None, None)),
    ],
)
def test_what_is_not_chinese_stays_between_the_sounds(
    text: str, expected: tuple[str | None, str | None]
) -> None:
    assert pinyin(text) == expected


def test_texts_come_from_scattered_rows_in_all_their_languages(database: Any) -> None:
    small_estate.fill(database.engine)
    quoted = 'He said "甲\\乙",\nand left'
    with database.engine.begin() as connection:
        listed = connection.exec_driver_sql("SELECT id FROM building ORDER BY id").scalars().all()
        some = [*listed[:1], *listed[2:]]
        connection.exec_driver_sql("UPDATE building SET name = NULL, names = '{}', address = ''")
        connection.exec_driver_sql(
            "UPDATE building SET names = jsonb_build_object('en', %s::text, 'ug', '') "
            "WHERE id = %s",
            (quoted, some[0]),
        )
        refresh(connection, layer("buildings"), some)
        found = connection.exec_driver_sql(
            "SELECT id, field, text FROM search_entry WHERE layer = 'buildings' AND id = ANY(%s) "
            "AND field <> 'code'",
            (some,),
        ).all()
    assert [tuple(row) for row in found] == [(some[0], "names.en", 'he said "甲\\乙", and left')]

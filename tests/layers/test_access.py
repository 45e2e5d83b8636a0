"""Nobody reads beneath `rows`: what a scope may see, and what it may not."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from layers.access import ESTATE, EVERYONE, Actor, rows, subtree
from layers.base import table_of
from layers.energy import Meter, Reading
from layers.estate import Building, Level, LevelBuilding, Site
from layers.people import Body
from layers.policy import all_business
from layers.registry import LAYERS
from layers.space import Occupancy, Room, RoomLevel
from tests.layers.support import SQUARE, body, put


@pytest.fixture
def estate(database):
    """A county with two bodies in one building: finance owns it, culture occupies room 201."""
    with database.engine.begin() as c:
        county = body(c, "云汀区")
        finance, culture = body(c, "财政局", county), body(c, "文化局", county)
        library = body(c, "图书馆", culture)
        site = put(c, Site, name="大院", body_id=finance, geom=SQUARE)
        building = put(c, Building, name="1号楼", body_id=finance, site_id=site, geom=SQUARE)
        levels = [
            put(c, Level, name=f"{n}F", source_key=f"l{n}", body_id=finance, ordinal=n)
            for n in (0, 1)
        ]
        for level in levels:
            put(c, LevelBuilding, level_id=level, building_id=building)
        rooms = {}
        for number, level, category in (
            ("101", 0, "office"),
            ("201", 1, "office"),
            ("202", 1, "office"),
            ("走廊1", 0, "walkway"),
            ("走廊2", 1, "walkway"),
        ):
            rooms[number] = put(
                c,
                Room,
                number=number,
                source_key=number,
                category=category,
                body_id=finance,
                geom=SQUARE,
            )
            put(c, RoomLevel, room_id=rooms[number], level_id=levels[level])
        put(c, Occupancy, source_key="o", room_id=rooms["201"], body_id=library)
        other = put(c, Building, name="别处", body_id=finance, geom=SQUARE)
        public = put(c, Building, name="公园亭", geom=SQUARE)
    with database.engine.connect() as connection:
        scope = tuple(connection.execute(subtree(culture)).scalars())
    return {
        "engine": database.engine,
        "culture": Actor("culture", all_business(scope)),
        "rooms": rooms,
        "building": building,
        "other": other,
        "public": public,
        "site": site,
        "levels": levels,
        "bodies": {"culture": culture, "library": library, "finance": finance},
    }


def _ids(estate, model, actor, at=None):
    source = rows(model, actor, at)
    with estate["engine"].connect() as connection:
        return set(connection.execute(sa.select(source.c.id)).scalars())


def test_a_scope_is_the_subtree_of_its_body(estate):
    assert set(estate["culture"].grants[0].bodies or ()) == {
        estate["bodies"]["culture"],
        estate["bodies"]["library"],
    }


def test_an_occupier_sees_its_room_and_what_holds_it_and_no_other(estate):
    culture = estate["culture"]
    rooms = estate["rooms"]
    assert _ids(estate, Room, culture) == {rooms["201"], rooms["走廊2"]}
    assert _ids(estate, Level, culture) == {estate["levels"][1]}
    assert _ids(estate, Building, culture) == {estate["building"], estate["public"]}
    assert _ids(estate, Site, culture) == {estate["site"]}
    assert _ids(estate, Body, culture) == set(culture.grants[0].bodies or ())


def test_without_a_token_only_public_rows_are_seen(estate):
    assert _ids(estate, Building, EVERYONE) == {estate["public"]}
    for layer in LAYERS:
        if layer.name not in ("buildings", "readings", "positions"):
            assert _ids(estate, layer.model, EVERYONE) == set(), layer.name


def test_the_whole_estate_sees_every_row(estate):
    assert len(_ids(estate, Room, ESTATE)) == 5
    assert len(_ids(estate, Building, ESTATE)) == 3


def test_links_of_rooms_that_are_not_seen_are_not_seen(estate):
    source = rows(RoomLevel, estate["culture"])
    with estate["engine"].connect() as connection:
        seen = set(connection.execute(sa.select(source.c.room_id)).scalars())
    assert seen == {estate["rooms"]["201"], estate["rooms"]["走廊2"]}


def test_a_series_is_seen_with_its_thing(estate):
    engine = estate["engine"]
    with engine.begin() as c:
        mine = put(c, Meter, number="E-1", source_key="1", body_id=estate["bodies"]["library"])
        theirs = put(c, Meter, number="E-2", source_key="2", body_id=estate["bodies"]["finance"])
        c.execute(sa.text("SELECT onemap_partition('reading', '2026-01-31', '2026-03-01')"))
        for meter in (mine, theirs):
            c.execute(
                sa.insert(table_of(Reading)).values(
                    meter_id=meter, time="2026-02-03T00:00:00Z", value=1
                )
            )
    source = rows(Reading, estate["culture"])
    with engine.connect() as c:
        assert set(c.execute(sa.select(source.c.meter_id)).scalars()) == {mine}


def test_the_past_is_judged_by_the_rows_own_body_and_todays_grants(estate):
    engine, culture = estate["engine"], estate["culture"]
    occupancy = table_of(Occupancy)
    with engine.begin() as c:
        at = c.execute(sa.text("SELECT max(recorded_at) FROM change_set")).scalar_one()
        c.execute(sa.update(occupancy).values(room_id=estate["rooms"]["101"]))
    assert estate["rooms"]["101"] in _ids(estate, Room, culture)
    assert estate["rooms"]["201"] in _ids(estate, Room, culture, at)
    assert estate["rooms"]["101"] not in _ids(estate, Room, culture, at)


def test_now_is_a_plain_subquery_and_the_spatial_index_serves(database):
    with database.engine.begin() as c:
        c.execute(
            sa.text(
                "INSERT INTO building (source, source_key, geom) SELECT 's', i::text, "
                "ST_Multi(ST_Expand(ST_SetSRID(ST_Point(119 + (i % 300) * 0.003, "
                "38 + i / 300 * 0.003), 4326), 0.001)) "
                "FROM generate_series(1, 30000) i"
            )
        )
        c.execute(sa.text("ANALYZE building"))
        for actor in (ESTATE, EVERYONE, Actor("x", all_business((1, 2, 3)))):
            source = rows(Building, actor)
            query = sa.select(source.c.id).where(
                source.c.geom.op("&&")(sa.func.ST_MakeEnvelope(119.1, 38.1, 119.11, 38.11, 4326))
            )
            compiled = query.compile(c.engine)
            explained = c.exec_driver_sql("EXPLAIN " + str(compiled), compiled.params)
            plan = "\n".join(explained.scalars())
            assert "ix_building_geom" in plan, plan

"""Which tables a layer's tiles are read from, held to the plan that the database makes."""

from __future__ import annotations

from sqlalchemy import text

from layers.access import ESTATE, EVERYONE, Actor
from layers.policy import Grant, Role, all_business
from layers.registry import LAYERS, layer
from tiles.reads import reads, watched
from tiles.vector import drawable, tile_query

OWNER = Actor("a", all_business((1, 2)))
# What each sees masked of the other's bodies is decided row by row.
MIXED = Actor("b", (Grant(Role.DISPATCHER, (1,)), Grant(Role.VIEWER, (1, 2))))
VIEWER = Actor("c", (Grant(Role.VIEWER, (1,)),))


def relations(plan):
    if isinstance(plan, dict):
        if "Relation Name" in plan:
            yield plan["Relation Name"]
        plan = list(plan.values())
    if isinstance(plan, list):
        for each in plan:
            yield from relations(each)


def test_the_plan_of_a_tile_reads_no_other_table(module_database):
    from sqlalchemy.dialects.postgresql import dialect

    with module_database.engine.connect() as link:
        for each in LAYERS:
            if not drawable(each):
                continue
            for actor in (ESTATE, EVERYONE, OWNER, MIXED):
                for zoom in each.zooms:
                    query = tile_query(each, zoom, actor, None).compile(
                        dialect=dialect(), compile_kwargs={"literal_binds": True}
                    )
                    (plan,) = link.execute(text(f"EXPLAIN (FORMAT JSON) {query}")).one()
                    found = reads(each, actor.pattern)
                    assert {*relations(plan)} <= {found.own, *found.others}, each.name
                    assert ("onemap_now" in str(query)) == found.dated


def test_only_what_the_log_tells_of_is_kept():
    kept = {each.name for each in LAYERS if drawable(each) and reads(each, ESTATE.pattern).tracked}
    assert {"rooms", "buildings", "trips"} <= kept
    assert "positions" not in kept


def test_the_columns_of_further_rows_are_known():
    assert reads(layer("rooms"), ESTATE.pattern).others["level"] == {"id", "ordinal"}
    assert "room" not in reads(layer("rooms"), ESTATE.pattern).others
    # The circulation of a level is seen by whoever owns another room of it.
    assert reads(layer("rooms"), OWNER.pattern).others["room"] == {"id", "body_id"}
    assert "name" not in watched()["room"]
    assert "reading" not in watched()


def test_nobodys_tiles_depend_on_what_is_not_watched():
    told = {table: set(columns) for table, columns in watched().items()}
    tracked = {each.table.name for each in LAYERS if each.series is None}
    for each in LAYERS:
        if drawable(each) and each.series is None:
            for actor in (EVERYONE, VIEWER, MIXED):
                for table, columns in reads(each, actor.pattern).others.items():
                    if table in tracked:
                        assert columns - {"id"} <= told[table], (each.name, actor, table)

"""Tiles served from memory: the same as without it, whatever is changed meanwhile."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from api import feed as feeds
from api import tiles as door
from layers.base import Base, table_of
from layers.committing import committing
from layers.estate import Building
from layers.history import tracked_tables
from layers.registry import LAYERS
from tests.api.test_feed import kill_listeners, until
from tests.api.test_tiles import address, decode
from tests.layers.support import SQUARE, body, put
from tests.support import accounts, small_estate
from tiles.vector import drawable

GZIP = {"accept-encoding": "gzip"}
FAR = (119.7105, 38.9505)


def app_of(client):
    return client._transport.app


async def ready(client):
    state = app_of(client).state
    await until(lambda: state.feed.fresh)
    return state


@pytest.fixture
async def kept(database, serve):
    async with serve(database, tile_cache_mb=8) as client:
        await ready(client)
        yield client


async def test_a_second_asking_is_answered_from_memory_alike(kept, database):
    state = app_of(kept).state
    with committing(database.engine, state.ticks) as c:
        put(c, Building, name="楼", geom=SQUARE)
    first = await kept.get(address("buildings", 16))
    again = await kept.get(address("buildings", 16))
    assert (state.tiles_kept.tiles.misses, state.tiles_kept.tiles.hits) == (1, 1)
    assert (again.status_code, again.content) == (200, first.content)
    # What comes from memory is not numbered: nothing is told of it.
    assert first.headers.pop("x-request-id")
    assert {*again.headers.items()} == {*first.headers.items()}
    plain = await kept.get(address("buildings", 16), headers={"accept-encoding": "identity"})
    assert plain.content == first.content
    assert "content-encoding" not in plain.headers
    assert plain.headers["etag"] != first.headers["etag"]
    assert state.tiles_kept.tiles.hits == 2
    for tag in (plain.headers["etag"], first.headers["etag"]):
        known = await kept.get(address("buildings", 16), headers={"if-none-match": f'"x", {tag}'})
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["etag"] == first.headers["etag"]
        assert known.headers["vary"] == first.headers["vary"]
    assert state.tiles_kept.tiles.misses == 1


async def test_an_empty_tile_is_kept_until_something_comes_to_lie_in_it(kept, database):
    state = app_of(kept).state
    for _ in range(2):
        assert (await kept.get(address("buildings", 16))).status_code == 204
    assert state.tiles_kept.tiles.hits == 1
    with committing(database.engine, state.ticks) as c:
        put(c, Building, name="楼", geom=SQUARE)
    assert (await kept.get(address("buildings", 16))).status_code == 200


async def test_the_past_and_positions_are_never_kept(kept):
    for _ in range(2):
        await kept.get(address("buildings", 16), params={"at": "2026-10-12"})
        await kept.get(address("positions", 14))
    assert len(app_of(kept).state.tiles_kept.tiles) == 0


async def test_right_after_each_acknowledged_change_the_tile_shows_it(kept, database):
    state = app_of(kept).state
    with committing(database.engine, state.ticks) as c:
        made = put(c, Building, name="0", geom=SQUARE)
    change = sa.update(table_of(Building)).where(Building.id == made)
    for n in range(1, 60):
        with committing(database.engine, state.ticks) as c:
            c.execute(change.values(name=str(n)))
        for _ in range(2):
            (found,) = decode(await kept.get(address("buildings", 16)), "buildings")
            assert found["properties"]["name"] == str(n)
    assert state.tiles_kept.tiles.hits >= 50


async def test_what_was_read_before_a_change_is_not_kept_after_it(kept, database):
    state = app_of(kept).state
    connections = state.tile_connections
    with committing(database.engine, state.ticks) as c:
        made = put(c, Building, name="旧", geom=SQUARE)
    fetchrow, read, go = connections.fetchrow, asyncio.Event(), asyncio.Event()

    async def held(*arguments):
        row = await fetchrow(*arguments)
        read.set()
        await go.wait()
        return row

    connections.fetchrow = held
    early = asyncio.create_task(kept.get(address("buildings", 16)))
    await read.wait()
    connections.fetchrow = fetchrow
    with committing(database.engine, state.ticks) as c:
        c.execute(sa.update(table_of(Building)).where(Building.id == made).values(name="新"))
    (late,) = decode(await kept.get(address("buildings", 16)), "buildings")
    assert late["properties"]["name"] == "新"
    go.set()
    (first,) = decode(await early, "buildings")
    assert first["properties"]["name"] == "旧"
    (after,) = decode(await kept.get(address("buildings", 16)), "buildings")
    assert after["properties"]["name"] == "新"


async def test_those_who_ask_together_wait_for_one_making(kept, database):
    state = app_of(kept).state
    asked, fetchrow = [], state.tile_connections.fetchrow

    async def counted(*arguments):
        asked.append(1)
        await asyncio.sleep(0.05)
        return await fetchrow(*arguments)

    state.tile_connections.fetchrow = counted
    await asyncio.gather(*(kept.get(address("buildings", 16)) for _ in range(8)))
    assert len(asked) == 1


async def test_a_failed_making_is_told_to_all_and_not_kept(kept):
    state = app_of(kept).state
    fetchrow = state.tile_connections.fetchrow

    async def broken(*_):
        await asyncio.sleep(0.02)
        raise RuntimeError

    state.tile_connections.fetchrow = broken
    answers = await asyncio.gather(*(kept.get(address("buildings", 16)) for _ in range(3)))
    assert [each.status_code for each in answers] == [500] * 3
    state.tile_connections.fetchrow = fetchrow
    assert (await kept.get(address("buildings", 16))).status_code == 204


async def test_while_nobody_listens_nothing_is_served_from_memory(kept, database, monkeypatch):
    state = app_of(kept).state
    with committing(database.engine, state.ticks) as c:
        made = put(c, Building, name="旧", geom=SQUARE)
        put(
            c,
            Building,
            name="他",
            geom=sa.func.ST_Translate(sa.func.ST_GeomFromEWKT(SQUARE), 0.11, 0.05),
        )
    near, far = address("buildings", 16), address("buildings", 16, *FAR)
    for each in (near, far):
        await kept.get(each)
    assert len(state.tiles_kept.tiles) == 2
    with monkeypatch.context() as held:
        held.setattr(feeds, "PAUSES_S", (0.3, 0.3))
        kill_listeners(database)
        await until(lambda: not state.feed.live)
    with committing(database.engine) as c:  # of another host: nobody counts it
        c.execute(sa.update(table_of(Building)).where(Building.id == made).values(name="新"))
    hits = state.tiles_kept.tiles.hits
    (found,) = decode(await kept.get(near), "buildings")
    assert found["properties"]["name"] == "新"
    assert not state.feed.live
    assert state.tiles_kept.tiles.hits == hits
    # Once somebody listens again, what was changed meanwhile is dropped, and nothing else.
    await until(lambda: state.feed.fresh)
    assert state.tiles_kept.tiles.held() == [("all", far)]
    (found,) = decode(await kept.get(near), "buildings")
    assert found["properties"]["name"] == "新"


async def test_a_revoked_token_ends_with_the_next_request(database, serve):
    with committing(database.engine) as c:
        mine = body(c, "甲局")
        put(c, Building, name="甲", body_id=mine, geom=SQUARE)
        accounts.with_token(c, "甲", "secret", body_id=mine)
    async with serve(database, anonymous="public", tile_cache_mb=8) as client:
        state = await ready(client)
        token = {"authorization": "Bearer secret"}
        for _ in range(3):
            found = await client.get(address("buildings", 16), headers=token)
            assert found.status_code == 200
            assert (await client.get(address("buildings", 16))).status_code == 204
        assert state.tiles_kept.tiles.misses == 2
        with committing(database.engine, state.ticks) as c:
            accounts.revoke_all(c)
        assert (await client.get(address("buildings", 16), headers=token)).status_code == 401
        # Where nobody counts it, some seconds pass.
        with committing(database.engine, state.ticks) as c:
            accounts.revoke_all(c, again=True)
        assert (await client.get(address("buildings", 16), headers=token)).status_code == 200
    async with serve(database, anonymous="refuse", tile_cache_mb=8) as client:
        await ready(client)
        for _ in range(2):
            assert (await client.get(address("buildings", 16))).status_code == 401


async def test_a_unit_sees_its_own_and_moving_it_in_the_tree_is_seen_at_once(database, serve):
    with committing(database.engine) as c:
        top = body(c, "上级")
        other = body(c, "另一上级")
        unit = body(c, "下级", top)
        put(c, Building, name="下", body_id=unit, geom=SQUARE)
    async with serve(database, tile_cache_mb=8) as client:
        state = await ready(client)
        path = address("buildings", 16)
        for _ in range(2):
            assert (await client.get(path, params={"unit": top})).status_code == 200
            assert (await client.get(path, params={"unit": other})).status_code == 204
        assert state.tiles_kept.tiles.hits == 2
        with committing(database.engine, state.ticks) as c:
            c.execute(
                sa.text(
                    "UPDATE body SET path = CAST(:path AS ltree), parent_id = :p WHERE id = :i"
                ),
                {"path": f"{other}.{unit}", "p": other, "i": unit},
            )
        assert (await client.get(path, params={"unit": top})).status_code == 204
        assert (await client.get(path, params={"unit": other})).status_code == 200
        assert (await client.get(path, params={"unit": "x"})).status_code == 400


async def test_a_tile_that_depends_on_the_day_ends_with_it(database, serve, monkeypatch):
    with committing(database.engine) as c:
        mine = body(c, "甲局")
    async with serve(database, tile_cache_mb=8) as client:
        state = await ready(client)
        path, unit = address("buildings", 16), {"unit": mine}
        await client.get(path, params=unit)
        await client.get(path, params=unit)
        assert state.tiles_kept.tiles.hits == 1
        left = state.feed.day(state.config.zone)[1] - time.monotonic()
        later = time.monotonic
        monkeypatch.setattr(door.time, "monotonic", lambda: later() + left + 1)
        await client.get(path, params=unit)
        assert state.tiles_kept.tiles.hits == 1


def _values(chance, column, ids):
    """Return a value for a column that is there in the small estate."""
    if column.name in ("valid_from", "valid_to"):
        if column.name == "valid_to":
            return None
        return (datetime.now(UTC) + timedelta(days=chance.choice((-9, 9)))).date()
    reference = column.info.get("reference")
    if reference:
        known = ids.get(reference, [])
        return chance.choice(known) if known else None
    if column.name == "geom":
        return None
    return chance.choice((None, "一", "二")) if column.name == "name" else ...


async def test_after_any_change_no_kept_tile_differs_from_one_that_is_made_anew(database, serve):
    estate = small_estate.fill(database.engine)
    chance = random.Random(20261012)
    zooms = {each.name: each.zooms[1] for each in LAYERS if drawable(each)}
    paths = [
        address(name, min(zoom, 17), 119.6 + dx, 38.9 + dx)
        for name, zoom in zooms.items()
        for dx in (0.00005, 0.0008)
    ]
    bodies = [estate["bodies", key] for key in ("001", "012", "017")]
    callers = [None, *bodies]
    tables = [t for t in tracked_tables() if t.name in WRITTEN]
    async with serve(database, tile_cache_mb=8) as kept, serve(database) as plain:
        state = await ready(kept)
        asked = [(p, {"unit": u} if u else {}) for p in paths for u in callers]
        made = 0
        for _ in range(40):
            made += _changed_at_random(chance, database, tables, state.ticks)
            for path, params in asked:
                if chance.random() < 0.15:
                    mine, true = await asyncio.gather(
                        kept.get(path, params=params), plain.get(path, params=params)
                    )
                    assert mine.status_code == true.status_code
                    assert mine.content == true.content, (path, params)
        assert made > 25
        assert state.tiles_kept.tiles.hits > 200


WRITTEN = (
    "site", "building", "level", "room", "opening", "occupancy", "person", "room_level",
    "level_building", "vehicle", "trip", "network_node", "network_link",
)  # fmt: skip


def _changed_at_random(chance, database, tables, ticks):
    """Change, move, delete or double one random row; 0 where the database refuses."""
    try:
        with committing(database.engine, ticks) as c:
            ids = {
                t.name: list(c.scalars(sa.select(t.c.id).order_by(t.c.id)))
                for t in [*tables, Base.metadata.tables["body"]]
            }
            table = chance.choice(tables)
            if not ids[table.name]:
                return 0
            row = table.c.id == chance.choice(ids[table.name])
            way = chance.random()
            if way < 0.1:
                c.execute(sa.delete(table).where(row))
            elif way < 0.4 and "geom" in table.c:
                shift = chance.choice((-0.0008, 0.0, 0.0003, 0.0008))
                moved = sa.func.ST_Translate(table.c.geom, shift, shift)
                c.execute(sa.update(table).where(row).values(geom=moved))
            else:
                columns = [k for k in table.c if k.info.get("reference") or k.name == "name"
                           or k.name.startswith("valid_") or k.name == "ordinal"]  # fmt: skip
                column = chance.choice(columns)
                value = (
                    chance.randint(-1, 3)
                    if column.name == "ordinal"
                    else _values(chance, column, ids)
                )
                c.execute(sa.update(table).where(row).values({column.name: value}))
    except sa.exc.DBAPIError:
        return 0
    return 1

"""Changes as open pages are told them: each once, in order, and to those alone who may see."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from contextlib import asynccontextmanager

import httpx
import pytest
import sqlalchemy as sa

from api import events as hub
from api.routes import events as route
from layers.base import table_of
from layers.committing import committing
from layers.estate import Building, Level
from layers.people import Person
from layers.space import Occupancy, Room, RoomLevel
from layers.ticks import Ticks
from tests.layers.support import SQUARE, body, put
from tests.support import accounts
from tests.support.live import listening
from tests.support.service import services


class Page:
    """An open page: what it was told, event by event."""

    def __init__(self, response):
        self.lines = response.aiter_lines()

    async def next(self, patience_s=10):
        """Return name, data and place of the next event; comments are passed over."""
        found = {}
        async with asyncio.timeout(patience_s):
            async for line in self.lines:
                name, colon, value = line.partition(": ")
                if name and colon:
                    found[name] = value
                elif not line and "event" in found:
                    break
        seq = found.get("id")
        return found.get("event"), json.loads(found.get("data", "{}")), seq and int(seq)


@asynccontextmanager
async def opened(address, **options):
    timeout = httpx.Timeout(10, read=None)
    async with httpx.AsyncClient(base_url=address, timeout=timeout, trust_env=False) as client:
        async with client.stream("GET", "/events", **options) as response:
            assert response.status_code == 200, await response.aread()
            assert response.headers["content-type"].startswith("text/event-stream")
            assert "content-encoding" not in response.headers
            yield Page(response)


@pytest.fixture
def ticks(tmp_path):
    return Ticks.of(tmp_path / "ticks")


async def test_a_page_is_told_what_changed_where_by_whom_and_why(database, ticks):
    with listening(database.app_url, ticks=ticks.path) as address:
        async with opened(address) as page:
            assert await page.next() == ("hello", {"seq": 0}, 0)
            with committing(database.engine, ticks) as c:
                for name, value in (("actor", "张三"), ("reason", "新楼")):
                    c.execute(sa.select(sa.func.set_config(f"onemap.{name}", value, True)))
                made = put(c, Building, name="楼", geom=SQUARE)
            name, told, seq = await page.next()
            assert (name, seq, told["seq"]) == ("change", 1, 1)
            assert (told["actor"], told["reason"]) == ("张三", "新楼")
            assert told["at"][-6:] == "+00:00"
            part = told["layers"].pop("buildings")
            assert not told["layers"]
            assert part["ids"] == [made]
            assert part["bbox"] == pytest.approx([119.6, 38.9, 119.601, 38.901], abs=1e-4)
            assert part["extents"] == [part["bbox"]]


async def test_who_comes_back_is_told_what_was_missed_or_to_begin_anew(
    database, ticks, monkeypatch
):
    with listening(database.app_url, ticks=ticks.path) as address:
        for n in range(3):
            with committing(database.engine, ticks) as c:
                put(c, Building, name=str(n), geom=SQUARE)
        async with opened(address, headers={"Last-Event-ID": "1"}) as page:
            assert await page.next() == ("hello", {"seq": 3}, None)
            assert [(await page.next())[::2] for _ in range(2)] == [("change", 2), ("change", 3)]
            assert await page.next() == ("hello", {"seq": 3}, 3)
        # A page that opens knows its place from the catalogue, and has no header to send.
        async with opened(address, params={"after": 2}) as page:
            assert (await page.next())[:2] == ("hello", {"seq": 3})
            assert (await page.next())[::2] == ("change", 3)
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            assert (await client.get("/catalogue")).json()["seq"] == 3
        for other in ("99", "x", "-1"):
            async with opened(address, headers={"Last-Event-ID": other}) as page:
                assert (await page.next())[0] == "hello"
                assert await page.next() == ("resync", {}, 3)
        monkeypatch.setattr(route.log_of, "MOST", 1)
        async with opened(address, headers={"Last-Event-ID": "1"}) as page:
            assert [(await page.next())[0] for _ in range(2)] == ["hello", "resync"]


async def test_a_scope_is_told_what_it_sees_and_what_it_saw(database, ticks):
    with committing(database.engine) as c:
        mine, theirs = body(c, "甲局"), body(c, "乙局")
        accounts.with_token(c, "甲", "a", body_id=mine)
        made = put(c, Building, name="楼", body_id=mine, geom=SQUARE)
    table = table_of(Building)
    with listening(database.app_url, ticks=ticks.path, anonymous="public") as address:
        bearer = {"authorization": "Bearer a"}
        async with opened(address, headers=bearer) as page, opened(address) as public:
            await page.next()
            await public.next()
            with committing(database.engine, ticks) as c:
                c.execute(sa.select(sa.func.set_config("onemap.actor", "李四", True)))
                c.execute(sa.update(table).values(name="改"))
            with committing(database.engine, ticks) as c:
                c.execute(sa.update(table).values(body_id=theirs))
            with committing(database.engine, ticks) as c:
                c.execute(sa.update(table).values(name="不可见"))
            with committing(database.engine, ticks) as c:
                put(c, Building, name="公", geom=SQUARE)
            _, renamed, first = await page.next()
            _, given, second = await page.next()
            _, new, last = await page.next()
            assert renamed["layers"]["buildings"]["ids"] == [made]
            assert given["layers"]["buildings"]["ids"] == [made]
            assert renamed["actor"] == "李四"
            # What is theirs now is not told; what is public is.
            assert (last - second, second - first) == (2, 1)
            assert made not in new["layers"]["buildings"]["ids"]
            # Others may learn that a site looks different, and of the rows none but the public one.
            seen = {}
            while seen.get("seq") != last:
                seen = (await public.next())[1]
                ids = (seen["layers"].get("buildings") or {}).get("ids")
                assert ids == (new["layers"]["buildings"]["ids"] if seen == new else None)


async def test_a_link_is_told_as_its_subject_and_where_that_is(database, ticks):
    with committing(database.engine) as c:
        level = put(c, Level, name="1", ordinal=0)
        room = put(c, Room, number="101", geom=SQUARE)
    with listening(database.app_url, ticks=ticks.path) as address:
        async with opened(address) as page:
            await page.next()
            with committing(database.engine, ticks) as c:
                put(c, RoomLevel, room_id=room, level_id=level)
            _, told, _ = await page.next()
            (layer,) = told["layers"]
            assert (layer, told["layers"]["rooms"]["ids"]) == ("rooms", [room])
            assert told["layers"]["rooms"]["bbox"] == pytest.approx(
                [119.6, 38.9, 119.601, 38.901], abs=1e-4
            )
            with committing(database.engine, ticks) as c:
                c.execute(sa.update(table_of(Level)).values(ordinal=3))
            _, told, _ = await page.next()
            everything = {"ids": None, "bbox": None, "extents": None}
            assert told["layers"]["rooms"] == everything
            assert told["layers"]["levels"]["ids"] == [level]


async def test_who_sees_no_row_learns_only_that_the_picture_is_another(database, ticks):
    with committing(database.engine) as c:
        theirs = body(c, "乙局")
        person = put(c, Person, name="某", body_id=theirs)
        room = put(c, Room, number="101", geom=SQUARE)
    with listening(database.app_url, ticks=ticks.path, anonymous="public") as address:
        async with opened(address) as page:
            await page.next()
            with committing(database.engine, ticks) as c:
                c.execute(sa.select(sa.func.set_config("onemap.actor", "李四", True)))
                put(c, Occupancy, room_id=room, person_id=person)
            _, told, _ = await page.next()
            assert (told["actor"], told["reason"]) == (None, None)
            assert "persons" not in told["layers"]
            assert "occupancies" not in told["layers"]
            assert all(part["ids"] is None for part in told["layers"].values())


async def test_a_stream_ends_with_its_token(database, ticks, monkeypatch):
    monkeypatch.setattr(route, "HEARTBEAT_S", 0.1)
    with committing(database.engine) as c:
        accounts.with_token(c, "甲", "a", whole_estate=True)
    with listening(database.app_url, ticks=ticks.path, anonymous="refuse") as address:
        refused = await asyncio.to_thread(httpx.get, f"{address}events", trust_env=False)
        assert refused.status_code == 401
        async with opened(address, headers={"authorization": "Bearer a"}) as page:
            await page.next()
            with committing(database.engine, ticks) as c:
                accounts.revoke_all(c)
            with committing(database.engine, ticks) as c:
                put(c, Building, name="楼", geom=SQUARE)
            assert (await page.next())[0] is None


async def test_a_page_that_does_not_read_is_told_to_begin_anew():
    viewer = hub.Viewer(0)
    for n in range(hub.WAITING + 1):
        viewer.put(b"%d" % n)
    assert await viewer.next(1) == hub.resync()
    assert await viewer.next(0.01) is None
    viewer.put(b"x")
    assert await viewer.next(1) == b"x"


def test_the_past_has_no_events_and_a_database_that_is_away_is_told(database):
    with listening(database.app_url) as address:
        answer = httpx.get(f"{address}events?at=2026-10-12", trust_env=False)
        assert answer.status_code == 400
    with listening("postgresql://nobody@127.0.0.1:1/none") as address:
        began = time.monotonic()
        answer = httpx.get(f"{address}events", trust_env=False, timeout=20)
        assert (answer.status_code, time.monotonic() - began < 8) == (503, True)


async def test_a_server_that_ends_does_not_wait_for_its_streams(database, ticks):
    with services(database.app_url, 1, ticks=str(ticks.path)) as ((address,), process):
        async with opened(address) as page:
            await page.next()
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert (await page.next())[0] is None
        await asyncio.to_thread(process.wait, 10)
        assert time.monotonic() - began < 4

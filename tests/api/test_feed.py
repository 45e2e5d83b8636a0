"""The log of changes as one process follows it: in order, without a gap, and known to be so."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
import sqlalchemy as sa

from api import feed as feeds
from api.feed import NEVER, Feed
from layers import committed as log_of
from layers.base import table_of
from layers.committing import committing
from layers.estate import Building
from layers.people import Person
from layers.ticks import Ticks
from tests.layers.support import SQUARE, put


class Notes:
    """A follower that writes down what it is told."""

    def __init__(self):
        self.sets, self.events = [], []

    def committed(self, sets):
        self.sets += sets
        self.events += [each.seq for each in sets]

    def clock_set(self):
        self.events.append("clock set")

    def broken(self):
        self.events.append("broken")


@asynccontextmanager
async def following(url, ticks=None, **options):
    feed, notes = Feed(url, ticks or Ticks.of(None), **options), Notes()
    feed.followers.append(notes)
    await feed.open()
    try:
        await until(lambda: feed.fresh)
        yield feed, notes
    finally:
        await feed.close()


async def until(condition, patience_s=10.0):
    deadline = asyncio.get_running_loop().time() + patience_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.005)


def kill_listeners(database):
    with psycopg.connect(database.owner_url.replace(front_role(database), "postgres")) as link:
        link.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'onemap-feed' AND datname = current_database()"
        )


def front_role(database):
    from onemap.database import role_of

    return role_of(database.owner_url) or ""


async def test_what_was_there_before_is_not_told_and_what_comes_is_in_order(database):
    with committing(database.engine) as link:
        put(link, Building, name="旧")
    ticks = Ticks.of(None)
    async with following(database.app_url, ticks) as (feed, notes):
        assert (notes.events, feed.processed) == ([], 1)
        with committing(database.engine, ticks) as link:
            made = put(link, Building, name="新", geom=SQUARE)
            link.execute(sa.text("SELECT set_config('onemap.actor', '甲', true)"))
        with committing(database.engine, ticks) as link:
            link.execute(sa.update(table_of(Building)).where(Building.id == made).values(geom=None))
        assert not feed.fresh
        assert await feed.ready(5)
        assert feed.fresh
        assert [each.seq for each in notes.sets] == [2, 3]
        (born,), (moved,) = (each.changes for each in notes.sets)
        assert (born.table, born.id, born.operation, born.before) == ("building", made, "I", None)
        assert born.after == pytest.approx((119.6, 38.9, 119.601, 38.901), abs=1e-4)
        assert (moved.operation, moved.before, moved.after) == ("U", born.after, None)
        assert notes.sets[1].recorded_at > notes.sets[0].recorded_at


async def test_a_commit_that_nobody_counted_is_heard(database):
    async with following(database.app_url) as (feed, notes):
        with committing(database.engine) as link:
            put(link, Building, name="新")
        await until(lambda: notes.events == [1])
        assert feed.processed == 1


async def test_a_reading_that_began_before_the_commit_does_not_count_for_it(database):
    ticks = Ticks.of(None)
    async with following(database.app_url, ticks) as (feed, notes):
        entered, go = asyncio.Event(), asyncio.Event()
        state = feed._state

        async def held(*arguments):
            found = await state(*arguments)
            entered.set()
            await go.wait()
            return found

        feed._state = held
        early = asyncio.create_task(feed.catch_up())
        await entered.wait()
        with committing(database.engine, ticks) as link:
            put(link, Building, name="新")
        late = asyncio.create_task(feed.ready(5))
        await asyncio.sleep(0.05)
        assert not late.done()
        go.set()
        assert await late
        assert notes.events == [1]
        await early


async def test_who_waits_too_long_is_told_to_ask_the_database_itself(database):
    ticks = Ticks.of(None)
    async with following(database.app_url, ticks) as (feed, _notes):
        reached = feed._state

        async def slow(*arguments):
            await asyncio.sleep(0.3)
            return await reached(*arguments)

        feed._state = slow
        ticks.tick()
        assert not await feed.ready(0.05)
        await until(lambda: feed.fresh)


async def test_a_lost_connection_leaves_out_no_set(database):
    ticks = Ticks.of(None)
    async with following(database.app_url, ticks) as (feed, notes):
        kill_listeners(database)
        await until(lambda: feed.seen == NEVER)
        with committing(database.engine) as link:  # of another host: nobody counts it
            put(link, Building, name="新")
        await until(lambda: feed.fresh)
        assert notes.events == [1]


async def test_whatever_breaks_the_reading_the_connection_is_made_anew(database):
    ticks = Ticks.of(None)
    async with following(database.app_url, ticks) as (feed, notes):
        reached = feed._state

        async def broken(*_):
            feed._state = reached
            raise RuntimeError("another operation is in progress")

        feed._state = broken
        ticks.tick()
        assert not await feed.ready()
        assert feed.seen == NEVER
        await until(lambda: feed.fresh)
        assert notes.events == []


async def test_nothing_is_fresh_while_the_database_is_away():
    feed = Feed("postgresql://nobody@127.0.0.1:1/none", Ticks.of(None))
    await feed.open()
    await asyncio.sleep(0.1)
    assert not feed.fresh
    assert not await feed.ready()
    await feed.close()
    assert feed.seen == NEVER


async def test_another_log_under_the_same_counter_is_noticed(database):
    from layers import db

    ticks = Ticks.of(None)
    with committing(database.engine) as link:
        put(link, Building, name="旧")
    async with following(database.app_url, ticks) as (feed, notes):
        app = database.app_url
        database.dispose()
        db.downgrade(database.owner_url, "base")
        from onemap.database import Database, prepare

        prepare(Database(database.owner_url, app))
        with committing(database.engine, ticks) as link:
            put(link, Building, name="新")
        await until(lambda: feed.fresh)
        assert notes.events[-1] == "broken"
        assert feed.processed == 1


async def test_a_log_that_was_taken_back_and_went_on_otherwise_is_noticed(database):
    ticks = Ticks.of(None)
    with committing(database.engine) as link:
        put(link, Building, name="旧")
    async with following(database.app_url, ticks) as (feed, notes):
        with committing(database.engine, ticks) as link:
            link.execute(
                sa.text("UPDATE change_set SET recorded_at = recorded_at - interval '1 s'")
            )
        await feed.catch_up()
        assert notes.events == ["broken"]


async def test_who_is_far_behind_begins_anew(database, monkeypatch):
    monkeypatch.setattr(log_of, "MOST", 3)
    async with following(database.app_url) as (feed, notes):
        feed._told = lambda *_: None
        kill_listeners(database)
        for n in range(6):
            with committing(database.engine) as link:
                put(link, Building, name=str(n))
        await until(lambda: feed.processed == 6)
        assert "broken" in notes.events or len(notes.sets) == 6


async def test_many_changes_are_told_by_their_extents(database, monkeypatch):
    monkeypatch.setattr(log_of, "MANY", 3)
    feeds._changes.cache_clear()
    try:
        ticks = Ticks.of(None)
        async with following(database.app_url, ticks) as (feed, notes):
            with committing(database.engine, ticks) as link:
                for n in range(5):
                    put(link, Building, name=str(n), geom=SQUARE)
            with committing(database.engine, ticks) as link:
                put(link, Building, name="x")
            assert await feed.ready(5)
            many, one = notes.sets
            (told,) = many.changes
            assert (told.table, told.id) == ("building", None)
            assert told.after == pytest.approx((119.6, 38.9, 119.601, 38.901), abs=1e-4)
            assert [each.operation for each in one.changes] == ["I"]
    finally:
        feeds._changes.cache_clear()


async def test_of_watched_columns_it_is_told_which_have_changed(database):
    ticks = Ticks.of(None)
    watched = {"person": ("body_id", "state", "title"), "building": ("code",)}
    with committing(database.engine) as link:
        person = put(link, Person, name="甲", title="科员")
    async with following(database.app_url, ticks, watched=lambda: watched) as (feed, notes):
        change = sa.update(table_of(Person)).where(Person.id == person)
        for values in ({"name": "乙"}, {"title": "科长", "state": "active"}):
            with committing(database.engine, ticks) as link:
                link.execute(change.values(**values))
            assert await feed.ready(5)
        assert [each.changes[0].changed for each in notes.sets] == [
            frozenset(),
            frozenset({"title", "state"}),
        ]


async def test_the_day_is_the_databases(database):
    zone = ZoneInfo("Asia/Shanghai")
    async with following(database.app_url) as (feed, _notes):
        import time

        since, until_ = feed.day(zone)
        assert since < time.monotonic() < until_ or datetime.now(zone).hour in (0, 23)
        assert until_ - since == pytest.approx(86400 - 4)
        left = until_ - time.monotonic()
        now = datetime.now(zone)
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        assert left == pytest.approx((midnight - now).total_seconds() - 2, abs=1)


async def test_a_clock_that_is_set_forgets_everything(database):
    async with following(database.app_url) as (feed, notes):
        with database.engine.begin() as link:
            link.execute(
                sa.text("INSERT INTO meta (key, value) VALUES ('clock_offset_s', '86400')")
            )
        await feed.catch_up()
        assert notes.events == ["clock set"]

"""After an acknowledgement nobody on this host is served the old state, in four processes."""

from __future__ import annotations

import random
import threading
import time

import psycopg
import pytest

from layers.ticks import Ticks
from onemap.database import renamed
from tests.api import consistency
from tests.support.service import services


@pytest.fixture
def known(database):
    return consistency.features(database.engine, 40)


def test_no_read_begun_after_an_acknowledgement_shows_an_older_state(database, known, tmp_path):
    ticks = Ticks.of(tmp_path / "ticks")
    write = consistency.by_sql(database.owner_url, ticks, known)
    with services(database.app_url, 4, ticks=str(ticks.path)) as (addresses, _):
        outcome = consistency.run(addresses, write, known, edits=200)
        # What the pattern finds in the bytes is what a decoder reads.
        for number in random.Random(1).sample(range(len(known.ids)), 5):
            _, body = consistency._Client(addresses[0]).get(known.tile(number))
            assert consistency.decoded(body, number) == known.acknowledged[number]
            assert consistency.shown_in_tile(body, number) == known.acknowledged[number]
    print(outcome.line())
    assert outcome.stale == []
    assert outcome.refused == 0
    assert outcome.edits == 200
    assert outcome.hit_ratio >= 0.5


def test_without_the_guard_old_states_are_found(database, known, tmp_path):
    ticks = Ticks.of(tmp_path / "ticks")
    write = consistency.by_sql(database.owner_url, ticks, known)
    with services(database.app_url, 4, "--unguarded", ticks=str(ticks.path)) as (addresses, _):
        outcome = consistency.run(addresses, write, known, edits=200, until_stale=True)
    print(outcome.line())
    assert outcome.stale


def test_while_connections_that_listen_are_lost_nothing_old_is_served(database, known, tmp_path):
    ticks = Ticks.of(tmp_path / "ticks")
    write = consistency.by_sql(database.owner_url, ticks, known)
    ended = threading.Event()

    def kill():
        with psycopg.connect(
            renamed(database.owner_url, database.name).replace("onemap_owner", "postgres"),
            autocommit=True,
        ) as link:
            while not ended.wait(0.2):
                link.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'onemap-feed' AND datname = current_database()"
                )

    with services(database.app_url, 2, ticks=str(ticks.path)) as (addresses, _):
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            outcome = consistency.run(addresses, write, known, edits=100)
        finally:
            ended.set()
            killer.join()
        time.sleep(0.1)
    print(outcome.line())
    assert outcome.stale == []

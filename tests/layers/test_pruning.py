"""What is forgotten, and what every later moment still answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from layers.access import earliest
from layers.base import Base
from layers.history import first_record, tracked_tables
from layers.pruning import Pruned, prune
from layers.registry import LAYERS
from tests.layers.test_past_truth import state
from tests.support.life import MODELS, Life, last_moment

SETS, CHANGES = (Base.metadata.tables[name] for name in ("change_set", "change"))
INSTANT = timedelta(microseconds=1)


def number_of(connection: sa.Connection, table: sa.Table) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.mark.parametrize("seed", range(3))
def test_later_moments_are_answered_as_before_and_earlier_ones_by_the_earliest_known(
    database: Any, seed: int
) -> None:
    life = Life(seed + 50)
    moments = []
    for _ in range(30):
        with database.engine.begin() as connection:
            life.step(connection)
        with database.engine.connect() as connection:
            moments.append(last_moment(connection))
    limit = moments[17]
    with database.engine.connect() as connection:
        asked = [limit - INSTANT, *moments[17:], moments[20] + INSTANT]
        kept = [(at, {m: state(connection, m, at) for m in MODELS}) for at in asked]
        count = number_of(connection, CHANGES)
    with database.engine.begin() as connection:
        done = prune(connection, limit)
        assert done.changes > 0
        assert done.images > 0
        assert done.sets > 0
        assert number_of(connection, CHANGES) == count - done.changes
    with database.engine.connect() as connection:
        for at, then in kept:
            for model in MODELS:
                assert state(connection, model, at) == then[model], (seed, model, at)
        for table in tracked_tables():
            first = connection.scalar(sa.select(first_record(table.name).scalar_subquery()))
            assert first is None or first <= moments[-1]
        for model in MODELS:
            begins = connection.scalar(first_record(model.__tablename__))
            assert begins < limit
            assert state(connection, model, moments[0] - timedelta(days=9)) == state(
                connection, model, begins
            )
        seqs = number_of(connection, SETS)
    with database.engine.begin() as connection:
        assert prune(connection, limit) == Pruned()
    with database.engine.begin() as connection:
        life.step(connection)
    with database.engine.connect() as connection:
        assert number_of(connection, SETS) == seqs + (last_moment(connection) > moments[-1])
        assert connection.scalar(sa.select(sa.func.count(SETS.c.seq.distinct()))) == number_of(
            connection, SETS
        )


def test_what_begins_later_says_so(database: Any) -> None:
    life = Life(7)
    for _ in range(6):
        with database.engine.begin() as connection:
            life.step(connection)
    with database.engine.begin() as connection:
        buildings = next(each for each in LAYERS if each.name == "buildings")
        first = connection.scalar(earliest(buildings))
        prune(connection, last_moment(connection) + INSTANT)
        assert number_of(connection, CHANGES) == 0
        assert connection.scalar(earliest(buildings)) >= first


def test_nothing_is_forgotten_halfway(database: Any) -> None:
    life = Life(8)
    for _ in range(4):
        with database.engine.begin() as connection:
            life.step(connection)
    with database.engine.connect() as connection:
        count = number_of(connection, CHANGES)
        begun = connection.begin_nested()
        prune(connection, last_moment(connection) + INSTANT)
        begun.rollback()
        assert number_of(connection, CHANGES) == count

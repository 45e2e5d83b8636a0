"""What history costs: the same 100,000 rows written with its triggers on and off, in turns.

New rows come into an empty table; then every row is changed by a second import of the same keys.
Both go through `ChangeSet.upsert`, from the call to the commit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pandas as pd
import psycopg
import sqlalchemy as sa
from psycopg import sql

from layers.changes import ChangeSet
from layers.estate import Building
from tests.bench import data, estate
from tests.bench.report import Figures, Rate

COUNT = 100_000
SWITCH = sql.SQL("ALTER TABLE building {} TRIGGER USER")


def run(bench: estate.Bench, rounds: int) -> Iterator[Figures]:
    """Measure both in turns, each time in a database that was empty before."""
    new, changed = Figures("new rows"), Figures("changed rows")
    frame = rows()
    other = frame.assign(height_m=frame["height_m"] + 1)
    for number in range(rounds):
        order = ("off", "onemap") if number % 2 else ("onemap", "off")
        for who in order:
            with estate.fresh(bench, f"bench_history_{number}") as url:
                switch(url, on=who == "onemap")
                engine = estate.engine_of(url)
                new.add(who, write(engine, frame))
                settle(url)
                changed.add(who, write(engine, other))
                check(engine, 2 * COUNT if who == "onemap" else 0)
                engine.dispose()
    yield from (new, changed)


def rows() -> pd.DataFrame:
    """Return the rows as the table of buildings holds them."""
    made = data.buildings(COUNT)
    frame = pd.DataFrame(made.drop(columns="geometry"))
    return frame.assign(geom=estate.multi(made), source="bench", source_key=made["code"])


def write(engine: sa.Engine, frame: pd.DataFrame) -> Rate:
    """Write all rows in one transaction."""
    started = time.perf_counter()
    with engine.begin() as connection:
        ChangeSet(connection, "bench", "bench").upsert(Building, frame)
    seconds = time.perf_counter() - started
    return Rate(COUNT / seconds, seconds)


def switch(url: str, *, on: bool) -> None:
    """Turn the triggers of history on or off."""
    with psycopg.connect(url, autocommit=True) as link:
        link.execute(SWITCH.format(sql.SQL("ENABLE" if on else "DISABLE")))


def settle(url: str) -> None:
    """Let the server do now what it would do in the middle of the next turn."""
    with psycopg.connect(url, autocommit=True) as link:
        link.execute("VACUUM (ANALYZE) building")


def check(engine: sa.Engine, logged: int) -> None:
    """Stop where the log does not hold what was written."""
    with engine.connect() as connection:
        found = connection.scalar(sa.text("SELECT count(*) FROM change"))
        changed = connection.scalar(sa.text("SELECT count(*) FROM building WHERE revision = 2"))
    if (found, changed) != (logged, COUNT):
        raise SystemExit(f"{found} lines in the log, {changed} rows changed; expected {logged}")

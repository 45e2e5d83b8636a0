"""Measures of 100,000 rooms: what the database takes, and what an answer takes in all."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from onemap import database
from tests.bench import estate

ROOMS = 100_000
NAME = "bench_rooms"
MADE = Path(__file__).with_suffix(".sql")


def filled(bench: estate.Bench, rooms: int = ROOMS) -> str:
    """Return the database of rooms, filled once and vacuumed."""
    if not estate.exists(bench, NAME):
        with psycopg.connect(bench.cluster.url("postgres"), autocommit=True) as link:
            link.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                    *map(sql.Identifier, (NAME, estate.TEMPLATE, database.OWNER))
                )
            )
        with psycopg.connect(bench.url(NAME)) as link:
            link.execute(MADE.read_text("utf-8").replace(":rooms", str(rooms)))
    with psycopg.connect(bench.cluster.url(NAME), autocommit=True) as link:
        link.execute("VACUUM (ANALYZE, FREEZE)")
        link.execute("CHECKPOINT")
    return bench.url(NAME)

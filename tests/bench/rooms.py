"""Measures of 100,000 rooms: what the database takes, and what an answer takes in all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
from psycopg import sql

from onemap import database
from tests.bench import estate, load, servers
from tests.bench.report import Figures, Value

ROOMS = 100_000
NAME = "bench_rooms"
EDIT = """
UPDATE room SET name = coalesce(name, '') || '.' WHERE id = (SELECT min(id) FROM room)
"""
MADE = Path(__file__).with_suffix(".sql")


MEASURES = ("over_quota", "usable_area_per_person", "vacancy", "occupancy", "building_over_quota")


def run(bench: estate.Bench, seconds: float, rounds: int) -> Iterator[Figures]:
    """Ask for each measure after a recorded change, and then again and again."""
    url = filled(bench)
    with servers.started(bench, NAME) as (address, _pid), httpx.Client(timeout=60) as client:
        for name in MEASURES:
            path = f"/measures/{name}"
            first, again = Figures(f"{name}, worked out, ms"), Figures(f"{name}, asked again, ms")
            client.get(address + path)
            for _ in range(rounds):
                with psycopg.connect(url) as link:
                    link.execute(EDIT)
                started = time.perf_counter()
                answer = client.get(address + path)
                first.add("onemap", Value((time.perf_counter() - started) * 1e3))
                if answer.status_code != 200 or not answer.json()["ids"]:
                    raise SystemExit(f"{path}: {answer.status_code} {answer.text[:300]}")
                speed = load.http(address, [path], seconds, {"Accept-Encoding": "gzip"})
                again.add("onemap", Value(speed.p50_ms))
            yield first
            yield again


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

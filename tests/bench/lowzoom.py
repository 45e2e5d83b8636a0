"""The densest tile of zoom 10 against the plain ST_AsMVT of the same tile: time, size and looks."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psycopg

from layers.access import ESTATE
from layers.estate import BUILDINGS
from layers.prepared import prepare
from tests.bench import estate, load, servers
from tests.bench.looks import coverage, likeness
from tests.bench.report import Figures, Value
from tests.bench.tiles import TILE
from tiles import far

Z = 10
DENSEST = """
SELECT ((tile_spot >> 28) & 1023)::int, (tile_spot >> 38)::int, count(*) FROM building
WHERE tile_spot IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 1
"""


def run(bench: estate.Bench, seconds: float, rounds: int) -> Iterator[Figures]:
    """Measure the tile in turns; compare sizes and drawings once."""
    url = estate.filled(bench)
    with psycopg.connect(url) as link:
        x, y, count = link.execute(DENSEST).fetchone() or (0, 0, 0)
        found = link.execute(TILE.format(z=Z, x=x, y=y)).fetchone()
        raw = bytes(found[0]) if found else b""
        plan = explained(link, x, y)
    script = TILE.format(z=Z, x=x, y=y).replace("\n", " ")
    with servers.onemap(bench) as ours:
        path = f"/tiles/buildings/{Z}/{x}/{y}"
        mine = httpx.get(ours + path, headers={"accept-encoding": "identity"}, timeout=60).content
        figures = Figures(
            "z10 tile", note=f"z10 tile {x}/{y}: {count:,} buildings; its rows:\n{plan}"
        )
        for _ in range(rounds):
            figures.add("raw", load.pgbench(url, script, seconds, bench.folder))
            figures.add("onemap", load.http(ours, [path], seconds, {"Accept-Encoding": "gzip"}))
        yield figures
    size = Figures("z10 tile, KiB")
    size.add("onemap", Value(len(mine) / 1024))
    size.add("raw", Value(len(raw) / 1024))
    yield size
    alike = likeness(coverage(mine, "buildings"), coverage(raw, "buildings"))
    for name, value in (
        ("z10 looks: correlation at 4 px", alike.correlation),
        ("z10 looks: mean difference of a pixel", alike.difference),
        ("z10 looks: covered ground", alike.tone),
    ):
        looks = Figures(name)
        looks.add("onemap", Value(value))
        yield looks


def explained(link: psycopg.Connection, x: int, y: int) -> str:
    """Return how the database finds what is added up in the tile."""
    ready = prepare(far.far_query(BUILDINGS, Z, ESTATE, None))
    values = ready.bind(far.far_values(Z, x, y))
    link.execute("SET max_parallel_workers_per_gather = 0")
    # Numbered parameters are a prepared statement's; there are whole numbers only.
    text = ready.sql
    for place in range(len(values), 0, -1):
        text = text.replace(f"${place}::BIGINT", str(values[place - 1]))
        text = text.replace(f"${place}", str(values[place - 1]))
    rows = link.execute("EXPLAIN (ANALYZE, BUFFERS) " + text).fetchall()
    return "\n".join(f"    {row[0]}" for row in rows)

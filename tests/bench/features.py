"""Pages of 1,000 features in a bbox, numberMatched included, against tipg's."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import numpy as np
import psycopg

from tests.bench import data, estate, load, servers
from tests.bench.report import Figures

LIMIT = 1_000
BOXES = 32


def run(bench: estate.Bench, seconds: float, rounds: int) -> Iterator[Figures]:
    """Measure the same boxes on both, in turns."""
    url = estate.filled(bench)
    mine = [f"/ogc/collections/buildings/items?bbox={b}&limit={LIMIT}" for b in boxes()]
    theirs = [f"/collections/public.building/items?bbox={b}&limit={LIMIT}" for b in boxes()]
    theirs = [f"{path}&geom-column=geom" for path in theirs]
    with servers.onemap(bench) as ours, servers.tipg(bench) as tipg:
        check(url, ours + mine[0], tipg + theirs[0])
        for path, address in ((mine, ours), (theirs, tipg)):
            load.http(address, path, 1)
        figures = Figures("feature page")
        for _ in range(rounds):
            figures.add("onemap", load.http(ours, mine, seconds))
            figures.add("tipg", load.http(tipg, theirs, seconds))
        yield figures


def boxes() -> list[str]:
    """Return extents inside the city that hold somewhat more than a page."""
    random = np.random.default_rng(data.SEED)
    width, height = (side * 0.087 for side in data.CITY_DEG)
    west, south = (c - s / 2 for c, s in zip(data.CENTRE, data.CITY_DEG, strict=True))
    places = random.uniform(0, 0.9, (BOXES, 2)) * data.CITY_DEG + (west, south)
    return [quote(f"{x:.6f},{y:.6f},{x + width:.6f},{y + height:.6f}", ",") for x, y in places]


def check(url: str, ours: str, tipg: str) -> None:
    """Both give a whole page, and the number that raw SQL counts.

    Raises
    ------
    SystemExit : they do not.
    """
    bounds = [float(each) for each in boxes()[0].split(",")]
    with psycopg.connect(url) as link:
        row = link.execute(
            "SELECT count(*) FROM building "
            "WHERE ST_Intersects(geom, ST_MakeEnvelope(%s, %s, %s, %s, 4326))",
            bounds,
        ).fetchone()
    for address in (ours, tipg):
        answer = httpx.get(address, timeout=60)
        if answer.status_code != 200:
            raise SystemExit(f"{address}: {answer.status_code} {answer.text[:500]}")
        page = answer.json()
        found = len(page["features"]), page["numberMatched"]
        if row is None or found != (LIMIT, row[0]) or not page["features"][0]["geometry"]:
            raise SystemExit(f"{address}: {found} features, expected {LIMIT} of {row}")

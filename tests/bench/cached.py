"""Tiles from memory against nginx giving the same bytes from files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx

from onemap.settings import Settings
from tests.bench import estate, load, servers
from tests.bench.report import Figures
from tests.bench.tiles import Square, square

GZIP = {"Accept-Encoding": "gzip"}
FILES = """
        location /tiles/ {
            root @folder@;
            default_type application/vnd.mapbox-vector-tile;
            add_header Content-Encoding gzip;
        }
"""


def run(bench: estate.Bench, seconds: float, rounds: int) -> Iterator[Figures]:
    """Measure tiles of zooms 14 and 16 that were asked for before."""
    if "tile_cache_mb" not in Settings.model_fields:
        yield Figures(
            "cached tile", note="cached tile: left out, tiles are not kept in memory here"
        )
        return
    estate.filled(bench)
    folder = bench.folder / "static"
    with servers.started(bench, cache_mb=256) as (ours, _pid):
        for z in (14, 16):
            asked = square(z)
            paths = list(saved(ours, asked, folder))
            locations = FILES.replace("@folder@", str(folder))
            with servers.nginx(bench, locations, paths[0]) as files:
                figures = Figures(f"z{z} tile, cached")
                for _ in range(rounds):
                    figures.add("nginx", load.http(files, paths, seconds, GZIP))
                    figures.add("onemap", load.http(ours, paths, seconds, GZIP))
                yield figures
    shutil.rmtree(folder, ignore_errors=True)


def saved(ours: str, asked: Square, folder: Path) -> Iterator[str]:
    """Write each tile as it is sent to a file, and yield its address."""
    with httpx.Client() as client:
        for x, y in asked.addresses():
            path = f"/tiles/buildings/{asked.z}/{x}/{y}"
            with client.stream("GET", ours + path, headers=GZIP) as answer:
                data = b"".join(answer.iter_raw())
            file = folder / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            yield path

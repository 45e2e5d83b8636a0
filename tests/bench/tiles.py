"""Uncached vector tiles over HTTP against the plain ST_AsMVT in pgbench, tipg and MapServer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import mapbox_vector_tile
import psycopg

from geo.tiling import tile_at
from tests.bench import data, estate, load, servers
from tests.bench.report import Figures
from tiles.vector import LABEL

COLUMNS = ("name", "code", "height_m", "levels_above", "use")
SIDE = {14: 8, 16: 32}
"""Tiles are drawn from a square of so many by so many in the city's middle: the same ground."""

TILE = """
SELECT ST_AsMVT(tile, 'buildings', 4096, 'geom', 'id') FROM (
  SELECT id, name, code, height_m, levels_above, use,
    ST_AsMVTGeom(geom_3857, ST_TileEnvelope({z}, {x}, {y}), 4096, 64) AS geom
  FROM building
  WHERE geom_3857 && ST_TileEnvelope({z}, {x}, {y}, margin => 64.0 / 4096)
) AS tile;
"""


@dataclass(frozen=True)
class Square:
    """The tiles of one zoom that are asked for."""

    z: int
    x: int
    y: int
    side: int

    def addresses(self) -> Iterator[tuple[int, int]]:
        """Yield x and y of every tile."""
        for x in range(self.x, self.x + self.side):
            for y in range(self.y, self.y + self.side):
                yield x, y

    def script(self) -> str:
        """Return pgbench's script."""
        return (
            f"\\set x random({self.x}, {self.x + self.side - 1})\n"
            f"\\set y random({self.y}, {self.y + self.side - 1})\n"
            + TILE.format(z=self.z, x=":x", y=":y").replace("\n", " ")
        )


def square(z: int) -> Square:
    """Return the square of tiles at zoom 14 or 16."""
    column, row = tile_at(*data.CENTRE, 14)
    scale, half = 1 << (z - 14), SIDE[14] // 2
    return Square(z, (int(column) - half) * scale, (int(row) - half) * scale, SIDE[z])


def run(bench: estate.Bench, seconds: float, rounds: int) -> Iterator[Figures]:
    """Measure both zooms; the contenders take turns, so that all see the same machine."""
    url = estate.filled(bench)
    first = next(iter(square(14).addresses()))
    probe = f"/tiles/buildings/14/{first[0]}/{first[1]}"
    with (
        servers.onemap(bench) as ours,
        servers.tipg(bench) as tipg,
        servers.mapserver(bench, probe) as mapserver,
    ):
        for z in (14, 16):
            asked = square(z)
            mine = [f"/tiles/buildings/{z}/{x}/{y}" for x, y in asked.addresses()]
            theirs = [_tipg_path(z, x, y) for x, y in asked.addresses()]
            check(url, ours, tipg, asked)
            check_mapserver(url, mapserver, asked)
            figures = Figures(f"z{z} tile")
            for path, address in ((mine, ours), (theirs, tipg), (mine, mapserver)):
                load.http(address, path, 1)
            for _ in range(rounds):
                figures.add("raw", load.pgbench(url, asked.script(), seconds, bench.folder))
                figures.add("onemap", load.http(ours, mine, seconds, {"Accept-Encoding": "gzip"}))
                figures.add("tipg", load.http(tipg, theirs, seconds))
                figures.add("mapserver", load.http(mapserver, mine, seconds))
            yield figures


def _tipg_path(z: int, x: int, y: int) -> str:
    """Ask tipg for the same columns of the geometry that needs no transformation."""
    return (
        f"/collections/public.building/tiles/WebMercatorQuad/{z}/{x}/{y}"
        f"?geom-column=geom_3857&properties={','.join(COLUMNS)}"
    )


def check(url: str, ours: str, tipg: str, asked: Square, sample: int = 12) -> None:
    """Compare a sample of tiles with raw SQL: the same features, attributes and places.

    Raises
    ------
    SystemExit : they differ, so the figures would compare different work.
    """
    chosen = random.Random(20261012).sample(list(asked.addresses()), sample)
    with psycopg.connect(url) as link, httpx.Client() as client:
        for x, y in chosen:
            row = link.execute(TILE.format(z=asked.z, x=x, y=y)).fetchone()
            raw = features(bytes(row[0]) if row else b"")
            mine = features(client.get(f"{ours}/tiles/buildings/{asked.z}/{x}/{y}").content)
            if not raw or raw != mine:
                raise SystemExit(f"{asked.z}/{x}/{y}: the tile is not what raw SQL gives")
            peer = features(client.get(tipg + _tipg_path(asked.z, x, y)).content)
            # tipg leaves out what lies in the buffer alone, so it has a little less to do.
            if not peer.keys() <= raw.keys() or len(peer) < 0.7 * len(raw):
                raise SystemExit(f"{asked.z}/{x}/{y}: tipg {len(peer)} features, raw {len(raw)}")


def check_mapserver(url: str, mapserver: str, asked: Square) -> None:
    """MapServer gives the same buildings but for those in the buffer alone.

    Raises
    ------
    SystemExit : it does not.
    """
    x, y = next(iter(asked.addresses()))
    with psycopg.connect(url) as link:
        row = link.execute(TILE.format(z=asked.z, x=x, y=y)).fetchone()
    raw = features(bytes(row[0]) if row else b"")
    peer = features(httpx.get(f"{mapserver}/tiles/buildings/{asked.z}/{x}/{y}").content)
    if not peer.keys() <= raw.keys() or len(peer) < 0.7 * len(raw):
        raise SystemExit(f"{asked.z}/{x}/{y}: MapServer {len(peer)} features, raw {len(raw)}")


def features(tile: bytes) -> dict[str, tuple[object, object]]:
    """Return a tile's properties and geometry by building code.

    The points that carry the names are ours alone: we have a little more to do.
    """
    layers = mapbox_vector_tile.decode(tile)
    return {
        each["properties"]["code"]: (each["properties"], each["geometry"])
        for name, layer in layers.items()
        if not name.endswith(LABEL)
        for each in layer["features"]
    }

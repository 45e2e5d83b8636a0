"""Make a tile archive of an estate's public rows, all of one moment."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import func, select

from layers.access import EVERYONE, rows
from layers.base import Layer
from layers.history import ChangeRecord
from layers.labels import Text
from layers.prepared import Prepared, prepare
from layers.problems import BadRequest
from tiles import archive
from tiles.archive import OURS, Snapshot
from tiles.vector import LABEL, Tile, carried, drawable, label_points, tile_bytes, told

Report = Callable[[str, int, int | None], None]
_AT_ONCE = 64
_NO_BOXES: NDArray[np.float64] = np.empty((0, 4))


@dataclass(frozen=True)
class Made:
    """What was written.

    Attributes
    ----------
    tiles, bytes : how many tiles the archive answers, and its size.
    """

    path: Path
    tiles: int
    bytes: int
    snapshot: Snapshot


def make(
    url: str,
    path: Path,
    layers: Sequence[Layer],
    *,
    last: int | None,
    attribution: str,
    timezone: str,
    say: Callable[[Text], str],
    progress: Report,
) -> Made:
    """Write the archive of `layers` to `path`, which is replaced at the end.

    Raises
    ------
    BadRequest : a layer has no tiles, or none of its rows are public; there are too many tiles.
    """
    for layer in layers:
        _check(layer)
    zooms = {layer.name: archive.zooms_of(layer, last) for layer in layers}
    return asyncio.run(_make(url, path, layers, zooms, attribution, timezone, say, progress))


def _check(layer: Layer) -> None:
    if not drawable(layer):
        raise BadRequest(
            zh=f"图层“{layer.title.zh}”没有矢量瓦片，不能归档",
            en=f"The layer '{layer.name}' has no vector tiles to archive",
        )
    if layer.series is not None:
        raise BadRequest(
            zh=f"图层“{layer.title.zh}”时刻在变，不能归档",
            en=f"What the layer '{layer.name}' shows changes by the minute: it is not archived",
        )


async def _make(
    url: str,
    path: Path,
    layers: Sequence[Layer],
    zooms: dict[str, tuple[int, int]],
    attribution: str,
    timezone: str,
    say: Callable[[Text], str],
    progress: Report,
) -> Made:
    async with _one_moment(url, timezone) as links:
        shown = {layer.name: layer for layer in layers}
        boxes = {layer.name: await _boxes(links[0], layer) for layer in layers}
        for layer in layers:
            if not len(boxes[layer.name]):
                raise BadRequest(
                    zh=f"图层“{layer.title.zh}”没有公开的、有位置的行，未写出归档",
                    en=f"No row of the layer '{layer.name}' is public and has a place; "
                    "nothing was written",
                )
        wanted = {n: archive.addresses(b, *zooms[n]) for n, b in boxes.items()}
        places = archive.in_order(wanted)
        snapshot = await _snapshot(links[0], zooms)
        bounds = await _bounds(links[0], layers)
        metadata = _metadata(layers, zooms, snapshot, attribution, bounds, say)

        async def tiles() -> AsyncIterator[tuple[Tile, bytes]]:
            done = 0
            for part in _parts(places):
                made = await _tiles(links, part, shown)
                done += len(part)
                progress("瓦片 | tiles", done, len(places))
                for (tile, _names), data in zip(part, made, strict=True):
                    if data:
                        yield tile, data

        with archive.replacing(path) as file:
            count = await archive.write(file, tiles(), bounds, metadata)
            if not count:
                raise BadRequest(zh="没有瓦片可写", en="There was no tile to write")
            size = file.tell()
    return Made(path, count, size, snapshot)


def _parts(
    places: list[tuple[Tile, list[str]]],
) -> Iterator[tuple[tuple[Tile, list[str]], ...]]:
    rest = iter(places)
    while part := tuple(itertools.islice(rest, _AT_ONCE)):
        yield part


@asynccontextmanager
async def _one_moment(url: str, timezone: str) -> AsyncIterator[list[Any]]:
    """Give a connection for each core, all of which see the same moment."""
    async with AsyncExitStack() as stack:
        links: list[Any] = []
        name = ""
        for _ in range(os.cpu_count() or 2):
            link = await asyncpg.connect(
                url,
                server_settings={
                    "application_name": "onemap-archive",
                    # As in the service: a tile's plan is always the same, and made once.
                    "plan_cache_mode": "force_generic_plan",
                    "jit": "off",
                    "TimeZone": "UTC",
                    "onemap.timezone": timezone,
                    "max_parallel_workers_per_gather": "0",
                },
            )
            stack.push_async_callback(link.close)
            await stack.enter_async_context(
                link.transaction(isolation="repeatable_read", readonly=True)
            )
            if name:
                take = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(name))
                await link.execute(take.as_string())
            else:
                name = await link.fetchval("SELECT pg_export_snapshot()")
            links.append(link)
        yield links


async def _tiles(
    links: Sequence[Any],
    part: Sequence[tuple[Tile, list[str]]],
    shown: dict[str, Layer],
) -> list[bytes]:
    """Return the tiles of a part, made on all connections at once."""
    made: list[bytes] = [b""] * len(part)
    waiting = iter(range(len(part)))

    async def work(link: Any) -> None:
        async def fetch(statement: Prepared, values: dict[str, Any]) -> bytes | None:
            found: bytes | None = await link.fetchval(statement.sql, *statement.bind(values))
            return found

        for place in waiting:
            tile, names = part[place]
            layers = [shown[n] for n in names if _within(shown[n], tile)]
            data = [await tile_bytes(each, tile, EVERYONE, None, fetch) for each in layers]
            made[place] = b"".join(data)

    await asyncio.gather(*(work(link) for link in links))
    return made


def _within(layer: Layer, tile: Tile) -> bool:
    return layer.zooms[0] <= tile.z <= layer.zooms[1]


async def _boxes(link: Any, layer: Layer) -> NDArray[np.float64]:
    geom = rows(layer, EVERYONE).c.geom_3857
    sides = (func.ST_XMin(geom), func.ST_YMin(geom), func.ST_XMax(geom), func.ST_YMax(geom))
    query = prepare(select(*sides).where(geom.is_not(None), func.ST_IsEmpty(geom).is_(False)))
    found = await link.fetch(query.sql, *query.bind())
    return np.array([tuple(row) for row in found], np.float64) if found else _NO_BOXES


async def _bounds(link: Any, layers: Sequence[Layer]) -> tuple[float, float, float, float]:
    found = []
    for layer in layers:
        box = func.ST_Extent(rows(layer, EVERYONE).c.geom)
        sides = (func.ST_XMin(box), func.ST_YMin(box), func.ST_XMax(box), func.ST_YMax(box))
        query = prepare(select(*sides))
        found.append(tuple(await link.fetchrow(query.sql, *query.bind())))
    west, south, east, north = zip(*found, strict=True)
    return min(west), min(south), max(east), max(north)


async def _snapshot(link: Any, zooms: dict[str, tuple[int, int]]) -> Snapshot:
    query = prepare(select(func.onemap_now(), func.max(ChangeRecord.seq)))
    moment, seq = await link.fetchrow(query.sql, *query.bind())
    return Snapshot(moment, seq, zooms)


def _metadata(
    layers: Sequence[Layer],
    zooms: dict[str, tuple[int, int]],
    snapshot: Snapshot,
    attribution: str,
    bounds: Sequence[float],
    say: Callable[[Text], str],
) -> dict[str, Any]:
    titles = say(Text("、", ", ")).join(say(layer.title) for layer in layers)
    moment = f"{snapshot.moment:%Y-%m-%d %H:%M} UTC"
    return {
        "name": titles,
        "description": say(Text(f"公开数据，记录至 {moment}", f"public rows as of {moment}")),
        "attribution": attribution,
        "type": "overlay",
        "version": snapshot.moment.isoformat(),
        "format": "pbf",
        "minzoom": min(first for first, _ in zooms.values()),
        "maxzoom": max(last for _, last in zooms.values()),
        "bounds": list(bounds),
        "vector_layers": [each for layer in layers for each in _listed(layer, zooms, say)],
        OURS: archive.described(snapshot),
    }


def _listed(
    layer: Layer, zooms: dict[str, tuple[int, int]], say: Callable[[Text], str]
) -> Iterator[dict[str, Any]]:
    first, last = zooms[layer.name]
    named = next((z for z in range(first, last + 1) if label_points(layer, z)), None)
    for name, start, fields in (
        (layer.name, first, carried(layer)),
        (layer.name + LABEL, named, told(layer) if named is not None else []),
    ):
        if start is not None:
            yield {
                "id": name,
                "description": say(layer.title),
                "minzoom": start,
                "maxzoom": last,
                "fields": {field: _kind(layer, field) for field in fields},
            }


def _kind(layer: Layer, name: str) -> str:
    """Return the kind of an attribute as TileJSON of archives names it."""
    column = layer.table.c.get(name)
    if column is None:
        return "String"
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return "String"
    if kind is bool:
        return "Boolean"
    return "Number" if kind in (int, float) else "String"

"""Tiles of chosen layers in one PMTiles file: written once, read by ranges.

An archive is a snapshot of what is public. It says of which moment, and is never older than it
says; whoever may see more than public rows is not served from it (`api.archives`).
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import AsyncIterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pmtiles.reader import Reader
from pmtiles.tile import (
    Compression,
    Entry,
    TileType,
    deserialize_directory,
    find_tile,
    zxy_to_tileid,
)
from pmtiles.writer import Writer

from geo.tiling import HALF_WORLD_M
from layers.base import Layer
from layers.problems import BadRequest
from tiles.compress import packed, unpacked
from tiles.vector import BUFFER, EXTENT, LABEL, Tile
from tiles.wire import layers_of

MEDIA_TYPE = "application/vnd.pmtiles"
MOST = 5_000_000
"""So many tiles may be looked at for one archive: a town at zoom 16 has some ten thousand."""
OURS = "onemap"
"""The key of the metadata under which stands what only we need."""
_DEEPEST = 4


@dataclass(frozen=True)
class Snapshot:
    """What an archive shows.

    Attributes
    ----------
    moment : as of which the estate was recorded.
    seq : the last committed change that it holds, None before the first.
    zooms : of each layer, the first and the last one that it holds.
    """

    moment: datetime
    seq: int | None
    zooms: Mapping[str, tuple[int, int]]


def addresses(boxes: NDArray[np.float64], first: int, last: int) -> dict[int, NDArray[np.int64]]:
    """Return the tiles that may show something within `boxes`, by zoom: rows of x and y.

    Parameters
    ----------
    boxes : west, south, east, north in EPSG:3857, a row for each.

    Raises
    ------
    BadRequest : there are more than `MOST`.
    """
    found: dict[int, NDArray[np.int64]] = {}
    total = 0
    for z in range(first, last + 1):
        width = 2 * HALF_WORLD_M / (1 << z)
        # A coordinate is rounded to the tile's grid before it is cut off.
        margin = width * (BUFFER + 1) / EXTENT
        west, south, east, north = boxes.T
        reach = np.floor(
            np.stack([west - margin, -north - margin, east + margin, -south + margin], axis=1)
            / width
            + (1 << z) / 2
        )
        reach = np.unique(np.clip(reach, 0, (1 << z) - 1).astype(np.int64), axis=0)
        wide, high = reach[:, 2] - reach[:, 0] + 1, reach[:, 3] - reach[:, 1] + 1
        if total + int((wide * high).sum()) > MOST:
            raise BadRequest(
                zh=f"到第 {z} 级需要的瓦片超过 {MOST:,} 个；请用 --max-zoom 指定较小的级别",
                en=f"There are more than {MOST:,} tiles up to zoom {z}; "
                "choose a smaller --max-zoom",
            )
        found[z] = np.unique(_expanded(reach, wide, high), axis=0)
        total += len(found[z])
    return found


def _expanded(
    reach: NDArray[np.int64], wide: NDArray[np.int64], high: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return x and y of every tile of rectangles of tiles."""
    each = wide * high
    place = np.arange(int(each.sum())) - np.repeat(np.cumsum(each) - each, each)
    across = np.repeat(wide, each)
    x = np.repeat(reach[:, 0], each) + place % across
    y = np.repeat(reach[:, 1], each) + place // across
    return np.column_stack([x, y])


def in_order(wanted: Mapping[str, Mapping[int, NDArray[np.int64]]]) -> list[tuple[Tile, list[str]]]:
    """Return every tile once, in the order of the file, with the layers that may show in it."""
    names: dict[tuple[int, int, int], list[str]] = {}
    for name, zooms in wanted.items():
        for z, places in zooms.items():
            for x, y in places.tolist():
                names.setdefault((z, x, y), []).append(name)
    return [(Tile(*each), names[each]) for each in sorted(names, key=lambda t: zxy_to_tileid(*t))]


@contextmanager
def replacing(path: Path) -> Iterator[Any]:
    """Give a file to write; it takes the place of `path` at the end, or nothing is left of it."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    made = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(number)
        made.chmod(0o644)
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


async def write(
    file: Any,
    tiles: AsyncIterable[tuple[Tile, bytes]],
    bounds: Sequence[float],
    metadata: Mapping[str, Any],
) -> int:
    """Write tiles, given in the order of the file, and return how many there are.

    Equal tiles are kept once. Nothing is written where there are none.

    Parameters
    ----------
    bounds : west, south, east, north in EPSG:4326.
    """
    writer = Writer(file)  # type: ignore[no-untyped-call]
    async for tile, data in tiles:
        writer.write_tile(zxy_to_tileid(tile.z, tile.x, tile.y), packed(data))  # type: ignore[no-untyped-call]
    count: int = writer.addressed_tiles
    if not count:
        return 0
    west, south, east, north = bounds
    sides = {"min_lon": west, "min_lat": south, "max_lon": east, "max_lat": north}
    middle = {"center_lon": (west + east) / 2, "center_lat": (south + north) / 2}
    header: dict[str, Any] = {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "center_zoom": int(metadata["minzoom"]),
        **{f"{name}_e7": round(value * 1e7) for name, value in (sides | middle).items()},
    }
    writer.finalize(header, dict(metadata))  # type: ignore[no-untyped-call]
    return count


class Archive:
    """An archive that is open: its tiles are read from the file as it was when it was opened.

    Raises
    ------
    BadRequest : the file is not an archive of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            reader = Reader(self._read)  # type: ignore[no-untyped-call]
            self._header: dict[str, Any] = reader.header()  # type: ignore[no-untyped-call]
            self.metadata: dict[str, Any] = reader.metadata()  # type: ignore[no-untyped-call]
            self.snapshot = _snapshot(self.metadata[OURS])
        except OSError as error:
            raise BadRequest(
                zh=f"瓦片归档 {path} 无法打开：{error.strerror}",
                en=f"The tile archive {path} cannot be opened: {error.strerror}",
            ) from error
        except Exception as error:
            raise BadRequest(
                zh=f"{path} 不是由 onemap tiles archive 写出的瓦片归档",
                en=f"{path} is no tile archive written by onemap tiles archive",
            ) from error
        self._directory = lru_cache(maxsize=64)(self._directory_at)
        self.layer = lru_cache(maxsize=512)(self._layer)

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """Return a tile as it lies in the file (gzip), None where nothing is."""
        wanted = zxy_to_tileid(z, x, y)
        at, length = self._header["root_offset"], self._header["root_length"]
        for _ in range(_DEEPEST):
            found = find_tile(self._directory(at, length), wanted)
            if found is None:
                return None
            if found.run_length:
                return self._read(self._header["tile_data_offset"] + found.offset, found.length)
            at, length = self._header["leaf_directory_offset"] + found.offset, found.length
        return None

    def _layer(self, name: str, z: int, x: int, y: int) -> bytes:
        """Return what a tile holds of a layer and of its names, not packed."""
        data = self.tile(z, x, y)
        if data is None:
            return b""
        wanted = (name, name + LABEL)
        return b"".join(part for each, part in layers_of(unpacked(data)) if each in wanted)

    def _directory_at(self, offset: int, length: int) -> list[Entry]:
        return deserialize_directory(self._read(offset, length))

    def _read(self, offset: int, length: int) -> bytes:
        return self._bytes[offset : offset + length]


def described(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot as the metadata keep it."""
    return {
        "moment": snapshot.moment.isoformat(),
        "seq": snapshot.seq,
        "zooms": {name: list(zooms) for name, zooms in snapshot.zooms.items()},
    }


def _snapshot(told: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        datetime.fromisoformat(told["moment"]),
        told["seq"],
        {name: (first, last) for name, (first, last) in told["zooms"].items()},
    )


def zooms_of(layer: Layer, last: int | None) -> tuple[int, int]:
    """Return the zooms at which a layer goes into an archive.

    Raises
    ------
    BadRequest : it has no tiles up to zoom `last`.
    """
    first, end = layer.zooms
    end = end if last is None else min(end, last)
    if end < first:
        raise BadRequest(
            zh=f"图层“{layer.title.zh}”从第 {first} 级才有瓦片，--max-zoom 应不小于 {first}",
            en=f"The layer '{layer.name}' has tiles from zoom {first}; --max-zoom must be at least "
            f"{first}",
        )
    return first, end

"""The Web Mercator tile grid: zoom z, x from the west, y from the north.

It is WebMercatorQuad of OGC 17-083r4, annex D.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Bounds = tuple[float, float, float, float]

HALF_WORLD_M: Final = 6378137.0 * math.pi
"""Half the side of the world square in EPSG:3857, metres."""
MAX_LATITUDE_DEG: Final = math.degrees(math.atan(math.sinh(math.pi)))
"""Northern edge of the world square, 85.0511…°."""
MAX_ZOOM: Final = 30
_SLACK: Final = 1e-9  # degrees; see `tiles_touching`


class Tile(NamedTuple):
    """Address of a tile."""

    z: int
    x: int
    y: int


def is_tile(z: int, x: int, y: int) -> bool:
    """Tell whether the address exists (0 ≤ z ≤ 30, x and y within the zoom's grid)."""
    return 0 <= z <= MAX_ZOOM and 0 <= x < 1 << z and 0 <= y < 1 << z


def tile_bounds_3857(z: int, x: int, y: int) -> Bounds:
    """Return west, south, east, north of a tile in EPSG:3857, metres.

    Neighbours have the edge between them in common to the last bit, so that a point near it lies
    in one of them alone.

    Raises
    ------
    ValueError
        When there is no such tile.
    """
    if not is_tile(z, x, y):
        raise ValueError(f"there is no tile {z}/{x}/{y}")
    side = 2 * HALF_WORLD_M / (1 << z)
    west, east = x * side - HALF_WORLD_M, (x + 1) * side - HALF_WORLD_M
    return west, HALF_WORLD_M - (y + 1) * side, east, HALF_WORLD_M - y * side


def tile_at(lon: ArrayLike, lat: ArrayLike, z: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return x and y of the tiles that hold points (degrees); beyond the edge, the edge tile."""
    size = 1 << z
    x = (np.asarray(lon, np.float64) / 360.0 + 0.5) * size
    limited = np.clip(np.asarray(lat, np.float64), -MAX_LATITUDE_DEG, MAX_LATITUDE_DEG)
    y = (0.5 - np.arcsinh(np.tan(np.radians(limited))) / (2 * np.pi)) * size
    column = np.clip(np.floor(x), 0, size - 1).astype(np.int64)
    return column, np.clip(np.floor(y), 0, size - 1).astype(np.int64)


def tiles_touching(bounds: Bounds, z: int) -> Iterator[Tile]:
    """Yield the tiles of zoom `z` that an extent (EPSG:4326, west, south, east, north) touches.

    An edge that lies on a tile boundary touches the tiles on both sides. An extent over the
    antimeridian is written west > east, as in GeoJSON (RFC 7946, 5.2).
    """
    west, south, east, north = bounds
    if west > east:
        left = set(tiles_touching((west, south, 180.0, north), z))
        yield from sorted(left | set(tiles_touching((-180.0, south, east, north), z)))
        return
    # Rounding in the projection must not lose a tile that the extent just reaches.
    columns, rows = tile_at((west - _SLACK, east + _SLACK), (north + _SLACK, south - _SLACK), z)
    (first_x, last_x), (first_y, last_y) = columns.tolist(), rows.tolist()
    for x in range(first_x, last_x + 1):
        for y in range(first_y, last_y + 1):
            yield Tile(z, x, y)


def count_touching(bounds: Bounds, z: int) -> int:
    """Return how many tiles `tiles_touching` would yield, without making them."""
    west, south, east, north = bounds
    if west > east:
        parts = ((west, south, 180.0, north), (-180.0, south, east, north))
        return min(sum(count_touching(part, z) for part in parts), (1 << z) ** 2)
    x, y = tile_at((west - _SLACK, east + _SLACK), (north + _SLACK, south - _SLACK), z)
    return int((x[1] - x[0] + 1) * (y[1] - y[0] + 1))


def parent(tile: Tile) -> Tile | None:
    """Return the tile one zoom up, None for the world."""
    return Tile(tile.z - 1, tile.x >> 1, tile.y >> 1) if tile.z else None


def resolution_m(z: int, tile_size: int = 256) -> float:
    """Return the metres of EPSG:3857 per pixel (on the ground: times the cosine of latitude)."""
    return 2 * HALF_WORLD_M / ((1 << z) * tile_size)

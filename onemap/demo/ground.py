"""The ground everything stands on: local metres round the centre, and streams of random numbers.

Local coordinates are metres east and north of the centre in EPSG:4528 (CGCS2000 / 3-degree
Gauss-Kruger zone 40), which is what the demo's shapefiles are written in.
"""

from __future__ import annotations

import functools
import zlib
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer

from onemap.demo.stories import stories

Floats = NDArray[np.float64]
CRS = "EPSG:4528"


@functools.cache
def _transformers() -> tuple[Transformer, Transformer]:
    return (
        Transformer.from_crs("EPSG:4326", CRS, always_xy=True),
        Transformer.from_crs(CRS, "EPSG:4326", always_xy=True),
    )


@functools.cache
def origin() -> tuple[float, float]:
    """Return easting and northing of the centre, whole metres."""
    lon, lat = stories()["estate"]["centre"]
    east, north = _transformers()[0].transform(lon, lat)
    return float(round(east)), float(round(north))


def to_lonlat(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Return WGS 84 degrees of local metres (CGCS2000 is taken as equal)."""
    east, north = origin()
    lon, lat = _transformers()[1].transform(np.asarray(x) + east, np.asarray(y) + north)
    return np.asarray(lon), np.asarray(lat)


def geometries_to_lonlat(shapes: Any) -> Any:
    """Return shapely geometries in degrees, rounded to 1e-8 (1 mm)."""

    def convert(xy: Floats) -> Floats:
        return np.asarray(np.round(np.column_stack(to_lonlat(xy[:, 0], xy[:, 1])), 8), np.float64)

    return shapely.transform(np.asarray(shapes, dtype=object), convert)


def geometries_to_grid(shapes: Any) -> Any:
    """Return shapely geometries in EPSG:4528, in millimetres."""

    def convert(xy: Floats) -> Floats:
        return np.asarray(np.round(xy + np.array(origin()), 3), dtype=np.float64)

    return shapely.transform(np.asarray(shapes, dtype=object), convert)


def stream(seed: int, name: str) -> np.random.Generator:
    """Return random numbers of their own for one part, so that parts do not disturb each other."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])

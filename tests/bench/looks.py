"""Whether two tiles look the same: the share of every pixel that their areas cover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mapbox_vector_tile
import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely.geometry import shape

EXTENT = 4096
PIXELS = 512


@dataclass(frozen=True)
class Likeness:
    """How one drawing is like another.

    Attributes
    ----------
    tone : covered ground of the one over that of the other.
    difference : mean absolute difference of the covered share of a pixel, where either draws.
    correlation : of the shares of all pixels, seen through the blur of a 4 × 4 pixel square.
    """

    tone: float
    difference: float
    correlation: float


def coverage(tile: bytes, layer: str) -> NDArray[np.float64]:
    """Return the share of each of 512 × 512 pixels that the areas of a layer cover.

    Drawn on the tile's own grid of 4096 × 4096 without smoothing, then averaged: exact for
    corners on the grid, and every corner of a tile lies on it.
    """
    features = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})
    shapes: list[tuple[Any, int]] = [
        (shape(each["geometry"]), 1) for each in features[layer]["features"]
    ]
    drawn = rasterize(shapes, out_shape=(EXTENT, EXTENT), dtype=np.uint8)
    side = EXTENT // PIXELS
    return drawn.reshape(PIXELS, side, PIXELS, side).mean(axis=(1, 3))


def likeness(one: NDArray[np.float64], other: NDArray[np.float64]) -> Likeness:
    """Compare two drawings."""
    drawn = (one > 0) | (other > 0)
    return Likeness(
        float(one.sum() / other.sum()),
        float(np.abs(one - other)[drawn].mean()),
        float(np.corrcoef(_blurred(one).ravel(), _blurred(other).ravel())[0, 1]),
    )


def _blurred(drawn: NDArray[np.float64], over: int = 4) -> NDArray[np.float64]:
    side = len(drawn) // over
    return drawn.reshape(side, over, side, over).mean(axis=(1, 3))

"""Synthetic buildings of a city, the same in every run: 200,000 polygons of about 15 points."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import shapely

SEED = 20261012
COUNT = 200_000
CENTRE = (116.397, 39.908)
CITY_DEG = (0.30, 0.24)
USES = ("office", "residential", "commercial", "education", "health", "storage")
METRES_PER_DEGREE = 111_320.0


def buildings(count: int = COUNT) -> geopandas.GeoDataFrame:
    """Return `count` polygons in EPSG:4326 with six attributes.

    Four fifths stand evenly in a city of 26 km by 27 km, the rest in twelve towns around it.
    """
    random = np.random.default_rng(SEED)
    lon, lat = _centres(random, count)
    corners = 14 + random.integers(-2, 3, count)
    floors = random.integers(1, 31, count)
    return geopandas.GeoDataFrame(
        {
            "name": [f"{number}号楼" for number in range(1, count + 1)],
            "code": [f"B{number:06d}" for number in range(1, count + 1)],
            "use": np.array(USES)[random.integers(0, len(USES), count)],
            "levels_above": floors.astype(np.int32),
            "height_m": np.round(floors * 3.2 + random.uniform(0, 3, count), 1),
            "built_year": random.integers(1950, 2026, count).astype(np.int32),
        },
        geometry=_outlines(random, lon, lat, corners),
        crs="EPSG:4326",
    )


def write(path: Path, count: int = COUNT) -> None:
    """Write the buildings as a GeoPackage."""
    buildings(count).to_file(path, layer="buildings", driver="GPKG")


def _centres(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    city = int(count * 0.8)
    half = np.array(CITY_DEG) / 2
    inside = random.uniform(-half, half, (city, 2))
    angle = np.arange(12) / 12 * 2 * np.pi
    towns = np.column_stack([np.cos(angle) * 0.30, np.sin(angle) * 0.24])
    around = towns[random.integers(0, 12, count - city)]
    around = around + random.normal(0, 0.012, around.shape)
    spread = np.vstack([inside, around]) + np.array(CENTRE)
    random.shuffle(spread)
    return spread[:, 0], spread[:, 1]


def _outlines(
    random: np.random.Generator, lon: np.ndarray, lat: np.ndarray, corners: np.ndarray
) -> np.ndarray:
    """Return one star-shaped, hence valid, ring around each centre."""
    ring = np.repeat(np.arange(len(lon)), corners)
    first = np.concatenate([[0], np.cumsum(corners)[:-1]])
    place = np.arange(len(ring)) - first[ring]
    angle = (place + random.uniform(0.1, 0.9, len(ring))) / corners[ring] * 2 * np.pi
    radius = random.uniform(8, 25, len(lon))[ring] * random.uniform(0.75, 1.0, len(ring))
    metres = METRES_PER_DEGREE * np.cos(np.radians(lat))[ring]
    x = lon[ring] + radius * np.cos(angle) / metres
    y = lat[ring] + radius * np.sin(angle) / METRES_PER_DEGREE
    rings = shapely.linearrings(np.column_stack([x, y]), indices=ring)
    return shapely.polygons(rings)

"""Rows whose every value is known beforehand, planted by plain SQL: no importer, no filter."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Engine, text

NAMES = (
    "会议室", "Meeting", "会议厅", "Café", "cafe", "CAFÉ", "Büro", "办公室", "O'Hara", "100%",
    "a_b", "档案室", None,
)  # fmt: skip
USES = ("office", "meeting", "service", None)
CELL = 0.001
WEST, SOUTH = 116.3, 39.9
START = datetime(2026, 9, 28, 20, tzinfo=UTC)


def rooms(count: int = 260) -> gpd.GeoDataFrame:
    """Cells of a grid, 20 to a row, so that neighbours touch; every third one is a triangle."""
    n = np.arange(count)
    x, y = np.round(WEST + (n % 20) * CELL, 7), np.round(SOUTH + (n // 20) * CELL, 7)
    right, top = np.round(x + CELL, 7), np.round(y + CELL, 7)
    boxes = shapely.box(x, y, right, top)
    triangles = [
        shapely.Polygon([(a, b), (c, b), (a, d)])
        for a, b, c, d in zip(x, y, right, top, strict=True)
    ]
    geometry = np.where(n % 3 == 2, np.array(triangles, dtype=object), boxes)
    geometry[count - 1] = None
    frame = pd.DataFrame(
        {
            "source_key": [f"r{i:04d}" for i in n],
            "name": [NAMES[i % len(NAMES)] for i in n],
            "number": [f"B{i % 7:02d}-{i:03d}" for i in n],
            "use": [USES[i % len(USES)] for i in n],
            "capacity": pd.array([None if i % 11 == 0 else i % 13 for i in n], dtype="Int64"),
            "built_area_m2": [None if i % 17 == 0 else round(7.3 + i * 0.37, 2) for i in n],
            "vacant_since": [
                None if i % 5 else date(2026, 1, 1) + timedelta(days=int(i)) for i in n
            ],
        }
    )
    return gpd.GeoDataFrame(frame, geometry=list(geometry), crs=4326)


def trips(count: int = 60) -> gpd.GeoDataFrame:
    """Trips of one vehicle, one every five hours, lasting from one to three hours."""
    n = np.arange(count)
    started = [START + timedelta(hours=5 * int(i)) for i in n]
    ended = [s + timedelta(hours=1 + int(i) % 3) for i, s in zip(n, started, strict=True)]
    lines = [
        shapely.LineString([(116.3 + i * 0.001, 39.9), (116.3 + i * 0.001 + 0.004, 39.91)])
        for i in n
    ]
    frame = pd.DataFrame(
        {
            "source_key": [f"t{i:04d}" for i in n],
            "started_at": pd.to_datetime(started, utc=True),
            "ended_at": pd.to_datetime(ended, utc=True),
            "length_km": [round(1 + i * 0.7, 2) for i in n],
        }
    )
    return gpd.GeoDataFrame(frame, geometry=lines, crs=4326)


def plant(engine: Engine) -> None:
    """Write the rooms, one vehicle, its trips and a day of its positions."""
    with engine.begin() as link:
        for row in rooms().to_dict("records"):
            link.execute(_ROOM, _plain(row))
        vehicle = link.execute(
            text(
                "INSERT INTO vehicle (source, source_key, plate, price_cny, geom)"
                " VALUES ('planted', 'v', '演A·D0001', 118000.50,"
                " ST_SetSRID(ST_Point(116.3, 39.9), 4326)) RETURNING id"
            )
        ).scalar_one()
        for row in trips().to_dict("records"):
            link.execute(_TRIP, {**_plain(row), "vehicle": vehicle})


_ROOM = text(
    "INSERT INTO room (source, source_key, name, number, use, capacity, built_area_m2,"
    " vacant_since, geom) VALUES ('planted', :source_key, :name, :number, :use, :capacity,"
    " :built_area_m2, :vacant_since, ST_Multi(ST_GeomFromWKB(:geometry, 4326)))"
)
_TRIP = text(
    "INSERT INTO trip (source, source_key, vehicle_id, started_at, ended_at, length_km, moving_s,"
    " fixes, geom) VALUES ('planted', :source_key, :vehicle, :started_at, :ended_at, :length_km,"
    " 60, 2, ST_Force3DM(ST_GeomFromWKB(:geometry, 4326)))"
)


def _plain(row: dict) -> dict:
    """Give psycopg what it knows: None for what is missing, WKB for shapes, Python's own times."""
    made = {}
    for name, value in row.items():
        if isinstance(value, shapely.Geometry):
            made[name] = shapely.to_wkb(value)
        elif value is None or pd.isna(value):
            made[name] = None
        elif isinstance(value, pd.Timestamp):
            made[name] = value.to_pydatetime()
        else:
            made[name] = value.item() if isinstance(value, np.generic) else value
    return made

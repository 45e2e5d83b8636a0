"""Trips and stops, made anew from the stored positions wherever positions have arrived.

The key of a trip or stop is that of its vehicle and the moment it begins, so that making it
again changes nothing. What the new fixes have joined or parted is replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from geo.tracks import Fixes, TrackRules, clean_fixes, segment, trip_lines
from layers.base import Feature, table_of
from layers.changes import ChangeSet
from layers.fleet import Stop, Trip, Vehicle

_HERE: Final = Path(__file__).parent
_REACH: Final = "32 days"
"""How far back a silence is sought; a tracker that never pauses is cut there."""
_AT_ONCE: Final = 200  # vehicles held in memory together
_HEADER_BYTES: Final = 19  # of PostgreSQL's binary COPY: signature, flags, length of extension
_TRAILER_BYTES: Final = 2
_EPOCH_US: Final = 946_684_800_000_000  # 1970-01-01 to PostgreSQL's 2000-01-01
_WIRE: Final = np.dtype(
    [
        ("fields", ">i2"),
        ("size_vehicle", ">i4"),
        ("vehicle", ">i8"),
        ("size_time", ">i4"),
        ("time", ">i8"),
        ("size_x", ">i4"),
        ("x", ">f8"),
        ("size_y", ">i4"),
        ("y", ">f8"),
    ]
)


@dataclass
class Rebuilt:
    """How many trips and stops there are now in the spans, and how many were new or gone."""

    trips: int = 0
    stops: int = 0
    made: int = 0
    removed: int = 0


def rebuild(changes: ChangeSet, spans: pd.DataFrame, rules: TrackRules | None = None) -> Rebuilt:
    """Derive trips and stops anew where positions were added or corrected.

    Parameters
    ----------
    spans : ``vehicle_id``, ``first`` and ``last`` (UTC): one row per vehicle.
    """
    rules = rules or TrackRules()
    result = Rebuilt()
    for begin in range(0, len(spans), _AT_ONCE):
        wide = _widened(changes, spans.iloc[begin : begin + _AT_ONCE], rules)
        fixes = _fixes(changes, wide, rules)
        owners = _owners(changes, wide["id"])
        found = segment(fixes, rules)
        result.trips += _replace(changes, Trip, _trips(fixes, found.trips, owners), wide, result)
        result.stops += _replace(changes, Stop, _stops(fixes, found.stops, owners), wide, result)
    return result


def _widened(changes: ChangeSet, spans: pd.DataFrame, rules: TrackRules) -> pd.DataFrame:
    statement = sa.text((_HERE / "spans.sql").read_text(encoding="utf-8"))
    rows = changes.connection.execute(
        statement,
        {
            "ids": [int(each) for each in spans["vehicle_id"]],
            "starts": [each.to_pydatetime() for each in spans["first"]],
            "ends": [each.to_pydatetime() for each in spans["last"]],
            "reach": _REACH,
            "gap_s": rules.gap_s,
        },
    ).all()
    return pd.DataFrame(rows, columns=["id", "starts", "ends"])


def _fixes(changes: ChangeSet, spans: pd.DataFrame, rules: TrackRules) -> Fixes:
    query = (_HERE / "positions.sql").read_text(encoding="utf-8")
    given = [[int(v) for v in spans["id"]], list(spans["starts"]), list(spans["ends"])]
    raw: Any = changes.connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(query, given) as stream:
        data = b"".join(stream)
    rows = np.frombuffer(data[_HEADER_BYTES:-_TRAILER_BYTES], dtype=_WIRE)
    moment = (rows["time"].astype(np.int64) + _EPOCH_US).astype("datetime64[us]")
    vehicle = rows["vehicle"].astype(np.int64)
    return clean_fixes(vehicle, moment, rows["x"].astype(float), rows["y"].astype(float), rules)


def _owners(changes: ChangeSet, ids: pd.Series[Any]) -> pd.DataFrame:
    t = table_of(Vehicle)
    rows = changes.connection.execute(
        sa.select(t.c.id, t.c.source, t.c.source_key, t.c.body_id).where(
            t.c.id == sa.func.any(sa.literal([int(i) for i in ids], sa.ARRAY(sa.BigInteger)))
        )
    ).all()
    frame = pd.DataFrame(rows, columns=["id", "source", "source_key", "body_id"])
    return frame.astype({"body_id": "Int64"}).set_index("id")


def _rows(fixes: Fixes, found: Any, owners: pd.DataFrame) -> pd.DataFrame:
    """Return what trips and stops have in common: whose they are, and from when to when."""
    vehicle = np.asarray(fixes.vehicles)[found.vehicle].astype(np.int64)
    starts = pd.to_datetime(pd.Series(found.start), utc=True)
    owner = owners.reindex(vehicle)
    stamp = starts.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ").str.replace(".000000Z", "Z", regex=False)
    return pd.DataFrame(
        {
            "source": owner["source"].to_numpy(),
            "source_key": (owner["source_key"].astype("str").reset_index(drop=True) + "~" + stamp),
            "body_id": owner["body_id"].to_numpy(),
            "vehicle_id": vehicle,
            "started_at": starts,
            "ended_at": pd.to_datetime(pd.Series(found.end), utc=True),
        }
    ).astype({"body_id": "Int64"})


def _trips(fixes: Fixes, trips: Any, owners: pd.DataFrame) -> pd.DataFrame:
    frame = _rows(fixes, trips, owners)
    frame["length_km"] = trips.km
    frame["moving_s"] = np.round(trips.moving_s).astype(np.int64)
    frame["fixes"] = (trips.last - trips.first + 1).astype(np.int64)
    frame["geom"] = _shapes(trip_lines(fixes, trips))
    return frame


def _stops(fixes: Fixes, stops: Any, owners: pd.DataFrame) -> pd.DataFrame:
    frame = _rows(fixes, stops, owners)
    seconds = (frame["ended_at"] - frame["started_at"]).dt.total_seconds()
    frame["duration_s"] = seconds.round().astype(np.int64)
    frame["geom"] = _shapes(gpd.points_from_xy(stops.lon, stops.lat))
    return frame


def _shapes(shapes: Any) -> NDArray[Any]:
    made = np.empty(len(shapes), dtype=object)
    made[:] = list(shapes)
    return made


def _replace(
    changes: ChangeSet,
    model: type[Feature],
    frame: pd.DataFrame,
    spans: pd.DataFrame,
    result: Rebuilt,
) -> int:
    """Write the rows and take away those in the spans that are no longer found."""
    t = table_of(model)
    times = sa.DateTime(timezone=True)
    span = (
        sa.func.unnest(
            sa.literal([int(i) for i in spans["id"]], sa.ARRAY(sa.BigInteger)),
            sa.literal(list(spans["starts"]), sa.ARRAY(times)),
            sa.literal(list(spans["ends"]), sa.ARRAY(times)),
        )
        .table_valued(
            sa.column("id", sa.BigInteger), sa.column("starts", times), sa.column("ends", times)
        )
        .render_derived()
    )
    known = changes.connection.execute(
        sa.select(t.c.id, t.c.source, t.c.source_key)
        .join(span, span.c.id == t.c.vehicle_id)
        .where(t.c.started_at.between(span.c.starts, span.c.ends))
    ).all()
    now = set(zip(frame["source"], frame["source_key"], strict=True))
    gone = [row.id for row in known if (row.source, row.source_key) not in now]
    changes.delete([(model, key) for key in gone])
    counts = changes.upsert(model, frame)
    result.made += counts.inserted
    result.removed += len(gone)
    return len(frame)

"""What differs between two moments of record, told with the words of the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from shapely.geometry.base import BaseGeometry

from api.session import Session
from layers.access import earliest
from layers.audit.noting import read
from layers.base import Layer
from layers.past import difference

_KINDS = ("added", "altered", "gone")


async def differences(
    session: Session,
    shown: Sequence[Layer],
    start: datetime,
    end: datetime | None,
    area: BaseGeometry | None,
    limit: int,
) -> dict[str, Any]:
    """Return what the caller may see of the differences in some layers, as GeoJSON.

    Parameters
    ----------
    end : None is now.
    area : only what lay or lies there; layers without places have nothing there.
    """
    zone = session.config.zone
    features: list[dict[str, Any]] = []
    counts: dict[str, dict[str, int]] = {}
    earlier: dict[str, datetime] = {}
    for each in shown:
        if area is not None and not each.spatial:
            continue
        first = await recorded_since(session, each)
        if first is not None and first > start:
            earlier[each.name] = first
        left = limit + 1 - len(features)
        if left <= 0:
            break
        rows = await session.fetch(difference(each, session.actor, start, end, area, left))
        for row in rows[: left - 1]:
            counts.setdefault(each.name, dict.fromkeys(_KINDS, 0))[row["kind"]] += 1
        features += [_feature(session, each, row) for row in rows]
    read(*counts)
    return {
        "type": "FeatureCollection",
        "from": start.astimezone(zone),
        "to": (end or session.config.now()).astimezone(zone),
        "truncated": len(features) > limit,
        "counts": counts,
        "earliest": earlier,
        "features": features[:limit],
    }


def _feature(session: Session, shown: Layer, row: Mapping[str, Any]) -> dict[str, Any]:
    geometry = row["geojson"]
    return {
        "type": "Feature",
        "id": f"{shown.name}/{row['id']}",
        "geometry": orjson.loads(geometry) if geometry else None,
        "properties": {
            "kind": row["kind"],
            "layer": shown.name,
            "id": row["id"],
            "title": row["title"],
            "at": row["at"].astimezone(session.config.zone),
            "moved": row["moved"],
        },
    }


async def recorded_since(session: Session, shown: Layer) -> datetime | None:
    """Return when the record of a layer begins, in the service's time zone."""
    found = await session.fetchrow(earliest(shown))
    return found[0].astimezone(session.config.zone) if found and found[0] else None

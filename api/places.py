"""Where the service is, and where its rows lie."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import Request
from geoalchemy2 import Geometry
from sqlalchemy import cast, func, select, union_all

from api.session import Session
from layers.access import rows
from layers.base import Feature, Layer

Box = tuple[float, float, float, float]


def service_url(request: Request) -> str:
    """Return the address of the service as the caller reached it, without a slash at the end."""
    return str(request.base_url).rstrip("/")


async def bounds_of(session: Session, layers: Iterable[Layer]) -> Box | None:
    """Return the bounds (EPSG:4326: west, south, east, north) of what the actor sees of `layers`.

    None where nothing has a place.
    """
    parts = []
    for layer in layers:
        if issubclass(layer.model, Feature):
            source = rows(layer, session.actor, session.at)
            parts.append(select(func.ST_Extent(source.c.geom).label("box")))
    if not parts:
        return None
    boxes = union_all(*parts).subquery()
    box = func.ST_Extent(cast(boxes.c.box, Geometry))
    sides = [f(box) for f in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)]
    found = await session.fetchrow(select(*sides))
    if found is None or found[0] is None:
        return None
    return (found[0], found[1], found[2], found[3])

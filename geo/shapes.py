"""Cutting an area by a line, and joining neighbours across the wall between them.

Both leave every corner that was there exactly where it was: what touches a neighbour goes on
touching it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

WALL_M = 0.8
"""How far apart two areas may lie that are joined: the wall between them becomes theirs."""
SLIVER_M2 = 0.1
"""What is smaller is no area that somebody wanted."""
_EXTEND_M = 0.1
_SAME_M = 0.002
_GEOD = Geod(ellps="WGS84")


class Unshaped(ValueError):
    """What was asked for has no such result; says why."""


def area_m2(shape: BaseGeometry) -> float:
    """Return the area on the ellipsoid."""
    return abs(float(_GEOD.geometry_area_perimeter(shape)[0]))


def split(shape: BaseGeometry, line: LineString) -> list[Polygon]:
    """Return the parts into which a line cuts an area, the largest first.

    The line may end on the edge: it is taken a little further there.

    Raises
    ------
    Unshaped : it cuts nothing off, or hardly anything.
    """
    cut = _lengthened(line, _metres(shape))
    edges = shapely.union_all([shape.boundary, cut])
    faces = shapely.get_parts(shapely.polygonize([*shapely.get_parts(edges)]))
    parts = [f for f in faces if shape.contains(f.representative_point())]
    if len(parts) <= len(shapely.get_parts(shape)):
        raise Unshaped("uncut")
    if any(area_m2(part) < SLIVER_M2 for part in parts):
        raise Unshaped("sliver")
    return sorted((_kept(p, shape) for p in parts), key=area_m2, reverse=True)


def merged(shapes: Sequence[BaseGeometry]) -> Polygon:
    """Return one area for several that touch, or that a wall parts.

    Raises
    ------
    Unshaped : they lie further apart.
    """
    scale = _metres(shapes[0])
    origin = np.array(shapes[0].centroid.coords[0])
    flat = [shapely.transform(s, lambda xy: (xy - origin) * scale) for s in shapes]
    found = shapely.union_all(flat)
    apart = max(min(a.distance(b) for b in flat if b is not a) for a in flat)
    if apart > WALL_M:
        raise Unshaped("apart")
    if not isinstance(found, Polygon):
        found = _bridged(flat, found, apart / 2 + 0.02)
    if not isinstance(found, Polygon):
        raise Unshaped("apart")
    back = shapely.transform(shapely.simplify(found, _SAME_M), lambda xy: xy / scale + origin)
    return _kept(back, *shapes)


def _bridged(flat: Sequence[BaseGeometry], found: BaseGeometry, reach: float) -> BaseGeometry:
    """Fill the wall: what is near both and in neither."""
    wide = shapely.buffer(found, reach, join_style="mitre", cap_style="flat")
    closed = shapely.buffer(wide, -reach, join_style="mitre", cap_style="flat")
    gaps = shapely.get_parts(shapely.difference(closed, found))
    near = [g for g in gaps if sum(g.distance(each) < _SAME_M for each in flat) > 1]
    # Widened by a hair, or rounding would leave a crack that keeps them apart.
    seams = [shapely.buffer(g, _SAME_M / 2, join_style="mitre") for g in near]
    return shapely.union_all([*flat, *seams])


def _metres(shape: BaseGeometry) -> NDArray[np.float64]:
    """Return how many metres a degree of longitude and of latitude are there."""
    lon, lat = shape.centroid.coords[0]
    east = _GEOD.inv(lon, lat, lon + 0.001, lat)[2]
    north = _GEOD.inv(lon, lat, lon, lat + 0.001)[2]
    return np.array([east, north]) * 1000


def _lengthened(line: LineString, scale: NDArray[np.float64]) -> LineString:
    places = np.array(line.coords)[:, :2]
    for end, before in ((0, 1), (-1, -2)):
        way = (places[end] - places[before]) * scale
        length = float(np.hypot(*way))
        if length > 0:
            places[end] = places[end] + way / length * _EXTEND_M / scale
    return LineString(places)


def _kept(found: Polygon, *before: BaseGeometry) -> Polygon:
    """Return `found` with the corners of what was there exactly where they were."""
    scale = _metres(found)
    known = np.concatenate([shapely.get_coordinates(each) for each in before])

    def exact(xy: NDArray[Any]) -> NDArray[Any]:
        away = np.hypot(*np.moveaxis((xy[:, None, :] - known[None]) * scale, 2, 0))
        nearest = away.argmin(axis=1)
        same = away[np.arange(len(xy)), nearest] < 2 * _SAME_M
        return np.where(same[:, None], known[nearest], xy)

    return shapely.transform(found, exact)


MOST_CORNERS = 2_000
"""More than a floor plan's outline has; every corner is held against every other."""


def as_area(shape: BaseGeometry) -> Polygon | MultiPolygon | None:
    """Return a valid area of at most `MOST_CORNERS`, or None where `shape` is none."""
    if shapely.get_num_coordinates(shape) > MOST_CORNERS:
        return None
    if not isinstance(shape, Polygon | MultiPolygon) or shape.is_empty or not shape.is_valid:
        return None
    return shapely.force_2d(shape)

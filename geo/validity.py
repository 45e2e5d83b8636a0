"""Checking and repairing geometries row by row, vectorised, against the type a layer wants.

Nothing is dropped: every row gets a status and a reason code of `geo.messages`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import GeometryType

from geo.messages import GEOMETRY_MESSAGES

Target = Literal[
    "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "Geometry"
]
"""The type a layer stores; "Geometry" takes any."""

MERCATOR_LIMIT_DEG: Final = 85.06
"""Latitude beyond which nothing can be drawn on a Web Mercator map (exactly 85.0511°)."""

# GEOS types: the single one, its multi form, and the dimension of the shape.
_TYPES: Final[dict[str, tuple[GeometryType, GeometryType, int]]] = {
    "Point": (GeometryType.POINT, GeometryType.MULTIPOINT, 0),
    "LineString": (GeometryType.LINESTRING, GeometryType.MULTILINESTRING, 1),
    "Polygon": (GeometryType.POLYGON, GeometryType.MULTIPOLYGON, 2),
}
_M_PER_DEGREE: Final = 111_319.490793  # on the equator of WGS 84: 2·pi·6378137/360


@dataclass(frozen=True)
class Checked:
    """The outcome per row, arrays of one length.

    Attributes
    ----------
    geometry
        2D geometries of the target type; None where rejected.
    status
        "ok", "repaired" (the shape itself was changed) or "rejected".
    reason
        A code of `geo.messages.GEOMETRY_MESSAGES`, "" for none. With status "ok" it is a
        remark (``dropped_zm``, ``untileable``).
    area_change_m2
        Polygons: area after less area before the repair, m² (local equirectangular
        approximation, meant to judge the size of a repair); 0 for all else. A bow tie, whose
        loops cancel out, gains area by a repair.
    """

    geometry: NDArray[Any]
    status: NDArray[np.str_]
    reason: NDArray[np.str_]
    area_change_m2: NDArray[np.float64]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Rows that can be loaded."""
        return np.asarray(self.status != "rejected", dtype=np.bool_)


def check_geometry(geometry: ArrayLike, target: Target = "Geometry") -> Checked:
    """Check geometries in WGS 84 degrees, repair what can be repaired, reject the rest.

    Rejected: null, empty, infinite or NaN coordinates, outside ±180° / ±90°, another type that
    cannot be converted without loss, several parts where one is allowed, collapsed shapes.
    Converted silently: single to multi, a multi of one part to single. Invalid polygons are
    repaired by GEOS ``make_valid`` (structure method), keeping the polygonal part.

    Parameters
    ----------
    geometry
        Shapely geometries, EPSG:4326, x = longitude.
    target
        The type to deliver.
    """
    source = np.atleast_1d(np.asarray(geometry, dtype=object))
    count = len(source)
    work = _Work(
        source.copy(),
        np.full(count, "ok", dtype="U8"),
        np.full(count, "", dtype=f"U{max(map(len, GEOMETRY_MESSAGES))}"),
        np.zeros(count),
    )
    _check_presence(work)
    _check_extent(work)
    _drop_zm(work)
    _repair(work)
    if target != "Geometry":
        _convert(work, target)
    work.geometry[work.status == "rejected"] = None
    return Checked(work.geometry, work.status, work.reason, work.area_change_m2)


@dataclass
class _Work:
    geometry: NDArray[Any]
    status: NDArray[np.str_]
    reason: NDArray[np.str_]
    area_change_m2: NDArray[np.float64]

    @property
    def live(self) -> NDArray[np.bool_]:
        return np.asarray(self.status != "rejected", dtype=np.bool_)

    def reject(self, rows: NDArray[np.bool_], code: str) -> None:
        rows = rows & self.live
        self.status[rows] = "rejected"
        self.reason[rows] = code
        self.area_change_m2[rows] = 0.0


def _check_presence(work: _Work) -> None:
    work.reject(shapely.is_missing(work.geometry), "null_geometry")
    work.reject(shapely.is_empty(work.geometry), "empty_geometry")


def _check_extent(work: _Work) -> None:
    live = np.flatnonzero(work.live)
    coordinates, owner = shapely.get_coordinates(work.geometry[live], return_index=True)
    finite = np.isfinite(coordinates).all(axis=1)
    broken = np.zeros(len(work.geometry), dtype=np.bool_)
    broken[live[owner[~finite]]] = True
    work.reject(broken, "not_finite")
    beyond = finite & ((np.abs(coordinates[:, 0]) > 180.0) | (np.abs(coordinates[:, 1]) > 90.0))
    outside = np.zeros_like(broken)
    outside[live[owner[beyond]]] = True
    work.reject(outside, "outside_world")
    polar = np.zeros_like(broken)
    polar[live[owner[np.abs(coordinates[:, 1]) > MERCATOR_LIMIT_DEG]]] = True
    work.reason[polar & work.live] = "untileable"


def _drop_zm(work: _Work) -> None:
    rows = work.live & (shapely.has_z(work.geometry) | shapely.has_m(work.geometry))
    work.geometry[rows] = shapely.force_2d(work.geometry[rows])
    work.reason[rows & (work.reason == "")] = "dropped_zm"


def _repair(work: _Work) -> None:
    dimension = shapely.get_dimensions(work.geometry)
    work.reject((dimension == 1) & (shapely.length(work.geometry) == 0), "degenerate")
    rows = np.flatnonzero(work.live & ~shapely.is_valid(work.geometry))
    if not len(rows):
        return
    before = work.geometry[rows]
    after = shapely.make_valid(before, method="structure", keep_collapsed=False)
    areal = dimension[rows] == 2
    after[areal] = [_part_of_dimension(shape, 2) for shape in after[areal]]
    gone = np.zeros(len(work.geometry), dtype=np.bool_)
    gone[rows[shapely.is_empty(after)]] = True
    work.geometry[rows] = after
    work.status[rows] = "repaired"
    work.reason[rows] = "made_valid"
    latitude = np.radians(shapely.bounds(before)[:, [1, 3]].mean(axis=1))
    scale = _M_PER_DEGREE**2 * np.cos(latitude)
    change = (shapely.area(after) - np.abs(shapely.area(before))) * scale
    work.area_change_m2[rows] = np.where(areal, change, 0.0)
    work.reject(gone, "degenerate")


def _part_of_dimension(shape: Any, dimension: int) -> Any:
    """Return the parts of a collection that have `dimension`, as one multi geometry."""
    if shapely.get_type_id(shape) != GeometryType.GEOMETRYCOLLECTION:
        return shape
    parts = _leaves(shape)
    kept = [part for part in parts if shapely.get_dimensions(part) == dimension]
    if not kept:
        return shapely.GeometryCollection()
    if len(kept) == 1:
        return kept[0]
    gather = (shapely.multipoints, shapely.multilinestrings, shapely.union_all)[dimension]
    return gather(kept)


def _leaves(shape: Any) -> list[Any]:
    parts = list(shapely.get_parts(shape))
    if len(parts) == 1 and parts[0].geom_type == shape.geom_type:
        return parts
    return [leaf for part in parts for leaf in (_leaves(part) if _is_multi(part) else [part])]


def _is_multi(shape: Any) -> bool:
    return int(shapely.get_type_id(shape)) >= GeometryType.MULTIPOINT


def _convert(work: _Work, target: Target) -> None:
    """Bring each row to the target type where nothing is lost by it."""
    single, multi, dimension = _TYPES[target.removeprefix("Multi")]
    _open_collections(work, dimension)
    kind = shapely.get_type_id(work.geometry)
    if single is GeometryType.LINESTRING:
        rings = work.live & (kind == GeometryType.LINEARRING)
        work.geometry[rings] = [shapely.LineString(ring) for ring in work.geometry[rings]]
        kind[rings] = single
    work.reject(~np.isin(kind, (single, multi)), "wrong_type")
    if target.startswith("Multi"):
        rows = np.flatnonzero(work.live & (kind == single))
        makers = (shapely.multipoints, shapely.multilinestrings, shapely.multipolygons)
        if len(rows):
            work.geometry[rows] = makers[dimension](
                work.geometry[rows], indices=np.arange(len(rows))
            )
        return
    work.reject((kind == multi) & (shapely.get_num_geometries(work.geometry) > 1), "multiple_parts")
    rows = np.flatnonzero(work.live & (kind == multi))
    work.geometry[rows] = shapely.get_geometry(work.geometry[rows], 0)


def _open_collections(work: _Work, dimension: int) -> None:
    kind = shapely.get_type_id(work.geometry)
    for row in np.flatnonzero(work.live & (kind == GeometryType.GEOMETRYCOLLECTION)):
        shape = work.geometry[row]
        kept = _part_of_dimension(shape, dimension)
        if kept.is_empty:
            continue  # judged as a wrong type by the caller
        work.geometry[row] = kept
        if any(shapely.get_dimensions(leaf) != dimension for leaf in _leaves(shape)):
            work.status[row] = "repaired"
            work.reason[row] = "kept_matching_part"

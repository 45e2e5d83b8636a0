"""Where rows lie: the coordinate system of a file is decided, and each geometry is checked."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa
from geoalchemy2 import Geometry
from numpy.typing import NDArray

from geo.crs import Bounds, CrsDecision, CrsRejected, decide_crs, to_wgs84
from geo.crs_checks import check_plausible
from geo.messages import GEOMETRY_MESSAGES, Message
from geo.validity import check_geometry
from importers.base import Action, Options, Refusal, Target
from importers.checks import Inspection
from importers.messages import bad_input
from importers.values import positions
from layers.base import Base
from layers.labels import Text

_TYPES: dict[str, Any] = {
    "POINT": "Point",
    "LINESTRING": "LineString",
    "MULTILINESTRING": "MultiLineString",
    "POLYGON": "Polygon",
    "MULTIPOLYGON": "MultiPolygon",
}

_JUDGED_SINGLY = 1_000
"""So many far rows are judged one by one; more are all set aside."""


@dataclass(frozen=True)
class Placed:
    """The decision about a file's coordinate system, for the report."""

    crs: str
    how: str
    reason: Text


def place(target: Target, options: Options, file: str) -> Placed | None:
    """Bring the target's frame to EPSG:4326 in place and say how its system was decided.

    Raises
    ------
    BadInput : the system cannot be true, none can be found, or a guess needs a person's word.
    """
    frame = target.frame
    if "geom" not in frame.columns or not isinstance(frame, gpd.GeoDataFrame):
        return None
    if frame.geometry.name != "geom":
        frame = frame.set_geometry("geom")
    frame = _without_zeros(target, frame)
    shapes = frame["geom"].to_numpy()
    bounds = _bounds(shapes)
    if bounds is None:
        target.frame = frame
        return None
    try:
        decision, outside = _decided(shapes, bounds, frame.crs, options)
        confirmed(decision, options, file)
        frame = _set_aside(target, frame, outside)
        target.frame = to_wgs84(frame, decision, accept_ballpark=options.accept_ballpark)
    except CrsRejected as error:
        raise unplaceable(file, error.message) from error
    reason = decision.reason
    return Placed(decision.crs.name, decision.how, Text(reason.text("zh"), reason.text("en")))


def _bounds(shapes: NDArray[Any]) -> Bounds | None:
    west, south, east, north = map(float, shapely.total_bounds(shapes))
    return (west, south, east, north) if np.isfinite((west, south, east, north)).all() else None


def _without_zeros(target: Target, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Take points at exactly (0, 0) for empty: sheets and trackers write that for none."""
    shapes = frame["geom"].to_numpy()
    zero = (
        (shapely.get_type_id(shapes) == shapely.GeometryType.POINT)
        & (shapely.get_x(shapes) == 0)
        & (shapely.get_y(shapes) == 0)
    )
    if not zero.any():
        return frame
    action: Action = "quarantined" if target.geometry_required else "emptied"
    target.refused = [
        *target.refused,
        *(Refusal(at, "geom", "zero_place", "0, 0", None, action) for at in positions(zero)),
    ]
    return _emptied(frame, zero)


def _decided(
    shapes: NDArray[Any], bounds: Bounds, from_file: Any, options: Options
) -> tuple[CrsDecision, NDArray[np.bool_]]:
    """Decide by all rows, or where these refuse it by the bulk of them; also the rows outside.

    One wild coordinate must not decide for thousands of good ones. The bulk is what lies near the
    medians; a row apart from it is set aside only if it cannot lie in the system decided on.
    """
    none = np.zeros(len(shapes), dtype=bool)
    expected = options.estate if from_file is None and options.crs is None else None

    def decide(extent: Bounds) -> CrsDecision:
        return decide_crs(options.crs, from_file, extent, expected_area=expected)

    try:
        return decide(bounds), none
    except CrsRejected:
        far = _far(shapes)
        most = _bounds(shapes[~far])
        if not far.any() or most is None:
            raise
        decision = decide(most)
    candidates = positions(far)
    if len(candidates) > _JUDGED_SINGLY:
        return decision, far
    for at in candidates:
        here = _bounds(shapes[at : at + 1])
        with contextlib.suppress(CrsRejected):
            if here is not None:
                check_plausible(decision.crs, here, None)
                far[at] = False
    return decision, far


def _far(shapes: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which rows lie far from most; none where that would be half of them.

    Far is 20 times the median distance from the medians, and at least 10 degrees or 500 km.
    """
    edges = shapely.bounds(shapes)
    known = np.isfinite(edges).all(axis=1)
    far = np.zeros(len(shapes), dtype=bool)
    for low, high in ((0, 2), (1, 3)):
        middle = (edges[known, low] + edges[known, high]) / 2
        center = float(np.median(middle))
        away = np.abs(middle - center)
        least = 10.0 if abs(center) <= 180 else 500_000.0
        far[known] |= away > max(least, 20 * float(np.median(away)))
    return far if far.sum() * 2 < known.sum() else np.zeros(len(shapes), dtype=bool)


def _set_aside(
    target: Target, frame: gpd.GeoDataFrame, outside: NDArray[np.bool_]
) -> gpd.GeoDataFrame:
    if not outside.any():
        return frame
    edges = shapely.bounds(frame["geom"].to_numpy())
    target.refused = [
        *target.refused,
        *(
            Refusal(at, "geom", "outside_file", f"{edges[at, 0]:.12g}, {edges[at, 1]:.12g}")
            for at in positions(outside)
        ),
    ]
    return _emptied(frame, outside)


def _emptied(frame: gpd.GeoDataFrame, where: NDArray[np.bool_]) -> gpd.GeoDataFrame:
    shapes = np.array(frame["geom"].to_numpy(), dtype=object)
    shapes[where] = None
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs, name="geom"))


def confirmed(decision: CrsDecision, options: Options, file: str) -> None:
    """Raise `BadInput` where a decision needs a person's word and has none."""
    if decision.confirm and not (options.accept_guess or options.accept_ballpark):
        name, why = decision.crs.name, decision.reason
        raise bad_input(
            file,
            f"{why.text('zh')} 请确认：--crs {name}（或给出正确的坐标系）",
            f"{why.text('en')} Confirm it with --crs {name}, or name the right one",
            field="crs",
            value=name,
        )


def unplaceable(file: str, message: Message) -> Exception:
    """Return the problem of a file whose coordinate system was refused."""
    return bad_input(file, message.text("zh"), message.text("en"), field="crs", reason=message.code)


def check_places(found: Inspection) -> None:
    """Check, repair or refuse each geometry; sets ``geom`` to the table's type."""
    column = found.table.c.get("geom")
    if column is None or "geom" not in found.frame:
        if found.target.geometry_required:
            for position in range(len(found.raw)):
                _refuse(found, position, "null_geometry")
        return
    assert isinstance(column.type, Geometry)
    kind = _TYPES.get(str(column.type.geometry_type).upper())
    if kind is None:
        return  # lines with measures are made by the importer itself
    shapes = np.asarray(found.frame["geom"].array, dtype=object)
    checked = check_geometry(shapes, kind)
    found.frame["geom"] = gpd.GeoSeries(checked.geometry, index=found.frame.index, crs=4326)
    for position in positions(checked.status == "rejected"):
        reason = str(checked.reason[position])
        if reason == "null_geometry" and not found.target.geometry_required:
            continue
        if any(each.field == "geom" for each in found.reasons.get(int(position), ())):
            continue  # taken away for a reason that is told already
        shape = shapes[position]
        _refuse(found, position, reason, shape.geom_type if shape is not None else None)
    for position in positions(checked.status == "repaired"):
        found.repaired += 1
        area = float(checked.area_change_m2[position])
        text = GEOMETRY_MESSAGES[str(checked.reason[position])]
        said = Text(
            f"{text.zh}面积变化 {area:+.2f} m²", f"{text.en} Area changed by {area:+.2f} m²"
        )
        found.add(position, "geom", None, text.code, said, "repaired")


def _refuse(found: Inspection, position: int, reason: str, kind: str | None = None) -> None:
    text = GEOMETRY_MESSAGES[reason]
    said = Text(f"{text.zh}请在原文件中改正", f"{text.en} Mend it in the file")
    found.add(position, "geom", kind, reason, said, "quarantined")


def extent(connection: sa.Connection) -> tuple[float, float, float, float] | None:
    """Return the extent of the sites and buildings already loaded (EPSG:4326), or None."""
    parts = [
        sa.select(Base.metadata.tables[name].c.geom.label("geom")) for name in ("site", "building")
    ]
    shapes = sa.union_all(*parts).subquery()
    box = sa.func.ST_Extent(sa.type_coerce(shapes.c.geom, sa.types.NULLTYPE)).label("box")
    boxes = sa.select(box).subquery()
    edges = (sa.func.ST_XMin, sa.func.ST_YMin, sa.func.ST_XMax, sa.func.ST_YMax)
    row = connection.execute(sa.select(*(edge(boxes.c.box) for edge in edges))).one()
    if row[0] is None:
        return None
    return float(row[0]), float(row[1]), float(row[2]), float(row[3])


def points(lon: pd.Series[Any], lat: pd.Series[Any]) -> gpd.GeoSeries:
    """Return points of two columns; missing where either is. The CRS is the file's, not said."""
    known = lon.notna() & lat.notna()
    shapes = np.full(len(lon), None, dtype=object)
    shapes[known.to_numpy()] = shapely.points(
        lon[known].to_numpy(dtype=float), lat[known].to_numpy(dtype=float)
    )
    return gpd.GeoSeries(shapes, index=lon.index)

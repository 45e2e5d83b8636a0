"""Where rows lie: the coordinate system of a file is decided, and each geometry is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa
from geoalchemy2 import Geometry

from geo.crs import CrsDecision, CrsRejected, decide_crs, to_wgs84
from geo.messages import GEOMETRY_MESSAGES, Message
from geo.validity import check_geometry
from importers.base import Options, Target
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
    west, south, east, north = map(float, shapely.total_bounds(frame["geom"].to_numpy()))
    bounds = (west, south, east, north)
    if not np.isfinite(bounds).all():
        return None
    expected = options.estate if frame.crs is None and options.crs is None else None
    try:
        decision = decide_crs(
            options.crs,
            frame.crs,
            bounds,
            expected_area=expected,
        )
        _confirmed(decision, options, file)
        target.frame = to_wgs84(frame, decision, accept_ballpark=options.accept_ballpark)
    except CrsRejected as error:
        raise _unplaceable(file, error.message) from error
    reason = decision.reason
    return Placed(decision.crs.name, decision.how, Text(reason.text("zh"), reason.text("en")))


def _confirmed(decision: CrsDecision, options: Options, file: str) -> None:
    if decision.confirm and not (options.accept_guess or options.accept_ballpark):
        name, why = decision.crs.name, decision.reason
        raise bad_input(
            file,
            f"{why.text('zh')} 请确认：--crs {name}（或给出正确的坐标系）",
            f"{why.text('en')} Confirm it with --crs {name}, or name the right one",
            field="crs",
            value=name,
        )


def _unplaceable(file: str, message: Message) -> Exception:
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

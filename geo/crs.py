"""Deciding the CRS of a file, refusing what cannot be true, and bringing it to WGS 84.

Nothing is placed on a guess that nobody sees: a decision says how it was reached and whether a
person should confirm it, and coordinates that cannot lie in the CRS are refused with a reason
and a remedy (`CrsRejected`).
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from geo.crs_checks import (
    Bounds,
    CrsDecision,
    check_plausible,
    guess_crs,
    lonlat_bounds,
    meets,
    shown,
    swapped,
)
from geo.gcj import (
    CHINA_BOX,
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    in_china_box,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from geo.messages import CRS_MESSAGES
from geo.source_crs import (
    BD09,
    GCJ02,
    WGS84,
    CrsRejected,
    Datum,
    Shift,
    SourceCrs,
    meridian_crs,
    zone_crs,
)

__all__ = [
    "BD09",
    "CHINA_BOX",
    "GCJ02",
    "WGS84",
    "Bounds",
    "CrsDecision",
    "CrsRejected",
    "Datum",
    "Shift",
    "SourceCrs",
    "bd09_to_gcj02",
    "bd09_to_wgs84",
    "decide_crs",
    "gcj02_to_bd09",
    "gcj02_to_wgs84",
    "in_china_box",
    "meridian_crs",
    "to_wgs84",
    "wgs84_to_bd09",
    "wgs84_to_gcj02",
    "zone_crs",
]


def decide_crs(
    declared: str | None,
    from_file: str | CRS | None,
    bounds: Bounds | None,
    *,
    expected_area: Bounds | None = None,
) -> CrsDecision:
    """Decide the CRS of a file's coordinates: declared beats file beats guess.

    Parameters
    ----------
    declared
        What the user says, e.g. with ``--crs``.
    from_file
        What the file says (.prj, GeoPackage, the format's own rule), None when it says nothing.
    bounds
        Extent of the raw coordinates in the file's own units, None when there are none.
    expected_area
        Where the rows should be (EPSG:4326), e.g. the estate's extent. It settles guesses and
        raises doubts; it never overrules a declaration.

    Raises
    ------
    CrsRejected
        When the declared or recorded CRS cannot be true of these coordinates, or none can be
        found: with reason and remedy.
    """
    known = bounds is not None and bool(np.isfinite(bounds).all())
    stated = declared or from_file
    if stated is None:
        if bounds is None or not known:
            raise CrsRejected(CRS_MESSAGES["no_coordinates"])
        return _doubted(guess_crs(bounds, expected_area), bounds, expected_area)
    source = SourceCrs.parse(stated)
    decision = _stated(source, declared, from_file)
    if bounds is None or not known:
        return decision
    check_plausible(source, bounds, expected_area)
    return _doubted(decision, bounds, expected_area)


def to_wgs84(
    gdf: gpd.GeoDataFrame, decision: CrsDecision, *, accept_ballpark: bool = False
) -> gpd.GeoDataFrame:
    """Return the rows in EPSG:4326, 2D, longitude first, whatever the frame's own CRS says.

    Null and empty geometries pass unchanged; Z and M are dropped. CGCS2000 is taken as equal to
    WGS 84 (they agree within a few decimetres; EPSG publishes no shift).

    Parameters
    ----------
    accept_ballpark
        Use a datum without published parameters (Xian 1980, most of Beijing 1954) as if it were
        WGS 84, about 100 m off. Without it such files are refused.

    Raises
    ------
    CrsRejected
        ``datum_shift_unknown``, see above.
    """
    source = decision.crs
    geometry = np.asarray(gdf.geometry.array, dtype=object)
    transformer = _transformer(source, accept_ballpark=accept_ballpark)

    def convert(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        lon, lat = _to_lonlat(xy[:, 0], xy[:, 1], source, transformer)
        return np.column_stack([lon, lat])

    if transformer is None and source.shift is Shift.NONE:
        deep = shapely.has_z(geometry) | shapely.has_m(geometry)
        moved = geometry.copy()
        moved[deep] = shapely.force_2d(geometry[deep])
    else:
        moved = shapely.transform(geometry, convert, include_z=False)
    frame = gdf.copy(deep=False)
    series = gpd.GeoSeries(moved, index=gdf.index, crs="EPSG:4326")
    return frame.set_geometry(series.rename(gdf.geometry.name))


def _to_lonlat(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    source: SourceCrs,
    transformer: Transformer | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if transformer is not None:
        x, y = transformer.transform(x, y)
    if source.shift is Shift.GCJ02:
        return gcj02_to_wgs84(x, y)
    if source.shift is Shift.BD09:
        return bd09_to_wgs84(x, y)
    return x, y


def _transformer(source: SourceCrs, *, accept_ballpark: bool) -> Transformer | None:
    """Return the transformation to WGS 84 degrees, None when the numbers are that already."""
    crs = source.crs
    if crs == WGS84.crs:
        return None
    geodetic = crs.geodetic_crs
    if _is_cgcs2000(crs):
        # PROJ knows no published shift and would call this one "ballpark": say what is meant.
        return None if crs.is_geographic else Transformer.from_crs(crs, geodetic, always_xy=True)
    try:
        return Transformer.from_crs(crs, WGS84.crs, always_xy=True, allow_ballpark=False)
    except ProjError as error:
        if accept_ballpark:
            return Transformer.from_crs(crs, WGS84.crs, always_xy=True)
        raise CrsRejected(CRS_MESSAGES["datum_shift_unknown"].fill(crs=source.name)) from error


def _is_cgcs2000(crs: CRS) -> bool:
    geodetic = crs.geodetic_crs
    if geodetic is None:
        return False
    names = {geodetic.name, geodetic.datum.name if geodetic.datum else ""}
    known = ("China_2000", "China 2000", "CGCS2000", "China_Geodetic_Coordinate_System_2000")
    return geodetic.to_epsg() == 4490 or any(
        word in name for name in names for word in (*known, "China Geodetic Coordinate System 2000")
    )


def _needs_ballpark(source: SourceCrs) -> bool:
    try:
        _transformer(source, accept_ballpark=False)
    except CrsRejected:
        return True
    return False


def _stated(source: SourceCrs, declared: str | None, from_file: str | CRS | None) -> CrsDecision:
    if not declared:
        reason, how = CRS_MESSAGES["from_file"].fill(crs=source.name), "file"
    else:
        reason, how = CRS_MESSAGES["declared"].fill(crs=source.name), "declared"
        if from_file is not None:
            other = _name(from_file)
            if other != source.name:
                reason = CRS_MESSAGES["declared_over_file"].fill(crs=source.name, other=other)
    if _needs_ballpark(source):
        doubt = CRS_MESSAGES["datum_shift_unknown"].fill(crs=source.name)
        return CrsDecision(source, "declared" if declared else "file", doubt, confirm=True)
    return CrsDecision(source, "declared" if how == "declared" else "file", reason, confirm=False)


def _name(stated: str | CRS) -> str:
    try:
        return SourceCrs.parse(stated).name
    except CrsRejected:
        # The file's own remark is only quoted here, beside a declaration that overrules it.
        return str(stated)[:80]


def _doubted(decision: CrsDecision, bounds: Bounds, expected: Bounds | None) -> CrsDecision:
    """Ask for confirmation when the rows would land away from where they are expected."""
    if expected is None:
        return decision
    landed = lonlat_bounds(decision.crs, bounds)
    if landed is None or meets(landed, expected):
        return decision
    if decision.crs.is_degrees and meets(swapped(bounds), expected):
        raise CrsRejected(CRS_MESSAGES["swapped_axes"].fill(bounds=shown(bounds)))
    centre = {"lon": (landed[0] + landed[2]) / 2, "lat": (landed[1] + landed[3]) / 2}
    doubt = CRS_MESSAGES["outside_expected"].fill(crs=decision.crs.name, **centre)
    return CrsDecision(decision.crs, decision.how, doubt, confirm=True)

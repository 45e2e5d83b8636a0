"""The coordinate systems in which the service answers and is asked, by their OGC names.

Coordinates stand in the order the CRS defines (EPSG:4326 and CGCS2000 are latitude first, the
Gauss-Krüger zones northing first), as OGC API - Features part 2 requires; only CRS84 is
longitude first. The database keeps EPSG:4326, longitude first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from shapely.geometry.base import BaseGeometry

from layers.base import SRID
from layers.problems import BadRequest

CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG_URI = "http://www.opengis.net/def/crs/EPSG/0/"
# WGS 84, Web Mercator, CGCS2000 (GB/T 33177), and its 3-degree zones 25-45 in both numberings.
_CODES = (4326, 3857, 4490, *range(4513, 4555))
_NAMES = re.compile(
    r"(?:https?://www\.opengis\.net/def/crs/EPSG/[\w.]+/|urn:ogc:def:crs:EPSG:[\w.]*:|\[?EPSG:)"
    r"(\d+)\]?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Coordinates:
    """A coordinate system as the service offers it.

    Attributes
    ----------
    uri : its OGC name.
    srid : its number in the database.
    northing_first : whether its axes come north (latitude) before east.
    geographic : whether its units are degrees.
    """

    uri: str
    srid: int
    northing_first: bool
    geographic: bool

    @property
    def decimals(self) -> int:
        """Decimals that keep about a centimetre: 7 for degrees, 3 for metres."""
        return 7 if self.geographic else 3

    def to_lonlat(self, geometry: BaseGeometry) -> BaseGeometry:
        """Return `geometry`, given in this system's axis order, in degrees, longitude first."""
        if self.northing_first:
            geometry = shapely.transform(geometry, lambda xy: xy[:, ::-1])
        if self.geographic:
            return geometry
        transformer = _to_lonlat(self.srid)

        def convert(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

        return shapely.transform(geometry, convert)


CRS84 = Coordinates(CRS84_URI, SRID, northing_first=False, geographic=True)


@lru_cache(maxsize=1)
def offered() -> tuple[Coordinates, ...]:
    """Return every system offered; CRS84, the default, comes first."""
    return (CRS84, *(_epsg(code) for code in _CODES))


def named(name: str, *, field: str) -> Coordinates:
    """Return the system called `name`: an OGC URI, a URN, or ``EPSG:4528``.

    Raises
    ------
    BadRequest : it is unknown or not offered; names `field` and what is.
    """
    text = name.strip()
    if text == CRS84_URI or text.upper().strip("[]") in (
        "CRS84",
        "OGC:CRS84",
        "URN:OGC:DEF:CRS:OGC:1.3:CRS84",
    ):
        return CRS84
    match = _NAMES.fullmatch(text)
    if match and int(match.group(1)) in _CODES:
        return _epsg(int(match.group(1)))
    raise BadRequest(
        zh=f"{field}：不支持坐标系“{name}”；可用 {CRS84_URI}、{_EPSG_URI}4326、3857、4490 "
        "及 CGCS2000 三度带 4513–4554",
        en=f"{field}: the coordinate system '{name}' is not offered; use {CRS84_URI}, "
        f"{_EPSG_URI}4326, 3857, 4490 or the CGCS2000 3-degree zones 4513-4554",
        field=field,
        value=name,
    )


@lru_cache(maxsize=64)
def _epsg(code: int) -> Coordinates:
    crs = CRS.from_epsg(code)
    first = crs.axis_info[0].direction
    return Coordinates(f"{_EPSG_URI}{code}", code, first == "north", crs.is_geographic)


@lru_cache(maxsize=64)
def _to_lonlat(code: int) -> Transformer:
    crs = CRS.from_epsg(code)
    # CGCS2000 is taken as WGS 84 (a few decimetres at most, no published shift), as `geo.crs` does.
    target = CRS.from_epsg(4326) if code == 3857 else crs.geodetic_crs
    return Transformer.from_crs(crs, target, always_xy=True)

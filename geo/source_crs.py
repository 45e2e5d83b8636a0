"""Coordinate systems as users and files name them.

`SourceCrs.parse` reads what people write ("EPSG:4528", "CGCS2000 / 3-degree Gauss-Kruger zone
39", "国家2000 3度带 117", "GCJ-02", "BD-09", "WGS84", ESRI WKT). GCJ-02 and BD-09 are no CRS that
PROJ knows: they are WGS 84 degrees plus a shift (see `geo.gcj`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from pyproj import CRS
from pyproj.exceptions import CRSError

from geo.messages import CRS_MESSAGES, Message


class Shift(StrEnum):
    """The deliberate shift that a Chinese web datum adds to WGS 84."""

    NONE = "none"
    GCJ02 = "gcj02"
    BD09 = "bd09"


class Datum(StrEnum):
    """The Chinese geodetic datums whose Gauss-Krüger zones are read by name."""

    CGCS2000 = "CGCS2000"
    XIAN_1980 = "Xian 1980"
    BEIJING_1954 = "Beijing 1954"


class CrsRejected(ValueError):
    """The coordinates cannot be placed; `message` says why and what to do."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.text("en"))
        self.message = message


@dataclass(frozen=True)
class SourceCrs:
    """A coordinate system of a source: a CRS that PROJ knows, and a shift upon it.

    Attributes
    ----------
    name
        What is shown and stored with the batch, e.g. "EPSG:4528" or "GCJ-02".
    crs
        The CRS of the numbers (EPSG:4326 for GCJ-02 and BD-09), axes used as x, y.
    shift
        The shift to undo after the transformation to degrees.
    """

    name: str
    crs: CRS
    shift: Shift = Shift.NONE

    @property
    def is_degrees(self) -> bool:
        """Whether the coordinates are longitude and latitude."""
        return bool(self.crs.is_geographic)

    @classmethod
    def parse(cls, text: str | CRS) -> SourceCrs:
        """Read a CRS as users or files write it.

        Raises
        ------
        CrsRejected
            With code ``unknown_crs`` when nothing is recognised.
        """
        if isinstance(text, CRS):
            return _from_crs(text)
        return _parse(text.strip())


WGS84: Final = SourceCrs("EPSG:4326", CRS.from_epsg(4326))
GCJ02: Final = SourceCrs("GCJ-02", CRS.from_epsg(4326), Shift.GCJ02)
BD09: Final = SourceCrs("BD-09", CRS.from_epsg(4326), Shift.BD09)

# First EPSG code of each series (EPSG registry): 3-degree zones 25–45 with prefix, 3-degree by
# central meridian 75–135, 6-degree zones 13–23 with prefix, 6-degree by meridian 75–135.
_SERIES: Final = {
    Datum.CGCS2000: (4513, 4534, 4491, 4502),
    Datum.XIAN_1980: (2349, 2370, 2327, 2338),
    Datum.BEIJING_1954: (2401, 2422, 21413, 21453),
}
_GEOGRAPHIC: Final = {Datum.CGCS2000: 4490, Datum.XIAN_1980: 4610, Datum.BEIJING_1954: 4214}

_DATUM_WORDS: Final = (
    (Datum.CGCS2000, re.compile(r"cgcs[\s_-]?2000|国家\s?2000|2000\s?国家|china[\s_]2000", re.I)),
    (Datum.XIAN_1980, re.compile(r"xi'?an[\s_-]?(19)?80|西安\s?(19)?80", re.I)),
    (Datum.BEIJING_1954, re.compile(r"beijing[\s_-]?(19)?54|北京\s?(19)?54", re.I)),
)
_WEB_NAMES: Final = {
    "gcj02": GCJ02, "gcj": GCJ02, "火星坐标": GCJ02, "火星坐标系": GCJ02, "国测局坐标": GCJ02,
    "高德": GCJ02, "高德坐标": GCJ02, "腾讯": GCJ02, "amap": GCJ02,
    "bd09": BD09, "bd09ll": BD09, "百度": BD09, "百度坐标": BD09, "百度坐标系": BD09,
    "wgs84": WGS84, "wgs1984": WGS84, "gps": WGS84, "epsg4326": WGS84, "crs84": WGS84,
    "ogccrs84": WGS84,
}  # fmt: skip
_DEGREE: Final = re.compile(r"([36三六])\s*[-_]?\s*(?:degree|deg|度)", re.I)
_ZONE: Final = re.compile(
    r"zone[\s_-]*(\d{2})|(?<!\d)(\d{2})\s*(?:号)?带|带号\s*[:：]?\s*(\d{2})", re.I
)
_MERIDIAN: Final = re.compile(
    r"(?:cm|central[\s_]meridian|中央(?:经线|子午线))[\s_:：]*(\d{2,3})|(?<!\d)(\d{2,3})\s*[°度]?\s*E\b"
    r"|(?:度)?带\s*(\d{2,3})(?!\d)",
    re.I,
)
_EPSG: Final = re.compile(r"(?:epsg|urn:ogc:def:crs:epsg)?[\s:/]*(?:\d*:)?(\d{4,6})", re.I)


def zone_crs(zone: int, datum: Datum = Datum.CGCS2000) -> SourceCrs:
    """Return the Gauss-Krüger CRS whose eastings carry `zone` (13–23 six-, 25–45 three-degree).

    Raises
    ------
    ValueError
        When the zone is in neither range.
    """
    three, _, six, _ = _SERIES[datum]
    if 25 <= zone <= 45:
        return _epsg(three + zone - 25)
    if 13 <= zone <= 23:
        return _epsg(six + zone - 13)
    raise ValueError(f"no Gauss-Krüger zone {zone} in China")


def meridian_crs(degrees: int, datum: Datum = Datum.CGCS2000, *, width: int = 3) -> SourceCrs:
    """Return the Gauss-Krüger CRS of a central meridian (75–135° E) without zone prefix.

    Raises
    ------
    ValueError
        When no zone of `width` (3 or 6 degrees) has that central meridian.
    """
    _, three, _, six = _SERIES[datum]
    if width not in (3, 6) or not 75 <= degrees <= 135 or (degrees - 75) % width:
        raise ValueError(f"no {width}-degree zone with central meridian {degrees}")
    return _epsg((three if width == 3 else six) + (degrees - 75) // width)


@lru_cache(maxsize=256)
def _epsg(code: int) -> SourceCrs:
    try:
        crs = CRS.from_epsg(code)
    except CRSError as error:
        raise _unknown(f"EPSG:{code}") from error
    return SourceCrs(f"EPSG:{code}", _usable(crs, f"EPSG:{code}"))


def _unknown(text: str) -> CrsRejected:
    short = text if len(text) <= 80 else text[:77] + "…"
    return CrsRejected(CRS_MESSAGES["unknown_crs"].fill(text=short))


def _usable(crs: CRS, text: str) -> CRS:
    if not (crs.is_geographic or crs.is_projected):
        raise _unknown(text)
    return crs


@lru_cache(maxsize=256)
def _parse(text: str) -> SourceCrs:
    web = _WEB_NAMES.get(re.sub(r"[\s_:/.-]", "", text).lower())
    if web is not None:
        return web
    if match := _EPSG.fullmatch(text):
        return _epsg(int(match.group(1)))
    is_wkt = "[" in text
    if not is_wkt and (found := _chinese_zone(text)) is not None:
        return found
    try:
        return _from_crs(CRS.from_user_input(text), text)
    except CRSError as error:
        raise _unknown(text) from error


def _from_crs(crs: CRS, text: str = "") -> SourceCrs:
    """Name a CRS by its EPSG code where PROJ is confident that it is the same."""
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    code = crs.to_epsg()
    if code is not None:
        return WGS84 if code in (4326, 4979) else _epsg(code)
    return SourceCrs(crs.name, _usable(crs, text or crs.name))


def _first(match: re.Match[str] | None) -> int | None:
    if match is None:
        return None
    return int(next(group for group in match.groups() if group))


def _chinese_zone(text: str) -> SourceCrs | None:
    datum = next((datum for datum, words in _DATUM_WORDS if words.search(text)), None)
    if datum is None:
        return None
    rest = next(words for d, words in _DATUM_WORDS if d is datum).sub(" ", text)
    degree = _DEGREE.search(rest)
    width = {"3": 3, "三": 3, "6": 6, "六": 6}[degree.group(1)] if degree else None
    zone, meridian = _first(_ZONE.search(rest)), _first(_MERIDIAN.search(rest))
    try:
        if zone is not None:
            found = zone_crs(zone, datum)
            if width is not None and (width == 3) != (zone >= 25):
                raise _unknown(text)
            return found
        if meridian is not None:
            # "3度带39" writes the zone behind the word, "3度带117" the meridian.
            if meridian <= 45:
                return zone_crs(meridian, datum)
            return meridian_crs(meridian, datum, width=width or 3)
    except ValueError as error:
        raise error if isinstance(error, CrsRejected) else _unknown(text) from error
    if not re.sub(r"[\W_]|坐标系?|经纬度|大地", "", rest):
        return _epsg(_GEOGRAPHIC[datum])
    return None

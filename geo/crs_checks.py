"""Whether coordinates can lie in a CRS, and which CRS the numbers alone suggest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from pyproj import Transformer

from geo.gcj import CHINA_BOX
from geo.messages import CRS_MESSAGES, Message
from geo.source_crs import WGS84, CrsRejected, SourceCrs, meridian_crs, zone_crs

Bounds = tuple[float, float, float, float]
"""West/min x, south/min y, east/max x, north/max y."""

# How far beyond its area of use a CRS is still believed, degrees: files of a whole province are
# often kept in one zone.
_LON_SLACK_DEG: Final = 6.0
_LAT_SLACK_DEG: Final = 3.0
# How far from the expected area coordinates may lie before a person is asked, degrees.
_AREA_SLACK_DEG: Final = 1.0
# Northings of China in Gauss-Krüger (18°–54° N), metres.
_CHINA_NORTHING_M: Final = (1_800_000.0, 6_100_000.0)
_WEB_MERCATOR: Final = "EPSG:3857"


@dataclass(frozen=True)
class CrsDecision:
    """Which CRS the numbers are in, and how that was decided.

    Attributes
    ----------
    crs
        The system of the source.
    how
        ``declared`` by the user, read from the ``file``, or ``guessed`` from the numbers.
    reason
        The decision in words, zh and en; its ``code`` is what is stored.
    confirm
        Whether a person should confirm before the rows are loaded.
    """

    crs: SourceCrs
    how: Literal["declared", "file", "guessed"]
    reason: Message
    confirm: bool


def lonlat_bounds(source: SourceCrs, bounds: Bounds) -> Bounds | None:
    """Return the extent in degrees, within metres; None when it cannot be projected back."""
    min_x, min_y, max_x, max_y = bounds
    x = np.array([min_x, max_x, max_x, min_x, (min_x + max_x) / 2])
    y = np.array([min_y, min_y, max_y, max_y, (min_y + max_y) / 2])
    if not source.is_degrees:
        geodetic = source.crs.geodetic_crs
        x, y = Transformer.from_crs(source.crs, geodetic, always_xy=True).transform(x, y)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def meets(bounds: Bounds, area: Bounds, slack: float = _AREA_SLACK_DEG) -> bool:
    """Tell whether an extent comes within `slack` degrees of an area."""
    return (
        bounds[0] <= area[2] + slack
        and bounds[2] >= area[0] - slack
        and bounds[1] <= area[3] + slack
        and bounds[3] >= area[1] - slack
    )


def _within(bounds: Bounds, area: Bounds, lon_slack: float, lat_slack: float) -> bool:
    return (
        bounds[0] >= area[0] - lon_slack
        and bounds[1] >= area[1] - lat_slack
        and bounds[2] <= area[2] + lon_slack
        and bounds[3] <= area[3] + lat_slack
    )


def swapped(bounds: Bounds) -> Bounds:
    """Exchange the axes of an extent."""
    return bounds[1], bounds[0], bounds[3], bounds[2]


def _like_degrees(bounds: Bounds) -> bool:
    return _within(bounds, (-180.0, -90.0, 180.0, 90.0), 1e-9, 1e-9)


def shown(bounds: Bounds) -> str:
    """Write an extent for a message."""
    digits = 5 if max(map(abs, bounds)) <= 180 else 1
    return "(" + ", ".join(f"{value:.{digits}f}" for value in bounds) + ")"


def check_plausible(source: SourceCrs, bounds: Bounds, expected: Bounds | None) -> None:
    """Raise `CrsRejected` unless the coordinates can lie in the CRS."""
    if source.is_degrees:
        if _like_degrees(bounds):
            return
        if _like_degrees(swapped(bounds)) and bounds[3] > 90.0:
            raise CrsRejected(CRS_MESSAGES["swapped_axes"].fill(bounds=shown(bounds)))
        code = "metres_not_degrees"
    else:
        landed = lonlat_bounds(source, bounds)
        area = source.crs.area_of_use
        world: Bounds = (-180.0, -90.0, 180.0, 90.0)
        limits: Bounds = area.bounds if area is not None else world
        if landed is not None and _within(landed, limits, _LON_SLACK_DEG, _LAT_SLACK_DEG):
            return
        if _like_degrees(bounds):
            code = "degrees_not_metres"
        else:
            code = "zone_mismatch" if _zone_mismatch(source, bounds) else "outside_crs"
    zh, en = _hint(bounds, expected)
    raise CrsRejected(
        CRS_MESSAGES[code].fill(crs=source.name, bounds=shown(bounds), hint_zh=zh, hint_en=en)
    )


def _hint(bounds: Bounds, expected: Bounds | None) -> tuple[str, str]:
    """Say what the coordinates look like instead, as a remedy."""
    try:
        name = guess_crs(bounds, expected).crs.name
    except CrsRejected as refusal:
        found = refusal.message
        return found.zh + found.remedy_zh, f"{found.en} {found.remedy_en}"
    return f"坐标看来是 {name}：可试 --crs {name}。", f"They look like {name}: try --crs {name}."


def _false_easting_zone(source: SourceCrs) -> int | None:
    """Return the zone prefix that a Gauss-Krüger CRS expects (0 = none), None for others."""
    operation = source.crs.coordinate_operation
    if operation is None or "Transverse Mercator" not in operation.method_name:
        return None
    eastings = [p.value for p in operation.params if p.name == "False easting"]
    return int(float(eastings[0]) // 1_000_000) if eastings else None


def _zone_prefix(bounds: Bounds) -> int | None:
    """Return the zone that all eastings carry in front, None without one."""
    first, last = int(bounds[0] // 1_000_000), int(bounds[2] // 1_000_000)
    south, north = _CHINA_NORTHING_M
    in_china = south <= bounds[1] and bounds[3] <= north
    return first if first == last and 13 <= first <= 45 and first != 24 and in_china else None


def _no_prefix(bounds: Bounds) -> bool:
    """Whether the coordinates look like Gauss-Krüger of China without zone prefix."""
    south, north = _CHINA_NORTHING_M
    in_china = south <= bounds[1] and bounds[3] <= north
    return in_china and bounds[0] >= 100_000 and bounds[2] < 1_000_000


def _zone_mismatch(source: SourceCrs, bounds: Bounds) -> bool:
    wanted = _false_easting_zone(source)
    if wanted is None:
        return False
    if wanted == 0:
        return _zone_prefix(bounds) is not None
    found = _zone_prefix(bounds)
    return _no_prefix(bounds) or (found is not None and found != wanted)


def guess_crs(bounds: Bounds, expected: Bounds | None) -> CrsDecision:
    """Name the CRS from the numbers alone, or refuse with what has to be asked."""
    text = shown(bounds)
    if _like_degrees(bounds):
        reason = CRS_MESSAGES["guessed_degrees"].fill()
        return CrsDecision(WGS84, "guessed", reason, confirm=True)
    turned = swapped(bounds)
    if _like_degrees(turned) and (
        _within(turned, CHINA_BOX, 0, 0) or (expected is not None and meets(turned, expected))
    ):
        raise CrsRejected(CRS_MESSAGES["swapped_axes"].fill(bounds=text))
    zone = _zone_prefix(bounds)
    mercator = SourceCrs.parse(_WEB_MERCATOR)
    if zone is not None and zone >= 16:
        found = zone_crs(zone)
        reason = CRS_MESSAGES["guessed_zone"].fill(zone=zone, crs=found.name)
        return CrsDecision(found, "guessed", reason, confirm=True)
    candidates: list[SourceCrs] = []
    if zone is not None:
        # 13–15 million metres is a six-degree zone of western China or Web Mercator of the east.
        candidates = [zone_crs(zone), mercator]
    elif _no_prefix(bounds):
        candidates = [meridian_crs(degrees) for degrees in range(75, 136, 3)]
    elif _looks_web_mercator(mercator, bounds):
        candidates = [mercator]
    if not candidates:
        raise CrsRejected(CRS_MESSAGES["local_metres"].fill(bounds=text))
    return _settled(candidates, bounds, expected)


def _looks_web_mercator(mercator: SourceCrs, bounds: Bounds) -> bool:
    landed = lonlat_bounds(mercator, bounds)
    # Small numbers near 0° N 0° E are a drawing, not a place in the Gulf of Guinea.
    return landed is not None and _within(landed, CHINA_BOX, 0, 0)


def _settled(candidates: list[SourceCrs], bounds: Bounds, expected: Bounds | None) -> CrsDecision:
    fitting = candidates
    if expected is not None:
        fitting = []
        for candidate in candidates:
            landed = lonlat_bounds(candidate, bounds)
            if landed is not None and meets(landed, expected):
                fitting.append(candidate)
    if len(fitting) == 1:
        reason = CRS_MESSAGES["guessed_area"].fill(crs=fitting[0].name)
        return CrsDecision(fitting[0], "guessed", reason, confirm=True)
    if len(candidates) > 2:
        raise CrsRejected(CRS_MESSAGES["zone_unknown"].fill(bounds=shown(bounds)))
    names = ", ".join(candidate.name for candidate in candidates)
    raise CrsRejected(CRS_MESSAGES["ambiguous"].fill(bounds=shown(bounds), candidates=names))

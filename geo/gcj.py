"""The shifted Chinese datums GCJ-02 and BD-09, forward and back, on whole arrays.

GCJ-02 ("Mars coordinates") is what Chinese web maps and many GPS platforms deliver; BD-09 is
Baidu's second shift on top of it. Both are longitude, latitude in degrees and neither is known
to PROJ.

Formulas: the published reimplementations that agree with each other to rounding, eviltransform
(github.com/googollee/eviltransform) and gcoord (github.com/hujiulong/gcoord). The inverses
there are approximations (metres to decimetres off); here the forward formula is solved by
fixed-point iteration to less than 1e-9 degrees (0.1 mm).

Outside `CHINA_BOX` the shift is the identity. The inverse undoes exactly what the forward
shift does to any point of the box; only within about 1 km outside its edge (open sea and
foreign land) can a point that was never shifted be taken for a shifted one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Shift = Callable[[Floats, Floats], tuple[Floats, Floats]]

CHINA_BOX: Final = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north in degrees: where GCJ-02 and BD-09 differ from WGS 84."""

# Krasovsky 1940 ellipsoid, as in the published formula.
_SEMI_MAJOR_M: Final = 6378245.0
_ECCENTRICITY_SQUARED: Final = 0.00669342162296594323
_BAIDU_RADIANS: Final = np.pi * 3000.0 / 180.0
_TOLERANCE_DEG: Final = 1e-12
_MAX_ROUNDS: Final = 30


def in_china_box(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Tell which points (degrees) lie where the shift applies; NaN is outside."""
    x, y = _pair(lon, lat)
    west, south, east, north = CHINA_BOX
    return np.asarray((x >= west) & (x <= east) & (y >= south) & (y <= north), dtype=np.bool_)


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Shift WGS 84 longitude, latitude (degrees) to GCJ-02; identity outside `CHINA_BOX`."""
    return _forward(lon, lat, _gcj02_shifted)


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Undo GCJ-02: longitude, latitude (degrees) in WGS 84, exact to < 1e-9 degrees."""
    return _inverse(lon, lat, _gcj02_shifted)


def gcj02_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Shift GCJ-02 longitude, latitude (degrees) to BD-09; identity outside `CHINA_BOX`."""
    return _forward(lon, lat, _bd09_shifted)


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Undo Baidu's shift: longitude, latitude (degrees) in GCJ-02, exact to < 1e-9 degrees."""
    return _inverse(lon, lat, _bd09_shifted)


def wgs84_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Shift WGS 84 longitude, latitude (degrees) to BD-09."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def bd09_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Undo both shifts: BD-09 longitude, latitude (degrees) to WGS 84."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def _pair(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    return x, y


def _forward(lon: ArrayLike, lat: ArrayLike, shift: Shift) -> tuple[Floats, Floats]:
    x, y = _pair(lon, lat)
    out_x, out_y = x.copy(), y.copy()
    inside = in_china_box(x, y)
    out_x[inside], out_y[inside] = shift(x[inside], y[inside])
    return out_x, out_y


def _inverse(lon: ArrayLike, lat: ArrayLike, shift: Shift) -> tuple[Floats, Floats]:
    x, y = _pair(lon, lat)
    out_x, out_y = x.copy(), y.copy()
    # A point inside the box may have been shifted to just outside: look a little wider, then
    # keep only the solutions that do lie in the box, where the forward shift applies.
    west, south, east, north = CHINA_BOX
    near = (x >= west - 0.1) & (x <= east + 0.1) & (y >= south - 0.1) & (y <= north + 0.1)
    target_x, target_y = x[near], y[near]
    guess_x, guess_y = target_x.copy(), target_y.copy()
    for _ in range(_MAX_ROUNDS):
        shifted_x, shifted_y = shift(guess_x, guess_y)
        error_x, error_y = shifted_x - target_x, shifted_y - target_y
        guess_x -= error_x
        guess_y -= error_y
        worst = max(np.abs(error_x).max(initial=0.0), np.abs(error_y).max(initial=0.0))
        if worst < _TOLERANCE_DEG:
            break
    # Rounding may leave the solution for a point of the edge a hair outside.
    solved = (np.abs(guess_x - np.clip(guess_x, west, east)) < 1e-9) & (
        np.abs(guess_y - np.clip(guess_y, south, north)) < 1e-9
    )
    out_x[near] = np.where(solved, guess_x, target_x)
    out_y[near] = np.where(solved, guess_y, target_y)
    return out_x, out_y


def _gcj02_shifted(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north_m += common * 2.0 / 3.0
    north_m += (20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3.0 * y)) * 2.0 / 3.0
    north_m += (160.0 * np.sin(np.pi / 12.0 * y) + 320.0 * np.sin(np.pi / 30.0 * y)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east_m += common * 2.0 / 3.0
    east_m += (20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3.0 * x)) * 2.0 / 3.0
    east_m += (150.0 * np.sin(np.pi / 12.0 * x) + 300.0 * np.sin(np.pi / 30.0 * x)) * 2.0 / 3.0
    latitude = np.radians(lat)
    w2 = 1.0 - _ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    meridian_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_SQUARED) / (w2 * np.sqrt(w2))
    parallel_m = _SEMI_MAJOR_M / np.sqrt(w2) * np.cos(latitude)
    return lon + np.degrees(east_m / parallel_m), lat + np.degrees(north_m / meridian_m)


def _bd09_shifted(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BAIDU_RADIANS)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BAIDU_RADIANS)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006

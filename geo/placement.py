"""How a drawing lies on the earth: transformations from control points, least squares.

Work in metres: transform the target points to a projected CRS first, since
a degree of longitude is shorter than one of latitude and a similarity would shear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

Kind = Literal["similarity", "affine"]

_POINTS_NEEDED: Final = {"similarity": 2, "affine": 3}
# Relative size below which control points count as one place or one line.
_DEGENERATE: Final = 1e-9


@dataclass(frozen=True)
class Placement:
    """x' = a·x + b·y + c, y' = d·x + e·y + f, and how well the control points fit.

    Attributes
    ----------
    coefficients
        (a, b, c, d, e, f), c and f in target units.
    residuals
        Distance of each control point from where it should be, target units.
    rms
        Root mean square of `residuals`; 0 with the least number of points, where it proves
        nothing (see `is_checked`).
    """

    kind: Kind
    coefficients: tuple[float, float, float, float, float, float]
    residuals: tuple[float, ...]
    rms: float

    @property
    def is_checked(self) -> bool:
        """Whether there were more control points than needed, so that `rms` means something."""
        return len(self.residuals) > _POINTS_NEEDED[self.kind]

    @property
    def scale(self) -> float:
        """Target units per drawing unit (square root of the area ratio)."""
        a, b, _, d, e, _ = self.coefficients
        return float(np.sqrt(abs(a * e - b * d)))

    @property
    def rotation_deg(self) -> float:
        """Turn of the drawing's x axis, degrees counter-clockwise."""
        return float(np.degrees(np.arctan2(self.coefficients[3], self.coefficients[0])))

    def apply_xy(self, xy: ArrayLike) -> NDArray[np.float64]:
        """Transform points of shape (n, 2)."""
        a, b, c, d, e, f = self.coefficients
        points = np.asarray(xy, dtype=np.float64)
        moved: NDArray[np.float64] = points @ np.array([[a, d], [b, e]]) + np.array([c, f])
        return moved

    def apply(self, geometry: Any) -> Any:
        """Transform a geometry or an array of geometries, in 2D."""
        return shapely.transform(geometry, self.apply_xy, include_z=False)


def fit_placement(drawing: ArrayLike, target: ArrayLike, *, kind: Kind = "similarity") -> Placement:
    """Fit the transformation that brings `drawing` onto `target` with least squared error.

    A similarity (scale, rotation, shift; no mirroring) needs two points, an affine three that
    are not on one line. Linear least squares in centred coordinates.

    Parameters
    ----------
    drawing, target
        Control points of shape (n, 2), in drawing units and in metres of a projected CRS.

    Raises
    ------
    ValueError
        Too few points, points in one place or on one line, or coordinates that are not finite.
    """
    source, goal = np.asarray(drawing, np.float64), np.asarray(target, np.float64)
    if source.ndim != 2 or source.shape[1] != 2 or source.shape != goal.shape:
        raise ValueError("control points must be two arrays of the same shape (n, 2)")
    if len(source) < _POINTS_NEEDED[kind]:
        raise ValueError(f"a {kind} needs at least {_POINTS_NEEDED[kind]} control points")
    if not (np.isfinite(source).all() and np.isfinite(goal).all()):
        raise ValueError("a control point is not a finite number")
    # Centred coordinates keep the digits: eastings have eight before the point.
    source_centre, goal_centre = source.mean(axis=0), goal.mean(axis=0)
    u, v = source - source_centre, goal - goal_centre
    spread = np.linalg.svd(u, compute_uv=False)
    if spread[0] == 0 or (kind == "affine" and spread[1] < _DEGENERATE * spread[0]):
        raise ValueError("the control points lie in one place or on one line")
    if kind == "similarity":
        norm = float((u**2).sum())
        p = float((u * v).sum()) / norm
        q = float((u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]).sum()) / norm
        matrix = np.array([[p, -q], [q, p]])
    else:
        matrix = np.linalg.lstsq(u, v, rcond=None)[0].T
    shift = goal_centre - matrix @ source_centre
    off = np.hypot(*(source @ matrix.T + shift - goal).T)
    (a, b), (d, e) = matrix.tolist()
    return Placement(
        kind,
        (a, b, float(shift[0]), d, e, float(shift[1])),
        tuple(off.tolist()),
        float(np.sqrt((off**2).mean())),
    )

"""Drawings are laid on the earth by control points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from geo.placement import fit_placement

CORNERS = np.array([(0.0, 0.0), (10.0, 0.0), (10.0, 5.0), (0.0, 5.0)])


def test_a_plan_in_millimetres_turned_by_ninety_degrees_is_laid_down():
    # (x, y) mm -> 500000 - y/1000, 4310000 + x/1000
    plan = CORNERS * 1000
    goal = np.column_stack([500_000 - CORNERS[:, 1], 4_310_000 + CORNERS[:, 0]])
    placement = fit_placement(plan, goal)
    assert placement.scale == pytest.approx(0.001)
    assert placement.rotation_deg == pytest.approx(90)
    assert placement.rms < 1e-6
    assert placement.is_checked
    moved = placement.apply(Polygon(plan))
    assert moved.area == pytest.approx(50.0)
    assert moved.bounds == pytest.approx((499_995, 4_310_000, 500_000, 4_310_010))


@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(1e-3, 1e3),
    east=st.floats(-1e7, 1e7),
    north=st.floats(-1e7, 1e7),
)
def test_every_similarity_is_found_again(angle, scale, east, north):
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    goal = CORNERS @ turn.T + [east, north]
    placement = fit_placement(CORNERS, goal)
    np.testing.assert_allclose(placement.apply_xy(CORNERS), goal, atol=1e-6 * max(1, scale))
    assert placement.scale == pytest.approx(scale, rel=1e-5)


def test_a_wrong_control_point_shows_in_the_residuals():
    goal = CORNERS.copy()
    goal[2] += (0.0, 2.0)
    placement = fit_placement(CORNERS, goal, kind="affine")
    # One corner of a rectangle 2 m off: an affine spreads it evenly, a quarter on each.
    assert placement.residuals == pytest.approx((0.5, 0.5, 0.5, 0.5))
    assert placement.rms == pytest.approx(0.5)


def test_an_affine_takes_a_sheared_scan():
    goal = np.column_stack([2 * CORNERS[:, 0] + 0.1 * CORNERS[:, 1], 3 * CORNERS[:, 1] + 7])
    placement = fit_placement(CORNERS, goal, kind="affine")
    assert placement.rms < 1e-9
    assert placement.apply(Point(10, 5)).coords[0] == pytest.approx((20.5, 22))
    assert fit_placement(CORNERS, goal).rms > 0.5


def test_the_least_number_of_points_proves_nothing():
    placement = fit_placement(CORNERS[:2], CORNERS[:2])
    assert placement.rms == 0
    assert not placement.is_checked


@pytest.mark.parametrize(
    ("drawing", "kind"),
    [
        (CORNERS[:1], "similarity"),
        (CORNERS[:2], "affine"),
        (np.zeros((3, 2)), "similarity"),
        (np.array([(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]), "affine"),
        (np.array([(0.0, 0.0), (np.nan, 1.0)]), "similarity"),
        (np.zeros(4), "similarity"),
    ],
)
def test_points_that_fix_nothing_are_refused(drawing, kind):
    with pytest.raises(ValueError):
        fit_placement(drawing, np.asarray(drawing), kind=kind)

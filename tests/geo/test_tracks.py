"""Positions of cars become stops and trips; drift, gaps and jumps do not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.fixes import metres_between
from geo.tracks import clean_fixes, geodesic_m, line_with_times, segment
from geo.tracks import trip_lines as lines_of

START = np.datetime64("2026-10-12T01:00:00", "us")
LON, LAT = 119.6, 38.9
# Lengths of a degree at 38.9° N on WGS 84, metres (Snyder 1987, p. 24, worked by hand).
M_PER_LAT, M_PER_LON = 111_010.5, 86_743.6


class Car:
    """Writes fixes every ten seconds, on a plane of metres round the start."""

    def __init__(self, every=10):
        self.every, self.x, self.y, self.t = every, 0.0, 0.0, 0.0
        self.rows = []

    def fix(self, dx=0.0, dy=0.0):
        self.rows.append((self.t, self.x + dx, self.y + dy))
        self.t += self.every

    def park(self, seconds, drift=0.0, seed=1):
        turns = np.random.default_rng(seed)
        for _ in range(int(seconds / self.every)):
            angle, radius = turns.uniform(0, 2 * np.pi), turns.uniform(0, drift)
            self.fix(radius * np.cos(angle), radius * np.sin(angle))
        return self

    def drive(self, metres, speed=10.0, heading=(1.0, 0.0)):
        for _ in range(round(metres / speed / self.every)):
            self.x += speed * self.every * heading[0]
            self.y += speed * self.every * heading[1]
            self.fix()
        return self

    def silent(self, seconds):
        self.t += seconds
        return self

    def columns(self, name="D0001"):
        t, x, y = np.array(self.rows).T
        moments = START + (t * 1e6).astype("timedelta64[us]")
        return np.full(len(t), name), moments, LON + x / M_PER_LON, LAT + y / M_PER_LAT

    def journeys(self):
        fixes = clean_fixes(*self.columns())
        assert (fixes.flag == "").all()
        return fixes, segment(fixes)


def test_a_drive_between_two_stays_is_one_trip_of_its_length():
    _, found = Car().park(1200).drive(5000).park(900).journeys()
    assert len(found.trips.km) == 1
    assert len(found.stops.lon) == 2
    assert found.trips.km[0] == pytest.approx(5.0, rel=1e-3)
    # 5 km at 10 m/s.
    assert found.trips.moving_s[0] == pytest.approx(500, abs=10)
    assert found.trips.reach_m[0] == pytest.approx(5000, rel=0.005)
    assert found.stops.end[0] <= found.trips.start[0]
    assert found.trips.end[0] <= found.stops.start[1]


def test_a_car_that_drifts_38_metres_for_a_week_never_starts_a_trip():
    car = Car(every=30).park(7 * 86_400, drift=38.0, seed=9)
    fixes, found = car.journeys()
    assert geodesic_m(fixes.lon, fixes.lat).sum() > 100_000  # the zigzag adds up
    assert len(found.trips.km) == 0
    assert len(found.stops.lon) == 1
    assert metres_between(found.stops.lon[0], found.stops.lat[0], LON, LAT) < 10


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([10, 30, 60, 240, 600]))
def test_no_pattern_of_drift_within_38_metres_is_a_trip(seed, every):
    _, found = Car(every=every).park(6 * 3600, drift=38.0, seed=seed).journeys()
    assert len(found.trips.km) == 0


def test_a_wait_of_two_minutes_is_no_stop_and_is_not_moving():
    _, found = Car().park(600).drive(2000).park(120).drive(2000).park(600).journeys()
    assert len(found.trips.km) == 1
    assert found.trips.km[0] == pytest.approx(4.0, rel=1e-3)
    assert found.trips.moving_s[0] == pytest.approx(400, abs=10)


def test_a_stay_of_74_minutes_parts_two_trips():
    _, found = Car().park(600).drive(3000).park(74 * 60).drive(4000).park(600).journeys()
    assert found.trips.km == pytest.approx([3.0, 4.0], rel=2e-3)
    stay = (found.stops.end[1] - found.stops.start[1]) / np.timedelta64(60, "s")
    assert stay == pytest.approx(74, abs=1)


def test_moving_a_car_across_the_yard_is_no_trip():
    _, found = Car().park(900).drive(150, speed=5, heading=(0, 1)).park(900).journeys()
    assert len(found.trips.km) == 0
    assert len(found.stops.lon) == 2


def test_going_round_the_block_and_back_is_a_trip():
    car = Car().park(600).drive(500).drive(500, heading=(-1, 0)).park(600)
    assert car.journeys()[1].trips.km == pytest.approx([1.0], rel=2e-3)


def test_silence_of_over_thirty_minutes_splits_and_under_it_does_not():
    split = Car().drive(3000).silent(1900).drive(3000).journeys()[1].trips
    assert len(split.km) == 2
    assert split.km.sum() == pytest.approx(5.8, rel=2e-3)  # the silent 100 m are in neither
    whole = Car().drive(3000).silent(240).drive(3000).journeys()[1].trips
    assert whole.km == pytest.approx([5.9], rel=2e-3)


def test_order_repeats_and_conflicts_are_flagged_and_counted():
    name, when, lon, lat = Car().drive(1000).columns()
    order = [0, 2, 1, *range(3, len(name))]
    rows = pd.DataFrame({"v": name, "t": when, "x": lon, "y": lat}).iloc[order]
    again = rows.iloc[[5, 6]].copy()
    again.iloc[1, 2] += 1e-4
    rows = pd.concat([rows, again], ignore_index=True)
    fixes = clean_fixes(rows.v, rows.t.to_numpy(), rows.x, rows.y)
    assert fixes.flag[-2:].tolist() == ["duplicate", "time_conflict"]
    assert fixes.late.nonzero()[0].tolist() == [2, len(rows) - 2, len(rows) - 1]
    assert (np.diff(fixes.time) > np.timedelta64(0)).all()
    assert len(fixes.row) == (fixes.flag == "").sum()


@pytest.mark.parametrize("where", [0, 40, 99])
@pytest.mark.parametrize("length", [1, 5])
def test_a_jump_is_flagged_wherever_it_stands(where, length):
    name, when, lon, lat = Car().drive(10_000).columns()
    wild = slice(where, where + length)
    lat = lat.copy()
    lat[wild] += 0.3  # 33 km away within ten seconds
    fixes = clean_fixes(name, when, lon, lat)
    expected = np.full(len(name), "", dtype=object)
    expected[wild] = "jump"
    assert fixes.flag.tolist() == expected.tolist()


def test_a_car_that_turns_up_elsewhere_keeps_both_days_and_no_km_between():
    name, when, lon, lat = Car().drive(5000).drive(5000).columns()
    lat = lat.copy()
    lat[50:] += 0.3
    fixes = clean_fixes(name, when, lon, lat)
    assert (fixes.flag == "").all()
    assert fixes.broken.nonzero()[0].tolist() == [50]
    assert segment(fixes).trips.km == pytest.approx([4.9, 4.9], rel=0.006)


@pytest.mark.parametrize(("length", "kept"), [(15, False), (30, True)])
def test_only_a_long_stretch_elsewhere_is_believed(length, kept):
    name, when, lon, lat = Car().drive(10_000).columns()
    lat = lat.copy()
    lat[40 : 40 + length] += 0.3
    fixes = clean_fixes(name, when, lon, lat)
    assert (fixes.flag == "jump").sum() == (0 if kept else length)
    assert fixes.broken.sum() == (2 if kept else 0)


def test_fixes_without_a_place_are_flagged():
    when = START + np.arange(5) * np.timedelta64(10, "s")
    when[4] = np.datetime64("NaT")
    fixes = clean_fixes(["a"] * 5, when, [LON, np.nan, 0, 200, LON], [LAT, LAT, 0, LAT, LAT])
    assert fixes.flag.tolist() == ["", "no_fix", "no_fix", "no_fix", "no_fix"]


def test_vehicles_are_kept_apart():
    one, two = Car().drive(3000).columns("D1"), Car().drive(3000, heading=(0, 1)).columns("D2")
    mixed = [np.concatenate(pair) for pair in zip(one, two, strict=True)]
    order = np.random.default_rng(3).permutation(len(mixed[0]))
    fixes = clean_fixes(*(column[order] for column in mixed))
    found = segment(fixes)
    assert sorted(fixes.vehicles[found.trips.vehicle].tolist()) == ["D1", "D2"]
    assert found.trips.km == pytest.approx([2.9, 2.9], rel=1e-3)


def test_nothing_in_is_nothing_out():
    fixes = clean_fixes([], np.array([], "datetime64[us]"), [], [])
    assert len(segment(fixes).trips.km) == 0
    one = clean_fixes(["a"], [START], [LON], [LAT])
    assert len(segment(one).stops.lon) == 0


def test_a_line_carries_its_times_as_m():
    fixes, found = Car().park(600).drive(1000).park(600).journeys()
    line = lines_of(fixes, found.trips)[0]
    assert line.has_m
    assert not line.has_z
    assert line.wkt.startswith("LINESTRING M (119.6 38.9 ")
    m = np.array([float(part.split()[2]) for part in line.wkt[14:-1].split(",")])
    assert (np.diff(m) == 10).all()
    assert m[0] == found.trips.start[0].astype("datetime64[us]").astype(int) / 1e6
    short = line_with_times(np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([START, START]))
    assert short.wkt == "LINESTRING M (1 3 1791766800, 2 4 1791766800)"


def vincenty(lon1, lat1, lon2, lat2):
    """Inverse formula of Vincenty 1975 on WGS 84, in plain Python: another road to the length."""
    from math import atan, atan2, cos, radians, sin, sqrt, tan

    if (lon1, lat1) == (lon2, lat2):
        return 0.0
    a, f = 6378137.0, 1 / 298.257223563
    b = a * (1 - f)
    u1, u2 = atan((1 - f) * tan(radians(lat1))), atan((1 - f) * tan(radians(lat2)))
    span = lam = radians(lon2 - lon1)
    for _ in range(20):
        s = sqrt(
            (cos(u2) * sin(lam)) ** 2 + (cos(u1) * sin(u2) - sin(u1) * cos(u2) * cos(lam)) ** 2
        )
        c = sin(u1) * sin(u2) + cos(u1) * cos(u2) * cos(lam)
        sigma = atan2(s, c)
        sin_alpha = cos(u1) * cos(u2) * sin(lam) / s
        cos2 = 1 - sin_alpha**2
        mid = c - 2 * sin(u1) * sin(u2) / cos2 if cos2 else 0.0
        k = f / 16 * cos2 * (4 + f * (4 - 3 * cos2))
        lam = span + (1 - k) * f * sin_alpha * (sigma + k * s * (mid + k * c * (2 * mid**2 - 1)))
    uu = cos2 * (a * a - b * b) / (b * b)
    big_a = 1 + uu / 16384 * (4096 + uu * (-768 + uu * (320 - 175 * uu)))
    big_b = uu / 1024 * (256 + uu * (-128 + uu * (74 - 47 * uu)))
    inner = c * (2 * mid**2 - 1) - big_b / 6 * mid * (4 * s * s - 3) * (4 * mid**2 - 3)
    return b * big_a * (sigma - big_b * s * (mid + big_b / 4 * inner))


@pytest.fixture
def geolife(shared_data: Path) -> pd.DataFrame:
    rows = pd.read_csv(shared_data / "tracks/demodata_geolife.csv", sep=";")
    return rows.assign(t=pd.to_datetime(rows.t, utc=True))


def test_real_tracks_have_the_length_of_an_independent_formula(geolife):
    assert len(geolife) == 5908
    for _, track in geolife.groupby("trajectory_id"):
        x, y = track.X.to_list(), track.Y.to_list()
        ours = geodesic_m(x, y).sum()
        theirs = sum(map(vincenty, x[:-1], y[:-1], x[1:], y[1:]))
        assert ours == pytest.approx(theirs, rel=1e-6)


def test_real_tracks_lose_no_row_without_a_flag(geolife):
    when = geolife.t.dt.tz_localize(None).to_numpy()
    fixes = clean_fixes(geolife.trajectory_id, when, geolife.X, geolife.Y)
    assert len(fixes.row) + (fixes.flag != "").sum() == 5908
    found = segment(fixes)
    assert len(found.trips.km) >= 5
    whole = sum(
        geodesic_m(track.X, track.Y).sum() / 1000 for _, track in geolife.groupby("trajectory_id")
    )
    assert 0.8 * whole < found.trips.km.sum() <= whole


def test_a_week_of_a_real_taxi_is_cut_into_trips(shared_data):
    rows = pd.read_csv(
        shared_data / "tracks/tdrive_dense_taxi.csv", names=["t", "x", "y"], parse_dates=["t"]
    )
    fixes = clean_fixes(["taxi"] * len(rows), rows.t.to_numpy(), rows.x, rows.y)
    assert len(rows) == 15_837
    # Its file holds 627 repeats and leaps of up to 10 km in five seconds.
    assert (fixes.flag == "duplicate").sum() == 627
    assert (fixes.flag == "jump").sum() < 100
    found = segment(fixes)
    assert len(found.trips.km) > 10
    assert (found.trips.reach_m >= 200).all()
    assert (found.trips.first[1:] >= found.trips.last[:-1]).all()
    assert (
        found.trips.km <= 200 * (found.trips.end - found.trips.start) / np.timedelta64(1, "h")
    ).all()


def test_eighty_cars_for_a_week_make_the_trips_that_were_driven():
    rows = []
    for number in range(80):
        car = Car()
        for leg in range(7 * 4):
            car.every = 60
            car.park(3 * 3600, drift=20, seed=number * 100 + leg)
            car.every = 10
            car.drive(8000, heading=(1 if leg % 2 else -1, 0))
        rows.append(car.columns(f"D{number:04}"))
    columns = [np.concatenate(parts) for parts in zip(*rows, strict=True)]
    assert len(columns[0]) > 500_000
    found = segment(clean_fixes(*columns))
    assert len(found.trips.km) == 80 * 28
    assert found.trips.km.sum() == pytest.approx(80 * 28 * 8, rel=0.01)

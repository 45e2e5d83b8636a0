"""The demo's vehicles: where they drove and stood, and what was requested."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from geo.crs import gcj02_to_wgs84
from onemap.demo.stories import stories

CHINA = timezone(timedelta(hours=8))
TOLD = stories()


def car(frame, short):
    mine = frame[frame["车牌号"] == f"演A·{short}"].sort_values("time")
    lon, lat = gcj02_to_wgs84(mine["经度"], mine["纬度"])
    return mine.assign(lon=lon, lat=lat)


def km(track, start, end):
    part = track[(track["time"] >= start) & (track["time"] <= end)]
    return Geod(ellps="WGS84").line_length(part["lon"], part["lat"]) / 1000


def at(day, hour, minute):
    return datetime(2026, 10, day, hour, minute, tzinfo=CHINA)


def test_story_4_to_7_the_cars(files):
    tracks = files.tracks()
    sunday = car(tracks, "D0017")
    assert km(sunday, at(11, 9, 14), at(11, 16, 52)) == pytest.approx(41.6, abs=0.04)
    moving = sunday[(sunday["time"].dt.day == 11) & (sunday["速度"] > 5)]
    assert timedelta(0) <= moving["time"].min() - at(11, 9, 14) <= timedelta(seconds=30)
    assert timedelta(0) <= at(11, 16, 52) - moving["time"].max() <= timedelta(seconds=30)
    saturday = car(tracks, "D0023")
    rolling = saturday[(saturday["time"].dt.day == 10) & (saturday["速度"] > 3)]
    assert timedelta(0) <= rolling["time"].min() - at(10, 8, 35) <= timedelta(seconds=30)
    drifting = car(tracks, "D0009")
    place = files.sheet("车辆").set_index("车牌号").loc["演A·D0009", ["经度", "纬度"]].astype(float)
    _, _, apart = Geod(ellps="WGS84").inv(
        drifting["lon"], drifting["lat"], *(np.full(len(drifting), p) for p in place)
    )
    assert 30 < apart.max() <= 38
    night = car(tracks, "D0066")
    assert km(night, at(8, 23, 40), at(9, 0, 0)) == pytest.approx(31.0, abs=0.04)
    assert km(night, at(9, 0, 0), at(9, 1, 25)) == pytest.approx(21.0, abs=0.04)
    friday = car(tracks, "D0042")
    assert km(friday, at(9, 0, 0), at(9, 23, 59)) == pytest.approx(45.3, abs=0.04)
    silent = car(tracks, "D0055")
    assert silent["time"].max() == at(8, 17, 20)
    assert TOLD["estate"]["start"] - silent["time"].max() == timedelta(days=3, hours=15, minutes=40)


def test_story_6_stood_74_minutes_at_the_lake_park(files):
    friday = car(files.tracks(), "D0042")
    friday = friday[friday["time"].dt.day == 9]
    parks = gpd.read_file(files.folder / "地图/绿地.gpkg")
    park = parks[parks["名称"] == "翠湖公园"].to_crs(4528).union_all()
    points = gpd.GeoSeries(gpd.points_from_xy(friday["lon"], friday["lat"]), crs=4326).to_crs(4528)
    near = friday[(points.distance(park) < 40).to_numpy() & (friday["速度"] < 1).to_numpy()]
    assert near["time"].max() - near["time"].min() == pytest.approx(
        timedelta(minutes=74), abs=timedelta(seconds=20)
    )


def test_story_5_and_6_the_requests(files):
    requests = files.sheet("用车申请").set_index("申请单号")
    assert requests.loc["YC-20261010-003", "车牌号"] == "演A·D0023"
    assert requests.loc["YC-20261009-011", "车牌号"] == "演A·D0042"
    assert requests.loc["YC-20261009-011", "批准里程"] == 18.0
    assert requests.index.is_unique
    sunday = requests[pd.to_datetime(requests["开始时间"]).dt.date == date(2026, 10, 11)]
    assert "演A·D0017" not in set(sunday["车牌号"])


def test_moving_cars_keep_to_the_streets_but_the_one_that_lies_does_not(files):
    roads = gpd.read_file(files.folder / "地图/道路.gpkg").to_crs(4528)
    lines = shapely.get_parts(roads.geometry.to_numpy())
    tree = shapely.STRtree(lines)

    def off(lon, lat):
        points = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=4326).to_crs(4528).to_numpy()
        return shapely.distance(points, lines[tree.nearest(points)])

    moving = files.tracks()
    moving = moving[moving["速度"] > 12].iloc[::7]
    apart = off(*gcj02_to_wgs84(moving["经度"], moving["纬度"]))
    assert np.quantile(apart, 0.95) < 12
    lying = files.tracks("车辆轨迹_D0061_WGS84.csv")
    lying = lying[lying["速度"] > 12]
    # Believed as declared, its places lie half a kilometre from where it drove.
    lon, lat = gcj02_to_wgs84(lying["经度"], lying["纬度"])
    _, _, shift = Geod(ellps="WGS84").inv(lying["经度"], lying["纬度"], lon, lat)
    assert np.median(shift) == pytest.approx(496, abs=6)
    assert np.quantile(off(lon, lat), 0.95) < 12

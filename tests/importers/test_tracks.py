"""Real tracks; expected values were read from the files by other means (text, sqlite3)."""

from __future__ import annotations

import sqlite3
import struct
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from geo.gcj import wgs84_to_gcj02
from layers.problems import BadInput


def fixes(database, vehicle):
    """Time, longitude, latitude, altitude of a vehicle's positions, in order of time."""
    query = sa.text(
        "SELECT p.time, ST_X(p.geom) AS x, ST_Y(p.geom) AS y, p.altitude_m FROM position p "
        "JOIN vehicle v ON v.id = p.vehicle_id WHERE v.name = :vehicle ORDER BY p.time"
    )
    with database.engine.connect() as connection:
        return {
            r.time: (r.x, r.y, r.altitude_m)
            for r in connection.execute(query, {"vehicle": vehicle})
        }


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


def count(database, table):
    with database.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table)))


def test_geolife_csv_gives_5908_fixes_of_three_trackers(run, shared_data, database):
    report = run("tracks", shared_data / "tracks" / "demodata_geolife.csv")
    assert (report.tables["position"].loaded, report.tables["vehicle"].loaded) == (5908, 3)
    # Lines 2, 3000 and 5909 of the file.
    assert fixes(database, "19")[at(2008, 12, 11, 4, 42, 14)][:2] == (116.391305, 39.898573)
    two = fixes(database, "2")
    assert two[at(2009, 2, 4, 11, 10, 18)][:2] == (116.334014, 39.926729)
    assert two[at(2009, 2, 25, 14, 31, 24)][:2] == (116.337332, 39.926186)


def test_geolife_gpkg_agrees_with_its_sqlite_rows_and_with_the_csv(run, shared_data, database):
    path = shared_data / "tracks" / "demodata_geolife.gpkg"
    report = run("tracks", path)
    assert report.tables["position"].loaded == 5908
    with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as raw:
        query = "SELECT tracker, t, geom FROM testdata_geolife2 WHERE fid IN (1, 4088, 6997)"
        read = raw.execute(query).fetchall()
    assert len(read) == 3
    for tracker, text, blob in read:
        moment = datetime.fromisoformat(text)
        assert fixes(database, str(tracker))[moment][:2] == struct.unpack("<dd", blob[-16:])
    again = run("tracks", shared_data / "tracks" / "demodata_geolife.csv")
    assert (again.loaded, again.updated) == (0, 0)


def test_tdrive_without_headings_is_local_time(run, shared_data, database):
    report = run("tracks", shared_data / "tracks" / "tdrive_1.txt")
    # 588 lines, of which `sort -u` leaves 564.
    assert (report.tables["position"].read, report.tables["position"].loaded) == (588, 564)
    found = fixes(database, "1")
    # Lines 1, 100 and 588; the file says Beijing time.
    assert found[at(2008, 2, 2, 7, 36, 8)][:2] == (116.51172, 39.92123)
    assert found[at(2008, 2, 3, 10, 45, 14)][:2] == (116.62556, 39.90534)
    assert found[at(2008, 2, 8, 7, 51, 31)][:2] == (116.54723, 39.9084)
    assert {"repeated_fix", "taken_for_wgs84"} <= {issue.reason for issue in report.issues}


def test_plt_is_gmt_and_its_feet_become_metres(run, shared_data, database):
    folder = shared_data / "tracks" / "geolife_plt"
    report = run("tracks", *sorted(folder.glob("*.plt")), timezone="Asia/Shanghai")
    # Lines of the three files less six of heading: 2912 + 3676 + 3236.
    assert report.tables["position"].read == 9824
    found = fixes(database, "20081025045800")
    assert found[at(2008, 10, 25, 4, 58)] == (116.338674, 39.979598, pytest.approx(141 * 0.3048))
    assert found[at(2008, 10, 25, 6, 27, 25)][:2] == (116.325372, 39.865278)
    third = fixes(database, "20081026081229")
    assert third[at(2008, 10, 26, 8, 12, 29)] == (
        116.327144,
        39.97358,
        pytest.approx(-2755 * 0.3048),
    )


def test_an_altitude_of_minus_777_feet_is_none(run, tmp_path, database):
    path = tmp_path / "a.plt"
    head = "Geolife trajectory\nWGS 84\nAltitude is in Feet\nReserved 3\n0,2,255,My Track\n0\n"
    path.write_text(head + "39.9,116.3,0,-777,39746.2,2008-10-25,04:58:00\n", encoding="utf-8")
    run("tracks", path)
    assert fixes(database, "a") == {at(2008, 10, 25, 4, 58): (116.3, 39.9, None)}


@pytest.mark.parametrize(
    ("name", "loaded", "moment", "place"),
    [
        ("304_to_UL_2019-02-18.gpx", 2144, (2019, 2, 18, 7, 45, 50), (-8.661746, 52.629151, 19.5)),
        ("304_to_UL_2019-02-18.gpx", 2144, (2019, 2, 18, 8, 21, 49), (-8.637322, 52.648979, 12.6)),
        ("304_to_UL_2019-02-18.gpx", 2144, (2019, 2, 18, 8, 21, 51), (-8.637284, 52.649026, 12.6)),
        ("around-visnjan-with-car.gpx", 104, (2020, 12, 18, 6, 15, 50), (13.7142099626, 45.273518851, 211.15)),  # noqa: E501
        ("around-visnjan-with-car.gpx", 104, (2020, 12, 18, 6, 16, 0), (13.714188505, 45.2734133229, 211.63)),  # noqa: E501
        ("around-visnjan-with-car.gpx", 104, (2020, 12, 18, 6, 24, 24), (13.7139970623, 45.2733349521, 210.67)),  # noqa: E501
    ],
)  # fmt: skip
def test_gpx_points_keep_time_place_and_height(
    run, shared_data, database, name, loaded, moment, place
):
    report = run("tracks", shared_data / "tracks" / name)
    assert report.tables["position"].loaded == loaded
    assert fixes(database, name.removesuffix(".gpx"))[at(*moment)] == place


@pytest.mark.parametrize(
    "name", ["demodata_geolife.gpkg", "tdrive_1.txt", "tdrive_dense_taxi.csv",
             "304_to_UL_2019-02-18.gpx", "geolife_plt/20081025045800.plt"],
)  # fmt: skip
def test_a_second_import_of_tracks_adds_nothing(run, shared_data, database, name):
    path = shared_data / "tracks" / name
    run("tracks", path)
    tables = ("vehicle", "position", "position_latest", "trip", "stop", "change")
    before = {table: count(database, table) for table in tables}
    again = run("tracks", path)
    assert (again.loaded, again.updated) == (0, 0)
    assert {table: count(database, table) for table in tables} == before


def test_trips_carry_seconds_as_measure_and_the_latest_fix_is_kept(run, shared_data, database):
    run("tracks", shared_data / "tracks" / "around-visnjan-with-car.gpx")
    query = sa.text(
        "SELECT started_at, ended_at, length_km, fixes, ST_M(ST_StartPoint(geom)) AS m, source_key,"
        " ST_Length(ST_Force2D(geom)::geography) / 1000 AS km FROM trip"
    )
    with database.engine.connect() as connection:
        trip = connection.execute(query).one()
        latest = connection.scalar(sa.text("SELECT time FROM position_latest"))
    assert trip.m == trip.started_at.timestamp()
    assert trip.source_key == f"around-visnjan-with-car~{trip.started_at:%Y-%m-%dT%H:%M:%SZ}"
    assert trip.length_km == pytest.approx(trip.km, rel=1e-6)
    assert latest == at(2020, 12, 18, 6, 24, 24)


def rows_of(path, *lines):
    path.write_text("车牌号,定位时间,经度,纬度\n" + "\n".join(lines) + "\n", encoding="gb18030")
    return path


def test_gcj02_is_undone_and_a_known_plate_is_that_vehicle(run, rows, tmp_path, database):
    (tmp_path / "fleet.csv").write_text("车牌号,名称\n演A·D0001,一号车\n", encoding="utf-8")
    run("vehicles", tmp_path / "fleet.csv")
    lon, lat = wgs84_to_gcj02(119.6, 38.9)
    path = rows_of(tmp_path / "day.csv", f"演AD0001,2026-10-12 09:00:00,{lon:.7f},{lat:.7f}")
    report = run("tracks", path, crs="GCJ-02")
    assert report.crs == "GCJ-02"
    assert len(rows("vehicle")) == 1
    ((moment, (x, y, _)),) = fixes(database, "一号车").items()
    assert moment == at(2026, 10, 12, 1)
    assert (x, y) == pytest.approx((119.6, 38.9), abs=2e-7)


def test_rows_without_time_or_place_wait_in_quarantine(run, rows, tmp_path):
    path = rows_of(
        tmp_path / "day.csv",
        "演A·D0001,2026-10-12 09:00:00,119.6,38.9",
        "演A·D0001,昨天,119.6,38.9",
        "演A·D0001,2026-10-12 09:00:10,0,0",
        "演A·D0001,2026-10-12 09:00:20,1196,38.9",
        "演A·D0001,2026-10-12 09:00:30,,",
    )
    report = run("tracks", path)
    assert (report.tables["position"].loaded, report.quarantined) == (1, 4)
    waiting = {row["row"]: row for row in rows("quarantine")}
    assert set(waiting) == {3, 4, 5, 6}
    assert waiting[3]["reasons"][0]["reason"] == "not_a_time"
    assert waiting[3]["values"]["time"] == "昨天"
    assert waiting[5]["values"]["geom.text"] == "1196 38.9"


def test_later_fixes_join_the_trip_that_was_cut(run, rows, tmp_path):
    # Eastward at about 52 km/h, a fix every 10 s, in two files.
    lines = [
        f"演A·D0001,2026-10-12 09:{second // 60:02}:{second % 60:02},{119.6 + second * 1.67e-4:.6f},38.9"  # noqa: E501
        for second in range(0, 600, 10)
    ]
    run("tracks", rows_of(tmp_path / "one.csv", *lines[:30]), source="day")
    first = rows("trip")
    assert [trip["fixes"] for trip in first] == [30]
    run("tracks", rows_of(tmp_path / "two.csv", *lines[30:]), source="day")
    joined = rows("trip")
    assert [(trip["id"], trip["fixes"]) for trip in joined] == [(first[0]["id"], 60)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("empty.csv", "", "empty"),
        ("heading.csv", "time,lon,lat\n", "no rows"),
        ("nothing.csv", "name,colour\na,red\n", "No column was found"),
        ("cut.gpx", "<gpx><trk><trkseg><trkpt lat='1'", "no complete GPX"),
        ("bomb.gpx", "<!DOCTYPE g [<!ENTITY a 'x'>]><gpx>&a;</gpx>", "no complete GPX"),
        ("none.gpx", "<gpx></gpx>", "no track points"),
        ("cut.plt", "Geolife trajectory\nWGS 84\n", "GeoLife"),
        ("metres.csv", "time,x,y\n2026-10-12 09:00,498000,4310000\n", "--crs"),
    ],
)
def test_a_file_that_is_no_track_is_refused_whole(run, rows, tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=said) as problem:
        run("tracks", path)
    assert problem.value.text.zh != problem.value.text.en
    assert rows("vehicle") == []


def test_fixes_of_a_wrong_clock_wait_in_quarantine_and_the_car_goes_on(
    run, rows, tmp_path, database
):
    with database.engine.connect() as link:
        now = link.scalar(sa.text("SELECT onemap_now()")).astimezone(UTC)
    fresh = (now - timedelta(hours=1)).isoformat(timespec="seconds")
    report = run(
        "tracks",
        rows_of(
            tmp_path / "day.csv",
            f"演A·D0001,{fresh},119.6,38.9",
            f"演A·D0001,{(now + timedelta(days=2)).isoformat(timespec='seconds')},119.6,38.9",
            "演A·D0001,1980-01-06 00:00:00,119.6,38.9",
        ),
    )
    assert (report.tables["position"].loaded, report.tables["position"].quarantined) == (1, 2)
    waiting = {row["row"]: row["reasons"][0]["reason"] for row in rows("quarantine")}
    assert waiting == {3: "impossible_time", 4: "impossible_time"}
    assert [row["time"].isoformat(timespec="seconds") for row in rows("position_latest")] == [fresh]
    older = rows_of(tmp_path / "old.csv", "演A·D0001,2026-01-01 00:00:00,119.7,38.9")
    run("tracks", older)
    assert [row["time"].isoformat(timespec="seconds") for row in rows("position_latest")] == [fresh]


# Eastward at about 52 km/h, a fix every 10 s.
DRIVE = [
    f"演A·D0001,2026-10-12 09:{at_s // 60:02}:{at_s % 60:02},{119.6 + at_s * 1.67e-4:.6f},38.9"
    for at_s in range(0, 600, 10)
]


def test_a_register_takes_over_the_cars_that_tracks_made(run, rows, tmp_path, database):
    run("tracks", rows_of(tmp_path / "day.csv", *DRIVE))
    (car,), (trip,) = rows("vehicle"), rows("trip")
    (tmp_path / "bodies.csv").write_text("机构编码,机构名称\n017,财政局\n", encoding="utf-8")
    run("bodies", tmp_path / "bodies.csv")
    (tmp_path / "fleet.csv").write_text(
        "车牌号,名称,所属机构\n演AD0001,一号车,017\n演A·D0002,二号车,017\n", encoding="utf-8"
    )
    report = run("vehicles", tmp_path / "fleet.csv")
    assert (report.loaded, report.updated) == (1, 1)
    first = next(row for row in rows("vehicle") if row["name"] == "一号车")
    assert (first["id"], first["source"], first["attributes"]) == (car["id"], "fleet", {})
    (moved,) = rows("trip")
    assert (moved["id"], moved["body_id"], moved["source"]) == (
        trip["id"], first["body_id"], "fleet",
    )  # fmt: skip
    assert len(fixes(database, "一号车")) == 60
    assert run("vehicles", tmp_path / "fleet.csv").unchanged == 2
    again = run("tracks", tmp_path / "day.csv")
    assert (again.loaded, again.updated, len(rows("vehicle"))) == (0, 0, 2)
    run("tracks", rows_of(tmp_path / "more.csv", DRIVE[0].replace("09:00:00", "09:10:00")))
    assert [row["id"] for row in rows("trip")] == [trip["id"]]


def test_trips_are_not_made_again_when_no_position_is_new(run, tmp_path, monkeypatch):
    path = rows_of(tmp_path / "day.csv", *DRIVE)
    run("tracks", path)
    monkeypatch.delattr("importers.tracks.importer.rebuild")
    report = run("tracks", path)
    assert "derived" not in {issue.reason for issue in report.issues}


def test_a_car_that_a_wrong_clock_had_frozen_goes_on(run, rows, tmp_path, database):
    run("tracks", rows_of(tmp_path / "one.csv", DRIVE[0]))
    with database.engine.begin() as link:
        link.execute(sa.text("UPDATE position_latest SET time = now() + interval '9 years'"))
    run("tracks", rows_of(tmp_path / "two.csv", DRIVE[1]))
    assert [row["time"] for row in rows("position_latest")] == [at(2026, 10, 12, 1, 0, 10)]


def test_the_last_position_has_no_speed_of_an_earlier_one(run, rows, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text(f"车牌号,定位时间,经度,纬度,速度\n{DRIVE[0]},52\n", encoding="utf-8")
    run("tracks", path)
    assert [row["speed_kmh"] for row in rows("position_latest")] == [52]
    run("tracks", rows_of(tmp_path / "two.csv", DRIVE[1]))
    assert [row["speed_kmh"] for row in rows("position_latest")] == [None]

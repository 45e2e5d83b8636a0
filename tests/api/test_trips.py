"""The replay of a trip: fixes written here, and what must come back of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from layers.base import table_of
from layers.fleet import Position, Trip, Vehicle
from tests.layers.support import body, put
from tests.support import accounts

START = datetime(2026, 10, 11, 1, 14, tzinfo=UTC)
# A degree of latitude at 38.9° is 111,015 m long (WGS 84): each leg is 111.0 m in 10 s, 40 km/h.
FIXES = [(119.6, 38.9 + 0.001 * k, 10 * k) for k in range(4)]
SAID = {0: 0.0, 1: 38.5, 3: 12.0}  # the terminal said nothing of its speed at the third fix


def drive(c: sa.Connection, owner: int | None = None) -> int:
    car = put(c, Vehicle, plate="演A·D0017", name="D17", body_id=owner)
    seconds = START.timestamp()
    points = ",".join(f"{x} {y} {seconds + t}" for x, y, t in FIXES)
    trip = put(
        c, Trip, source_key="t1", vehicle_id=car, started_at=START, body_id=owner,
        ended_at=START + timedelta(seconds=30), length_km=0.333, moving_s=30, fixes=4,
        geom=f"SRID=4326;LINESTRING M ({points})",
    )  # fmt: skip
    c.execute(
        sa.text("SELECT onemap_partition('position', :a, :b)"),
        {"a": START, "b": START + timedelta(days=1)},
    )
    for k, (x, y, t) in enumerate(FIXES):
        c.execute(
            sa.insert(table_of(Position)).values(
                vehicle_id=car, time=START + timedelta(seconds=t), speed_kmh=SAID.get(k),
                geom=f"SRID=4326;POINT({x} {y})",
            )
        )  # fmt: skip
    return trip


async def test_a_trip_comes_back_fix_by_fix_with_times_and_speeds(client: Any, database: Any):
    with database.engine.begin() as c:
        trip = drive(c)
    answer = await client.get(f"/trips/{trip}/path")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["vehicle"]["title"] == "演A·D0017 D17"
    assert told["started_at"] == "2026-10-11T09:14:00+08:00"
    assert told["ended_at"] == "2026-10-11T09:14:30+08:00"
    assert told["length_km"] == 0.333
    assert told["coordinates"] == [[119.6, 38.9], [119.6, 38.901], [119.6, 38.902], [119.6, 38.903]]
    assert told["times"] == [START.timestamp() + t for t in (0, 10, 20, 30)]
    # Between the second fix and the third it drove 111.0 m in 10 s.
    assert told["speeds_kmh"] == [0.0, 38.5, pytest.approx(40.0, abs=0.05), 12.0]


async def test_without_the_positions_the_speeds_follow_from_the_line(client: Any, database: Any):
    with database.engine.begin() as c:
        trip = drive(c)
        c.execute(sa.delete(table_of(Position)))
    told = (await client.get(f"/trips/{trip}/path")).json()
    assert told["speeds_kmh"][0] is None
    assert told["speeds_kmh"][1:] == pytest.approx([40.0] * 3, abs=0.05)


async def test_a_trip_has_no_path_where_its_line_is_not_known(client: Any, database: Any):
    with database.engine.begin() as c:
        trip = drive(c)
        c.execute(sa.update(table_of(Trip)).values(geom=None))
    told = (await client.get(f"/trips/{trip}/path")).json()
    assert (told["coordinates"], told["times"], told["speeds_kmh"]) == ([], [], [])


async def test_a_trip_of_another_bodys_car_is_not_there(database: Any, serve: Any):
    with database.engine.begin() as c:
        mine, theirs = body(c, "甲局"), body(c, "乙局")
        trip = drive(c, theirs)
        for name, of in (("mine", mine), ("theirs", theirs)):
            accounts.with_token(c, name, name, body_id=of)
    async with serve(database, anonymous="public") as client:
        seen = [
            (await client.get(f"/trips/{trip}/path", headers=headers)).status_code
            for headers in ({}, *({"authorization": f"Bearer {who}"} for who in ("mine", "theirs")))
        ]
        assert seen == [404, 404, 200]
        missing = await client.get(f"/trips/{trip + 1}/path", headers={"accept-language": "en"})
        assert "no trip" in missing.json()["detail"]


async def test_the_panel_speaks_of_a_trip_in_the_readers_language(client: Any, database: Any):
    with database.engine.begin() as c:
        trip = drive(c)
    said = {}
    for language in ("zh", "en"):
        told = (await client.get(f"/features/trips/{trip}?lang={language}")).json()
        (summary,) = (each for each in told["insights"] if each["name"] == "summary")
        said[language] = {line["name"]: line["value"] for line in summary["lines"]}
    assert (said["zh"]["duration"], said["en"]["duration"]) == ("不到 1 分钟", "under 1 min")
    # 333 m in 30 s.
    assert said["zh"]["mean_kmh"] == pytest.approx(40.0, abs=0.1)

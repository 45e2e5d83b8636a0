from __future__ import annotations

import pandas as pd
import pytest
import sqlalchemy as sa

from layers.base import table_of
from layers.changes import ChangeSet
from layers.energy import Meter, Reading
from layers.estate import Level, LevelBuilding
from layers.fleet import Position, PositionLatest, Vehicle
from layers.people import Body


def _bodies(**columns: list[object]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    return pd.DataFrame({"source": ["t"] * count, "path": [""] * count, **columns})


@pytest.fixture
def connection(database):
    with database.engine.begin() as opened:
        yield opened


def test_counts_of_an_upsert_are_exact(connection):
    changes = ChangeSet(connection)
    first = _bodies(source_key=["a", "b"], name=["甲", "乙"])
    assert changes.upsert(Body, first).inserted == 2
    second = _bodies(source_key=["a", "b", "c"], name=["甲", "乙改", None])
    counts = changes.upsert(Body, second)
    assert (counts.inserted, counts.updated, counts.unchanged) == (1, 1, 1)
    assert len(counts.ids) == 2
    body = table_of(Body)
    found = connection.execute(sa.select(body.c.name, body.c.revision).order_by(body.c.source_key))
    assert [tuple(row) for row in found] == [("甲", 1), ("乙改", 2), (None, 1)]


def test_columns_that_are_not_written_keep_what_they_have(connection):
    changes = ChangeSet(connection)
    changes.upsert(Body, _bodies(source_key=["a"], name=["甲"], code=["001"]))
    changes.upsert(Body, _bodies(source_key=["a"], name=["甲改"]))
    assert connection.scalar(sa.select(table_of(Body).c.code)) == "001"


def test_the_log_names_the_actor_and_the_reason(database):
    with database.engine.begin() as connection:
        ChangeSet(connection, "王工", "import bodies").upsert(
            Body, _bodies(source_key=["a"], name=["甲"])
        )
    with database.engine.begin() as connection:
        row = connection.execute(sa.text("SELECT actor, reason, seq FROM change_set")).one()
        assert tuple(row) == ("王工", "import bodies", 1)


def test_reserved_ids_are_those_the_rows_get(connection):
    changes = ChangeSet(connection)
    keys = pd.Series(["a", "b"])
    ids = changes.reserve(Body, "t", keys)
    changes.upsert(Body, _bodies(source_key=["a", "b"], id=ids))
    assert changes.reserve(Body, "t", keys).tolist() == ids.tolist()
    assert changes.ids(Body, "t").to_dict() == dict(zip(keys, ids, strict=True))


def test_texts_with_quotes_line_ends_and_rare_characters_arrive_whole(connection):
    names = ["a\tb\nc", 'quote " \\ \\N', "𠮷野家", "", " é"]
    frame = _bodies(source_key=list("abcde"), name=names, attributes=['{"a": 1.5}'] * 5)
    ChangeSet(connection).upsert(Body, frame)
    body = table_of(Body)
    rows = connection.execute(
        sa.select(body.c.name, body.c.attributes).order_by(body.c.source_key)
    ).all()
    assert [row.name for row in rows] == names
    assert rows[0].attributes == {"a": 1.5}


def test_a_link_is_made_once(connection):
    changes = ChangeSet(connection)
    from layers.estate import Building

    one = pd.DataFrame({"source": ["t"], "source_key": ["x"]})
    building = int(changes.upsert(Building, one).ids[0])
    level = int(changes.upsert(Level, one.assign(ordinal=0)).ids[0])
    links = pd.DataFrame({"level_id": [level] * 2, "building_id": [building] * 2})
    assert changes.link(LevelBuilding, links).inserted == 1
    again = changes.link(LevelBuilding, links)
    assert (again.inserted, again.unchanged) == (0, 1)


def _positions(vehicle: int, *times: str, speed: float = 30.0) -> pd.DataFrame:
    import geopandas as gpd
    import shapely

    count = len(times)
    return gpd.GeoDataFrame(
        {
            "vehicle_id": pd.array([vehicle] * count, dtype="Int64"),
            "time": pd.to_datetime(list(times), utc=True),
            "speed_kmh": [speed] * count,
        },
        geometry=[shapely.Point(119.6 + i / 100, 38.9) for i in range(count)],
        crs=4326,
    ).rename_geometry("geom")


def test_positions_land_in_their_day_and_the_latest_is_kept(connection):
    changes = ChangeSet(connection)
    one = pd.DataFrame({"source": ["t"], "source_key": ["x"], "plate": ["演A·D0001"]})
    car = int(changes.upsert(Vehicle, one).ids[0])
    times = ("2026-10-08T15:59Z", "2026-10-09T16:01Z", "2026-10-12T01:00Z")
    assert changes.append(Position, _positions(car, *times)).inserted == 3
    again = changes.append(Position, _positions(car, *times))
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 3)
    faster = changes.append(Position, _positions(car, times[0], speed=50.0))
    assert (faster.inserted, faster.updated) == (0, 1)
    latest = connection.execute(sa.select(table_of(PositionLatest))).one()
    assert latest.time == pd.Timestamp(times[2])
    parts = connection.scalars(
        sa.text(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = 'position'::regclass"
        )
    )
    assert {"position_20261008", "position_20261009", "position_20261012"} <= set(parts)


def test_readings_may_be_corrected(connection):
    changes = ChangeSet(connection)
    one = pd.DataFrame({"source": ["t"], "source_key": ["x"], "number": ["E-0001"]})
    meter = int(changes.upsert(Meter, one).ids[0])
    frame = pd.DataFrame(
        {
            "meter_id": pd.array([meter, meter], dtype="Int64"),
            "time": pd.to_datetime(["2026-05-01T00:00Z", "2026-05-01T00:00Z"], utc=True),
            "value": [1.0, 2.0],
        }
    )
    assert changes.append(Reading, frame).inserted == 1
    assert connection.scalar(sa.select(table_of(Reading).c.value)) == 2.0
    assert changes.append(Reading, frame.assign(value=3.0)).updated == 1

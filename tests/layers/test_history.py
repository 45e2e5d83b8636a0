"""The recorded past: log, typed history and `dated`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.access import ESTATE, rows
from layers.assets import Asset
from layers.base import Base, table_of
from layers.estate import Building
from layers.history import first_record, history_table, tracked_tables
from layers.space import Room
from tests.layers.support import SQUARE, put

BUILDING = table_of(Building)
CHANGES = Base.metadata.tables["change"]
CHANGE_SETS = Base.metadata.tables["change_set"]


def _names(connection, at=None):
    source = rows(Building, ESTATE, at)
    return {row.id: row.name for row in connection.execute(sa.select(source.c.id, source.c.name))}


def _moment(connection) -> datetime:
    return connection.execute(sa.select(sa.func.max(CHANGE_SETS.c.recorded_at))).scalar_one()


def test_every_tracked_table_and_its_history_have_the_same_stored_columns(database):
    inspector = sa.inspect(database.engine)
    for table in tracked_tables():
        stored = {c.name: c for c in table.c if c.computed is None}
        found = {c["name"]: c for c in inspector.get_columns(history_table(table).name)}
        assert set(found) == {*stored, "tx"}, table.name
        live = {c["name"]: c for c in inspector.get_columns(table.name)}
        for name in stored:
            assert str(found[name]["type"]) == str(live[name]["type"]), (table.name, name)


def test_every_tracked_table_has_its_three_triggers_and_every_series_none(database):
    with database.engine.connect() as connection:
        found = connection.execute(
            sa.text(
                "SELECT c.relname, array_agg(t.tgname::text ORDER BY t.tgname) FROM pg_trigger t "
                "JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal GROUP BY 1"
            )
        ).all()
    triggers = dict(found)
    expected = ["onemap_track_delete", "onemap_track_insert", "onemap_track_update"]
    for table in tracked_tables():
        assert triggers.pop(table.name) == expected
    assert triggers.pop("change_set") == ["onemap_seal", "onemap_trace"]
    assert {name for name in triggers if name.startswith(("position", "reading"))} == set()


def test_the_past_shows_a_row_as_it_was_before_each_change(database):
    with database.engine.begin() as connection:
        first = put(connection, Building, name="甲", geom=SQUARE)
    with database.engine.begin() as connection:
        born = _moment(connection)
        connection.execute(sa.update(BUILDING).values(name="乙"))
    with database.engine.begin() as connection:
        renamed = _moment(connection)
        second = put(connection, Building, name="丙", geom=SQUARE)
        connection.execute(sa.delete(BUILDING).where(BUILDING.c.id == first))
    with database.engine.connect() as connection:
        assert _names(connection) == {second: "丙"}
        assert _names(connection, born) == {first: "甲"}
        assert _names(connection, renamed) == {first: "乙"}


def test_before_the_first_record_the_past_is_the_earliest_known_state(database):
    with database.engine.begin() as connection:
        first = put(connection, Building, name="甲", geom=SQUARE)
    with database.engine.begin() as connection:
        connection.execute(sa.update(BUILDING).values(name="乙"))
    with database.engine.connect() as connection:
        assert _names(connection, datetime(1990, 1, 1, tzinfo=UTC)) == {first: "甲"}


def test_generated_columns_of_the_past_are_those_of_the_old_shape(database):
    with database.engine.begin() as connection:
        put(connection, Building, name="甲", geom=SQUARE)
        wanted = connection.execute(sa.select(sa.func.ST_AsEWKT(BUILDING.c.geom_3857))).scalar_one()
    with database.engine.begin() as connection:
        at = _moment(connection)
        connection.execute(sa.update(BUILDING).values(geom=None))
    with database.engine.connect() as connection:
        then = rows(Building, ESTATE, at)
        found = connection.execute(sa.select(sa.func.ST_AsEWKT(then.c.geom_3857))).scalar_one()
    assert found == wanted


def test_the_order_of_commits_decides_not_the_order_of_beginnings(database):
    early = database.engine.connect()
    begun = early.begin()
    put(early, Building, name="先开始", geom=SQUARE)
    with database.engine.begin() as late:
        put(late, Building, name="先提交", geom=SQUARE)
    begun.commit()
    early.close()
    with database.engine.connect() as connection:
        order = connection.execute(
            sa.select(BUILDING.c.name)
            .select_from(BUILDING)
            .join(CHANGES, CHANGES.c.id == BUILDING.c.id)
            .join(CHANGE_SETS, CHANGE_SETS.c.tx == CHANGES.c.tx)
            .order_by(CHANGE_SETS.c.seq)
        ).scalars()
        assert list(order) == ["先提交", "先开始"]


def test_the_log_holds_the_extents_before_and_after_a_move(database):
    with database.engine.begin() as connection:
        put(connection, Building, name="甲", geom=SQUARE)
    with database.engine.begin() as connection:
        connection.execute(
            sa.update(BUILDING).values(geom=sa.func.ST_Translate(BUILDING.c.geom, 1, 0))
        )
    with database.engine.connect() as connection:
        before, after = connection.execute(
            sa.select(
                sa.func.Box2D(CHANGES.c.before).cast(sa.Text),
                sa.func.Box2D(CHANGES.c.after).cast(sa.Text),
            ).where(CHANGES.c.operation == "U")
        ).one()
    assert before == "BOX(119.6 38.9,119.601 38.901)"
    assert after == "BOX(120.6 38.9,120.601 38.901)"


def test_a_row_that_comes_back_under_its_id_is_one_change_from_its_first_place_to_its_last(
    database,
):
    with database.engine.begin() as connection:
        number = put(connection, Building, name="甲", source_key="k", geom=SQUARE)
    again = sa.text(
        "INSERT INTO building (id, source, source_key, geom) VALUES "
        "(:id, 'test', 'k', ST_Multi(ST_MakeEnvelope(100, 20, 101, 21, 4326)))"
    )
    with database.engine.begin() as connection:
        for _ in range(2):
            connection.execute(sa.delete(BUILDING).where(BUILDING.c.id == number))
            connection.execute(again, {"id": number})
    with database.engine.connect() as connection:
        changes = connection.execute(
            sa.select(
                CHANGES.c.operation,
                sa.func.Box2D(CHANGES.c.before).cast(sa.Text),
                sa.func.Box2D(CHANGES.c.after).cast(sa.Text),
            ).order_by(CHANGES.c.tx)
        ).all()
    assert changes == [
        ("I", None, "BOX(119.6 38.9,119.601 38.901)"),
        ("D", "BOX(119.6 38.9,119.601 38.901)", "BOX(100 20,101 21)"),
    ]


def test_the_extent_of_a_point_or_a_line_is_a_flat_polygon_and_of_nothing_none(database):
    shapes = {
        "POINT Z (1 2 5)": "POLYGON((1 2,1 2,1 2,1 2,1 2))",
        "LINESTRING M (1 2 9, 1 4 9)": "POLYGON((1 2,1 4,1 4,1 2,1 2))",
        "POLYGON EMPTY": None,
    }
    with database.engine.connect() as connection:
        for shape, expected in shapes.items():
            extent = sa.func.onemap_extent(sa.func.ST_GeomFromText(shape, 4326))
            found = connection.scalar(sa.select(sa.func.ST_AsText(extent)))
            assert found == expected


_STEPS = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["put", "rename", "move", "delete"]), st.integers(0, 4)),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=_STEPS)
def test_any_past_moment_equals_the_snapshot_taken_then(database, steps):
    with database.engine.begin() as connection:
        connection.execute(
            sa.text("TRUNCATE building, building_history, change, change_set CASCADE")
        )
        put(connection, Building, name="first", source_key="first", geom=SQUARE)
    snapshots = []
    number = 0
    for step in steps:
        with database.engine.begin() as connection:
            for action, which in step:
                number += 1
                key = BUILDING.c.source_key == f"k{which}"
                if action == "put":
                    connection.execute(sa.delete(BUILDING).where(key))
                    put(
                        connection, Building, name=f"n{number}", source_key=f"k{which}", geom=SQUARE
                    )
                elif action == "rename":
                    connection.execute(sa.update(BUILDING).where(key).values(name=f"n{number}"))
                elif action == "move":
                    moved = sa.func.ST_Translate(BUILDING.c.geom, 1 / 3 * number, 0.1)
                    connection.execute(sa.update(BUILDING).where(key).values(geom=moved))
                else:
                    connection.execute(sa.delete(BUILDING).where(key))
        with database.engine.connect() as connection:
            state = set(
                connection.execute(
                    sa.text("SELECT id, name, encode(ST_AsEWKB(geom), 'hex') FROM building")
                ).all()
            )
            snapshots.append((_moment(connection), state))
    with database.engine.connect() as connection:
        for at, state in snapshots:
            then = rows(Building, ESTATE, at)
            found = connection.execute(
                sa.select(
                    then.c.id, then.c.name, sa.func.encode(sa.func.ST_AsEWKB(then.c.geom), "hex")
                )
            )
            assert set(found.all()) == state


def test_a_moment_between_two_commits_is_the_state_after_the_first(database):
    with database.engine.begin() as connection:
        first = put(connection, Building, name="甲", geom=SQUARE)
    with database.engine.begin() as connection:
        between = _moment(connection) + timedelta(microseconds=1)
        connection.execute(sa.text("SELECT pg_sleep(0.01)"))
        connection.execute(sa.update(BUILDING).values(name="乙"))
    with database.engine.connect() as connection:
        assert _names(connection, between) == {first: "甲"}


def test_the_past_of_a_place_is_found_by_its_index(database):
    with database.engine.begin() as connection:
        put(connection, Building, name="甲", geom=SQUARE)
    inspector = sa.inspect(database.engine)
    for table in tracked_tables():
        if "geom" in table.c:
            names = {each["name"] for each in inspector.get_indexes(history_table(table).name)}
            assert f"ix_{table.name}_history_geom" in names, table.name


def test_who_may_write_rows_alone_writes_history_and_log_through_them(database):
    with database.engine.begin() as connection:
        number = put(connection, Building, name="甲", geom=SQUARE)
        role = database.app_engine.url.username
        if role == database.engine.url.username:
            pytest.skip("one role owns and serves here")
    with database.app_engine.begin() as connection:
        connection.execute(sa.update(BUILDING).values(name="乙"))
    with database.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT name FROM building_history")) == "甲"
        assert connection.scalar(sa.select(sa.func.count()).select_from(CHANGES)) == 2
    forge = "CREATE TEMP TABLE change (x int)", "CREATE TEMP TABLE change_set (x int)"
    with database.app_engine.begin() as connection:
        for each in forge:  # a caller's own tables do not stand before the log
            connection.execute(sa.text(each))
        connection.execute(sa.update(BUILDING).values(name="丙"))
    with database.engine.connect() as connection:
        log = sa.select(CHANGES.c.id).where(CHANGES.c.operation == "U")
        assert connection.scalars(log).all() == [number, number]
    with database.app_engine.connect() as connection:
        connection.execute(sa.text("CREATE TEMP TABLE room (id bigint)"))
        tie = "CREATE TRIGGER t AFTER INSERT ON room REFERENCING NEW TABLE AS new_rows "
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            connection.execute(sa.text(tie + "EXECUTE FUNCTION onemap_track()"))


def test_the_record_of_a_table_begins_with_the_first_to_commit(database):
    early = database.engine.connect()
    begun = early.begin()
    put(early, Building, name="先开始", geom=SQUARE)
    with database.engine.begin() as late:
        put(late, Building, name="先提交", geom=SQUARE)
    begun.commit()
    early.close()
    with database.engine.connect() as connection:
        first = connection.scalar(first_record("building"))
        assert first == connection.scalar(sa.select(sa.func.min(CHANGE_SETS.c.recorded_at)))
        assert set(_names(connection, first - timedelta(days=1)).values()) == {"先提交"}


def test_a_row_that_names_two_rows_deleted_at_once_is_one_change(database):
    with database.engine.begin() as connection:
        rooms = [put(connection, Room, number=n, source_key=n, geom=SQUARE) for n in "12"]
        pair = dict(zip(("room_id", "scanned_room_id"), rooms, strict=True))
        asset = put(connection, Asset, name="桌", geom=None, **pair)
    with database.engine.begin() as connection:
        at = _moment(connection)
        connection.execute(sa.delete(table_of(Room)))
    with database.engine.connect() as connection:
        for moment, wanted in ((None, (None, None)), (at, tuple(rooms))):
            then = rows(Asset, ESTATE, moment)
            columns = then.c.room_id, then.c.scanned_room_id
            assert connection.execute(sa.select(*columns)).one() == wanted
        logged = sa.select(CHANGES.c.operation).where(CHANGES.c.id == asset)
        logged = logged.where(CHANGES.c.layer == "asset").order_by(CHANGES.c.tx)
        assert connection.scalars(logged).all() == ["I", "U"]

"""`Filter` as SQL: the spatial index serves, the antimeridian is crossed, statements are shared."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.dialects import postgresql

from layers.access import ESTATE, EVERYONE, rows
from layers.filter import Filter, parse_bbox, parse_datetime, time_column
from layers.prepared import prepare
from layers.problems import BadRequest
from layers.registry import LAYERS, layer
from tests.support.databases import Clone

SHANGHAI = ZoneInfo("Asia/Shanghai")
MANY = 4_000


@pytest.fixture(scope="module")
def many(module_database: Clone) -> Clone:
    """A grid of buildings over half a degree, and four round longitude 180."""
    with module_database.engine.begin() as link:
        link.execute(
            text(
                "INSERT INTO building (source, source_key, name, height_m, geom)"
                " SELECT 'grid', g::text, '楼' || g, g % 60, ST_Multi(ST_MakeEnvelope("
                " 116 + (g % 200) * 0.0025, 39.6 + (g / 200) * 0.0025,"
                " 116.001 + (g % 200) * 0.0025, 39.601 + (g / 200) * 0.0025, 4326))"
                " FROM generate_series(0, :last) g"
            ),
            {"last": MANY - 1},
        )
        for key, west in (("e", 179.5), ("w", -179.6), ("far", 170.0), ("west", -170.0)):
            link.execute(
                text(
                    "INSERT INTO building (source, source_key, geom) VALUES ('date', :key,"
                    " ST_Multi(ST_MakeEnvelope(:west, 0, :west + 0.1, 0.1, 4326)))"
                ),
                {"key": key, "west": west},
            )
    with module_database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.execute(text("VACUUM ANALYZE building"))
    return module_database


def plan_of(database: Clone, query) -> str:
    compiled = query.compile(
        dialect=postgresql.psycopg.dialect(), compile_kwargs={"render_postcompile": True}
    )
    with database.engine.connect() as link:
        link.execute(text("SET jit = off"))
        lines = link.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params).scalars()
        return "\n".join(lines)


@pytest.mark.parametrize("west", [-180.0, -0.0005, 116.3971234, 179.998])
@pytest.mark.parametrize("width", [0.00001, 0.00007, 0.0003, 0.0017])
def test_at_the_edge_of_a_box_the_exact_place_decides(many: Clone, west: float, width: float):
    """Boxes are compared in single precision, which is coarser than what a row holds."""
    south = 39.9081234
    area = shapely.box(west, south, west + width, south + width)
    steps = sorted(sign * 10.0**-power for sign in (-1, 1) for power in (4, 4.7, 4.8, 5, 6, 7, 9))
    near = [edge + step for edge in (0.0, width) for step in (*steps, 0.0)]
    points = [shapely.Point(west + dx, south + dy) for dx in near for dy in near]
    expected = {i for i, each in enumerate(points) if shapely.intersects(area, each)}
    assert expected
    assert len(expected) < len(points)
    listed = (
        func.unnest([shapely.to_wkb(each) for each in points])
        .table_valued("wkb", with_ordinality="place", name="listed")
        .render_derived()
    )
    geom = func.ST_GeomFromWKB(listed.c.wkb, 4326).label("geom")
    source = select(listed.c.place, geom).subquery()
    wanted = Filter(area=area).condition(layer("buildings"), source)
    with many.engine.connect() as link:
        found = link.execute(select(source.c.place).where(wanted)).scalars()
        assert {place - 1 for place in found} == expected


@pytest.mark.parametrize(
    "asked",
    [
        {"bbox": "116.2,39.7,116.21,39.71"},
        {"filter": "S_INTERSECTS(geom, BBOX(116.2,39.7,116.21,39.71))"},
        {"filter": "S_WITHIN(geom, POLYGON((116.2 39.7,116.22 39.7,116.2 39.72,116.2 39.7)))"},
        {"filter": "height_m > 20 AND S_INTERSECTS(geom, POINT(116.2 39.7)) AND name LIKE '楼%'"},
    ],
)
@pytest.mark.parametrize("actor", [ESTATE, EVERYONE])
def test_the_spatial_index_answers_every_spatial_filter(many: Clone, asked, actor):
    buildings = layer("buildings")
    source = rows(buildings, actor)
    wanted = Filter.parse(**asked)
    query = (
        select(source.c.id).where(wanted.condition(buildings, source)).order_by(source.c.id)
    ).limit(1000)
    plan = plan_of(many, query)
    assert "ix_building_geom" in plan, plan
    assert "Seq Scan on building " not in plan, plan
    # As the service runs it: the area is a value of a compiled statement.
    ready = prepare(query)
    assert "geom_3857" not in ready.sql.split("WHERE")[-1]


def test_a_box_whose_west_lies_east_of_its_east_crosses_longitude_180(many: Clone):
    buildings = layer("buildings")
    source = rows(buildings, ESTATE)
    for box, expected in (
        ("179,-1,-179,1", {"e", "w"}),
        ("-180,-1,180,1", {"e", "w", "far", "west"}),
        ("169,-1,-179,1", {"e", "w", "far"}),
        ("179,-1,180,1", {"e"}),
    ):
        for wanted in (
            Filter.parse(bbox=box),
            Filter.parse(filter=f"S_INTERSECTS(geom,BBOX({box}))"),
        ):
            query = select(source.c.source_key).where(wanted.condition(buildings, source))
            with many.engine.connect() as link:
                assert set(link.execute(query).scalars()) == expected, box


def test_a_number_column_is_never_cast_so_that_its_index_serves():
    rooms = layer("rooms")
    source = rows(rooms, ESTATE)
    for words in ("capacity > 3", "capacity IN (1, 2)", "id = 12", "number = 'B01'"):
        sql = prepare(
            select(source.c.id).where(Filter.parse(filter=words).condition(rooms, source))
        )
        assert "CAST(room_rows" not in sql.sql


def test_every_layer_takes_a_box_and_a_time(many: Clone):
    wanted = Filter.parse(bbox="116,39,117,40", datetime="2026-10-01/..", zone=SHANGHAI)
    with many.engine.connect() as link:
        for each in LAYERS:
            source = rows(each, ESTATE)
            query = select(func.count()).select_from(source)
            found = link.execute(query.where(wanted.condition(each, source))).scalar_one()
            assert found == (MANY if each.name == "buildings" else 0)
    assert time_column(layer("trips")) == "started_at"
    assert time_column(layer("readings")) == "time"
    assert time_column(layer("rooms")) is None


def test_equal_questions_share_one_statement_whatever_their_values():
    one, other = Filter.parse(bbox="1,2,3,4"), Filter.parse(bbox="5,6,7,8")
    assert one.shape == other.shape
    assert one.values != other.values
    assert Filter.parse(filter="id=1").shape != Filter.parse(filter="id=2").shape


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90))
def test_a_box_is_read_as_it_is_written(west: float, south: float, east: float, north: float):
    written = ",".join(map(repr, (west, south, east, north)))
    if south > north:
        with pytest.raises(BadRequest):
            parse_bbox(written)
        return
    area = parse_bbox(written)
    if west <= east:
        assert area.bounds == (west, south, east, north)
    else:
        assert area.bounds == (-180, south, 180, north)
    axes_swapped = ",".join(map(repr, (south, west, north, east)))
    assert shapely.to_wkb(parse_bbox(axes_swapped, "EPSG:4326")) == shapely.to_wkb(area)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader_of_filters(words: str):
    for lang in ("cql2-text", "cql2-json"):
        # Anything but a refusal would be an error of ours.
        with contextlib.suppress(BadRequest):
            wanted = Filter.parse(filter=words, filter_lang=lang)
            rooms = layer("rooms")
            wanted.condition(rooms, rows(rooms, ESTATE))


def test_a_day_is_the_day_of_the_services_zone():
    day = parse_datetime("2026-10-01", SHANGHAI)
    assert day[0] == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert day[1] == datetime(2026, 10, 1, 15, 59, 59, 999999, tzinfo=UTC)
    assert parse_datetime("../2026-10-01T00:00:00Z", SHANGHAI) == (
        None,
        datetime(2026, 10, 1, tzinfo=UTC),
    )
    assert parse_datetime("2026-10-01T08:00:00 08:00/..", SHANGHAI) == (
        datetime(2026, 10, 1, tzinfo=UTC),
        None,
    )

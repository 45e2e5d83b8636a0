"""Filters over HTTP select what shapely and pandas select from the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from tests.api.conftest import Serve
from tests.support import planted
from tests.support.databases import Clone

SHANGHAI = ZoneInfo("Asia/Shanghai")
Frame = gpd.GeoDataFrame
Mask = Callable[[Frame], "pd.Series[bool]"]
BOX = shapely.box(116.3025, 39.9015, 116.3081, 39.9052)
POLYGON = shapely.Polygon(
    [(116.3011, 39.9007), (116.3104, 39.9023), (116.3072, 39.9091), (116.3011, 39.9007)]
)
LINE = shapely.LineString([(116.2995, 39.9033), (116.3204, 39.9061)])
CELL_25 = planted.rooms().geometry.iloc[25]
HOLED = shapely.box(116.301, 39.901, 116.312, 39.909).difference(
    shapely.box(116.304, 39.903, 116.308, 39.906)
)


def met(shape: shapely.Geometry, relation: str = "intersects") -> Mask:
    def test(f: Frame) -> pd.Series:
        # NULL geometries meet nothing, and their negation nothing either, as in SQL.
        found = getattr(f.geometry, relation)(shape)
        return found & f.geometry.notna()

    return test


def stamp(text: str) -> pd.Timestamp:
    return pd.Timestamp(text)


def folded(names: pd.Series) -> pd.Series:
    return names.str.normalize("NFD").str.replace("[\u0300-\u036f]", "", regex=True)


def wkt(shape: shapely.Geometry) -> str:
    return shapely.to_wkt(shape, rounding_precision=9)


ROOMS: list[tuple[dict[str, str], Mask]] = [
    ({"bbox": "116.3025,39.9015,116.3081,39.9052"}, met(BOX)),
    ({"bbox": "116.3025,39.9015,-50,116.3081,39.9052,900"}, met(BOX)),
    ({"bbox": "0,0,1,1"}, met(shapely.box(0, 0, 1, 1))),
    ({"bbox": "116.31,-90,-179,90"}, met(shapely.box(116.31, -90, 180, 90))),
    (
        {
            "bbox": "39.9015,116.3025,39.9052,116.3081",
            "bbox-crs": "http://www.opengis.net/def/crs/EPSG/0/4326",
        },
        met(BOX),
    ),
    ({"filter": "capacity > 5"}, lambda f: f.capacity > 5),
    ({"filter": "capacity >= 5.5"}, lambda f: f.capacity >= 5.5),
    ({"filter": "capacity <> 3"}, lambda f: f.capacity != 3),
    ({"filter": "NOT (capacity = 3)"}, lambda f: f.capacity != 3),
    ({"filter": "capacity BETWEEN 2 AND 4"}, lambda f: f.capacity.between(2, 4)),
    (
        {"filter": "capacity NOT IN (1, 2, 3)"},
        lambda f: ~f.capacity.isin([1, 2, 3]) & f.capacity.notna(),
    ),
    ({"filter": "capacity IS NULL"}, lambda f: f.capacity.isna()),
    ({"filter": "geom IS NULL"}, lambda f: f.geometry.isna()),
    ({"filter": "built_area_m2 < 30.61"}, lambda f: f.built_area_m2 < 30.61),
    (
        {"filter": "built_area_m2 / capacity > 9 AND capacity <> 0"},
        lambda f: (f.built_area_m2 / f.capacity.astype(float).replace(0, np.nan)) > 9,
    ),
    ({"filter": "capacity * 2 + 1 = 9"}, lambda f: f.capacity * 2 + 1 == 9),
    ({"filter": "capacity % 3 = 1"}, lambda f: f.capacity % 3 == 1),
    ({"filter": "capacity div 4 = 2"}, lambda f: f.capacity // 4 == 2),
    ({"filter": "name = '会议室'"}, lambda f: f.name_ == "会议室"),
    ({"filter": "name LIKE '会议%'"}, lambda f: f.name_.str.startswith("会议")),
    ({"filter": "name LIKE '__室'"}, lambda f: f.name_.str.fullmatch("..室")),
    ({"filter": "name NOT LIKE '%室'"}, lambda f: ~f.name_.str.endswith("室", na=True)),
    ({"filter": r"name LIKE '100\%'"}, lambda f: f.name_ == "100%"),
    ({"filter": "name = 'O''Hara'"}, lambda f: f.name_ == "O'Hara"),
    ({"filter": "CASEI(name) = CASEI('CAFÉ')"}, lambda f: f.name_.str.lower() == "café"),
    ({"filter": "ACCENTI(name) = ACCENTI('Café')"}, lambda f: folded(f.name_) == "Cafe"),
    ({"filter": "CASEI(ACCENTI(name)) LIKE 'CAF_'"}, lambda f: f.name_.isna() & False),
    (
        {"filter": "CASEI(ACCENTI(name)) LIKE CASEI('CAF_')"},
        lambda f: folded(f.name_).str.lower().str.fullmatch("caf."),
    ),
    ({"filter": "use IN ('office', 'meeting')"}, lambda f: f.use.isin(["office", "meeting"])),
    (
        {"filter": "use = 'office' OR use IS NULL AND capacity > 6"},
        lambda f: (f.use == "office") | (f.use.isna() & (f.capacity > 6)),
    ),
    (
        {"filter": "number > 'B03' AND number < 'B05'"},
        lambda f: (f.number > "B03") & (f.number < "B05"),
    ),
    ({"filter": "vacant_since > DATE('2026-03-01')"}, lambda f: after(f, date(2026, 3, 1))),
    (
        {"filter": "T_DURING(vacant_since, INTERVAL('2026-03-01', '2026-05-01'))"},
        lambda f: after(f, date(2026, 3, 1)) & ~after(f, date(2026, 4, 30)),
    ),
    ({"filter": f"S_INTERSECTS(geom, {wkt(POLYGON)})"}, met(POLYGON)),
    ({"filter": f"S_WITHIN(geom, {wkt(POLYGON)})"}, met(POLYGON, "within")),
    ({"filter": f"S_DISJOINT(geom, {wkt(POLYGON)})"}, met(POLYGON, "disjoint")),
    (
        {"filter": "S_CONTAINS(geom, POINT(116.3052 39.9052))"},
        met(shapely.Point(116.3052, 39.9052), "contains"),
    ),
    ({"filter": f"S_EQUALS(geom, {wkt(CELL_25)})"}, met(CELL_25, "geom_equals")),
    ({"filter": f"S_TOUCHES(geom, {wkt(CELL_25)})"}, met(CELL_25, "touches")),
    ({"filter": f"S_OVERLAPS(geom, {wkt(POLYGON)})"}, met(POLYGON, "overlaps")),
    ({"filter": f"S_CROSSES(geom, {wkt(LINE)})"}, met(LINE, "crosses")),
    (
        {"filter": f"S_INTERSECTS(geom, {wkt(HOLED)}) AND NOT S_WITHIN(geom, {wkt(HOLED)})"},
        lambda f: met(HOLED)(f) & ~met(HOLED, "within")(f),
    ),
    ({"filter": "S_INTERSECTS(geom, BBOX(116.3025, 39.9015, 116.3081, 39.9052))"}, met(BOX)),
    (
        {
            "filter": f"S_INTERSECTS(geom, {wkt(POLYGON)}) AND use = 'meeting'",
            "bbox": "116.3025,39.9015,116.3081,39.9052",
        },
        lambda f: met(POLYGON)(f) & met(BOX)(f) & (f.use == "meeting"),
    ),
    (
        {"use": "meeting", "filter": "capacity > 6"},
        lambda f: (f.use == "meeting") & (f.capacity > 6),
    ),
    ({"name": "Büro", "capacity": "4"}, lambda f: (f.name_ == "Büro") & (f.capacity == 4)),
    ({"datetime": "2026-10-01/.."}, lambda f: f.source_key.notna()),
]
TRIPS: list[tuple[dict[str, str], Mask]] = [
    ({"datetime": "2026-10-01T00:00:00Z/.."}, lambda f: f.started_at >= stamp("2026-10-01T00:00Z")),
    (
        {"datetime": "../2026-10-01T00:00:00+08:00"},
        lambda f: f.started_at <= stamp("2026-10-01T00:00+08:00"),
    ),
    ({"datetime": "2026-10-02"}, lambda f: local(f) == date(2026, 10, 2)),
    (
        {"datetime": "2026-10-01/2026-10-03"},
        lambda f: local(f).between(date(2026, 10, 1), date(2026, 10, 3)),
    ),
    (
        {"filter": "started_at > TIMESTAMP('2026-10-03T11:00:00Z')"},
        lambda f: f.started_at > stamp("2026-10-03T11:00Z"),
    ),
    ({"filter": "started_at = DATE('2026-10-02')"}, lambda f: local(f) == date(2026, 10, 2)),
    (
        {"filter": "T_BEFORE(started_at, DATE('2026-10-02'))"},
        lambda f: local(f) < date(2026, 10, 2),
    ),
    ({"filter": "T_AFTER(started_at, DATE('2026-10-02'))"}, lambda f: local(f) > date(2026, 10, 2)),
    (
        {
            "filter": "T_INTERSECTS(INTERVAL(started_at, ended_at),"
            " INTERVAL('2026-10-01T00:00:00Z', '2026-10-02T00:00:00Z'))"
        },
        lambda f: (
            (f.started_at <= stamp("2026-10-02T00:00Z"))
            & (f.ended_at >= stamp("2026-10-01T00:00Z"))
        ),
    ),
    (
        {
            "filter": "T_DURING(INTERVAL(started_at, ended_at),"
            " INTERVAL('2026-10-01T00:00:00Z', '..'))"
        },
        lambda f: f.started_at > stamp("2026-10-01T00:00Z"),
    ),
    (
        {"filter": "T_CONTAINS(INTERVAL(started_at, ended_at), TIMESTAMP('2026-09-29T01:30:00Z'))"},
        lambda f: (
            (f.started_at < stamp("2026-09-29T01:30Z")) & (f.ended_at > stamp("2026-09-29T01:30Z"))
        ),
    ),
    (
        {
            "filter": "T_MEETS(INTERVAL(started_at, ended_at),"
            " INTERVAL('2026-09-29T03:00:00Z', '2026-10-02T00:00:00Z'))"
        },
        lambda f: f.ended_at == stamp("2026-09-29T03:00Z"),
    ),
    (
        {
            "filter": "T_OVERLAPS(INTERVAL(started_at, ended_at),"
            " INTERVAL('2026-09-29T02:00:00Z', '2026-09-29T09:00:00Z'))"
        },
        lambda f: (
            (f.started_at < stamp("2026-09-29T02:00Z"))
            & (f.ended_at > stamp("2026-09-29T02:00Z"))
            & (f.ended_at < stamp("2026-09-29T09:00Z"))
        ),
    ),
    (
        {"filter": "T_EQUALS(started_at, TIMESTAMP('2026-09-29T01:00:00Z'))"},
        lambda f: f.started_at == stamp("2026-09-29T01:00Z"),
    ),
    (
        {
            "filter": "T_STARTS(INTERVAL(started_at, ended_at),"
            " INTERVAL('2026-09-29T01:00:00Z', '..'))"
        },
        lambda f: f.started_at == stamp("2026-09-29T01:00Z"),
    ),
    (
        {
            "filter": "T_DISJOINT(INTERVAL(started_at, ended_at),"
            " INTERVAL('2026-09-29', '2026-10-09'))"
        },
        lambda f: (
            (f.ended_at < pd.Timestamp("2026-09-29", tz=SHANGHAI))
            | (f.started_at >= pd.Timestamp("2026-10-10", tz=SHANGHAI))
        ),
    ),
    (
        {"filter": "ended_at > started_at AND length_km BETWEEN 10 AND 20"},
        lambda f: f.length_km.between(10, 20),
    ),
    (
        {"bbox": "116.3301,39.9000,116.3399,39.9003"},
        met(shapely.box(116.3301, 39.9, 116.3399, 39.9003)),
    ),
]


def local(f: Frame) -> pd.Series:
    return f.started_at.dt.tz_convert(SHANGHAI).dt.date


def after(f: Frame, day: date) -> pd.Series:
    return pd.Series([d is not None and d > day for d in f.vacant_since], index=f.index)


@pytest.fixture(scope="module")
def estate(module_database: Clone) -> Clone:
    planted.plant(module_database.engine)
    return module_database


def frame_of(layer: str) -> Frame:
    made = planted.rooms() if layer == "rooms" else planted.trips()
    # `name` and `use` as attributes: pandas keeps `.name` for itself.
    return made.rename(columns={"name": "name_"})


async def keys(serve: Serve, database: Clone, layer: str, params: dict[str, str]) -> set[str]:
    async with serve(database) as client:
        answer = await client.get(
            f"/ogc/collections/{layer}/items", params={"limit": "5000", **params}
        )
        assert answer.status_code == 200, answer.text
        body = answer.json()
    found = [each["properties"]["source_key"] for each in body["features"]]
    assert body["numberMatched"] == body["numberReturned"] == len(found) == len(set(found))
    return set(found)


CASES = [("rooms", *case) for case in ROOMS] + [("trips", *case) for case in TRIPS]


@pytest.mark.parametrize(
    ("layer", "params", "mask"),
    CASES,
    ids=[f"{i}-{next(iter(c[1].values()))[:40]}" for i, c in enumerate(CASES)],
)
async def test_a_filter_selects_what_pandas_and_shapely_select(
    layer: str, params: dict[str, str], mask: Mask, estate: Clone, serve: Serve
):
    frame = frame_of(layer)
    chosen = mask(frame).fillna(False).astype(bool)
    expected = set(frame.source_key[chosen])
    assert await keys(serve, estate, layer, params) == expected


def test_the_planted_filters_are_not_all_or_nothing():
    """A filter that selects everything or nothing would prove little; most must not."""
    partial = 0
    for layer, _, mask in CASES:
        frame = frame_of(layer)
        partial += 0 < int(mask(frame).fillna(False).sum()) < len(frame)
    assert len(CASES) >= 60
    assert partial >= 55


async def test_text_and_json_say_the_same(estate: Clone, serve: Serve):
    tree = {
        "op": "and",
        "args": [
            {
                "op": "s_intersects",
                "args": [{"property": "geom"}, json.loads(shapely.to_geojson(POLYGON))],
            },
            {
                "op": "or",
                "args": [
                    {"op": "like", "args": [{"property": "name"}, "会议%"]},
                    {"op": "in", "args": [{"property": "capacity"}, [1, 2, 3]]},
                    {"op": "isNull", "args": [{"property": "use"}]},
                ],
            },
            {
                "op": "not",
                "args": [{"op": "between", "args": [{"property": "built_area_m2"}, 20, 30]}],
            },
            {"op": "t_after", "args": [{"date": "2026-06-01"}, {"date": "2026-05-01"}]},
        ],
    }
    words = (
        f"S_INTERSECTS(geom, {wkt(POLYGON)}) AND (name LIKE '会议%' OR capacity IN (1,2,3)"
        " OR use IS NULL) AND built_area_m2 NOT BETWEEN 20 AND 30"
    )
    by_json = await keys(
        serve, estate, "rooms", {"filter": json.dumps(tree), "filter-lang": "cql2-json"}
    )
    assert by_json == await keys(serve, estate, "rooms", {"filter": words})
    assert by_json


@pytest.mark.parametrize("code", [3857, 4490, 4527, 4548])
async def test_a_box_and_a_shape_may_come_in_another_coordinate_system(
    code: int, estate: Clone, serve: Serve
):
    # The zones of CGCS2000 with central meridian 117 are 4527 (zone 39, false easting 39500 km)
    # and 4548 (no zone number); pyproj is the independent source of both.
    moved = Transformer.from_crs(4490 if code != 3857 else 4326, code, always_xy=True)
    west, south, east, north = BOX.bounds
    corners = moved.transform_bounds(west, south, east, north, densify_pts=21)
    edges = shapely.segmentize(shapely.box(*corners), (corners[2] - corners[0]) / 64)
    back = shapely.transform(
        edges, lambda xy: np.column_stack(moved.transform(*xy.T, direction="INVERSE"))
    )
    uri = f"http://www.opengis.net/def/crs/EPSG/0/{code}"
    northing_first = code != 3857
    box = [corners[i] for i in ((1, 0, 3, 2) if northing_first else (0, 1, 2, 3))]
    frame = frame_of("rooms")
    expected = set(frame.source_key[met(back)(frame)])
    params = {"bbox": ",".join(map(repr, box)), "bbox-crs": uri}
    assert await keys(serve, estate, "rooms", params) == expected
    ring = [(y, x) if northing_first else (x, y) for x, y in edges.exterior.coords]
    words = f"S_INTERSECTS(geom, {shapely.Polygon(ring).wkt})"
    assert await keys(serve, estate, "rooms", {"filter": words, "filter-crs": uri}) == expected


async def test_the_sent_features_are_the_planted_rows(estate: Clone, serve: Serve):
    frame = planted.rooms().set_index("source_key")
    async with serve(estate) as client:
        body = (await client.get("/ogc/collections/rooms/items?limit=1000")).json()
    assert len(body["features"]) == len(frame)
    for each in body["features"]:
        known = frame.loc[each["properties"]["source_key"]]
        if known.geometry is None:
            assert each["geometry"] is None
        else:
            sent = shapely.from_geojson(json.dumps(each["geometry"]))
            assert sent.equals(known.geometry)
        for name in ("name", "number", "use", "capacity", "built_area_m2"):
            value = None if pd.isna(known[name]) else known[name]
            assert each["properties"][name] == value

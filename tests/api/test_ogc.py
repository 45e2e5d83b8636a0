"""The OGC addresses: documents, pages, single features, errors, and who sees what."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jsonschema
import morecantile
import pytest
import shapely
from sqlalchemy import text

from layers.accounts import new_token
from layers.registry import LAYERS
from tests.api.conftest import Serve
from tests.support import accounts, planted
from tests.support.databases import Clone

ITEMS = "/ogc/collections/rooms/items"


@pytest.fixture(scope="module")
def estate(module_database: Clone) -> Clone:
    planted.plant(module_database.engine)
    return module_database


async def get(serve: Serve, database: Clone, path: str, **params: str) -> httpx.Response:
    async with serve(database) as client:
        return await client.get(path, params={"lang": "en", **params})


async def walk(client: httpx.AsyncClient, url: str, **params: str) -> list[dict[str, Any]]:
    """Follow the next links to the end and return every feature."""
    found, address = [], str(httpx.URL(url, params=params))
    while address:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += body["features"]
        address = next((link["href"] for link in body["links"] if link["rel"] == "next"), "")
    return found


async def test_every_layer_is_a_collection_with_items_and_queryables(estate: Clone, serve: Serve):
    async with serve(estate) as client:
        listed = (await client.get("/ogc/collections?lang=en")).json()
        assert [each["id"] for each in listed["collections"]] == [each.name for each in LAYERS]
        for layer in LAYERS:
            base = f"/ogc/collections/{layer.name}"
            described = (await client.get(base)).json()
            assert described["title"] == layer.title.zh
            page = (await client.get(f"{base}/items?limit=1")).json()
            assert page["type"] == "FeatureCollection"
            queryables = (await client.get(f"{base}/queryables")).json()
            jsonschema.Draft202012Validator.check_schema(queryables)
            assert queryables["properties"]


async def test_queryables_tell_titles_units_and_choices(estate: Clone, serve: Serve):
    answer = await get(serve, estate, "/ogc/collections/rooms/queryables")
    assert answer.headers["content-type"] == "application/schema+json"
    known = answer.json()["properties"]
    assert known["usable_area_m2"]["title"] == "Declared usable area"
    assert known["usable_area_m2"]["x-ogc-unit"] == "m²"
    assert "meeting" in known["use"]["enum"]
    assert known["use"]["x-onemap-labels"]["office"] == "office"
    assert known["vacant_since"]["format"] == "date"
    assert known["geom"] == {
        "title": "Geometry",
        "format": "geometry-multipolygon",
        "x-ogc-role": "primary-geometry",
    }


async def test_features_keep_to_the_schema_of_their_layer(estate: Clone, serve: Serve):
    schema = (await get(serve, estate, "/ogc/collections/rooms/schema")).json()["properties"]
    for each in (await get(serve, estate, ITEMS, limit="50")).json()["features"]:
        assert set(each["properties"]) == set(schema) - {"geom"}


async def test_pages_join_to_the_whole_without_loss_or_double(estate: Clone, serve: Serve):
    async with serve(estate) as client:
        for order in ("", "name", "-capacity,name", "+use,-vacant_since", "-built_area_m2", "-id"):
            params = {"limit": "37", **({"sortby": order} if order else {})}
            found = await walk(client, ITEMS, **params)
            assert len(found) == 260, order
            assert len({each["id"] for each in found}) == 260, order


async def test_an_order_puts_empty_values_last_in_both_directions(estate: Clone, serve: Serve):
    async with serve(estate) as client:
        for order, sign in (("capacity", 1), ("-capacity", -1)):
            found = await walk(client, ITEMS, sortby=order, limit="50")
            values = [each["properties"]["capacity"] for each in found]
            known = [value for value in values if value is not None]
            assert known == sorted(known, key=lambda value, by=sign: by * value)
            assert values == known + [None] * (len(values) - len(known))


async def test_rows_that_come_and_go_shift_no_page(database: Clone, serve: Serve):
    planted.plant(database.engine)
    before = {f"r{i:04d}" for i in range(260)}
    removed = text("DELETE FROM room WHERE source_key = :key")
    added = text("INSERT INTO room (source, source_key, name) VALUES ('later', :key, 'AAA')")
    async with serve(database) as client:
        found, address, step = [], f"{ITEMS}?limit=20&sortby=name", 0
        while address:
            body = (await client.get(address)).json()
            found += [each["properties"]["source_key"] for each in body["features"]]
            address = next((e["href"] for e in body["links"] if e["rel"] == "next"), "")
            with database.engine.begin() as link:
                link.execute(added, {"key": f"new{step}"})
                link.execute(removed, {"key": found[step]})
            step += 1
    assert len(found) == len(set(found))
    assert before <= set(found)


async def test_the_most_is_served_when_more_is_asked(estate: Clone, serve: Serve):
    body = (await get(serve, estate, ITEMS, limit="99999999999")).json()
    assert body["numberReturned"] == body["numberMatched"] == 260
    assert [link for link in body["links"] if link["rel"] == "next"] == []


async def test_chosen_properties_are_sent_alone(estate: Clone, serve: Serve):
    body = (await get(serve, estate, ITEMS, properties="capacity,name", sortby="number")).json()
    assert all(set(each["properties"]) == {"name", "capacity"} for each in body["features"])
    bare = (await get(serve, estate, ITEMS, skipGeometry="true")).json()
    assert all(each["geometry"] is None for each in bare["features"])


async def test_coordinates_come_in_the_asked_system_and_the_order_of_its_axes(
    estate: Clone, serve: Serve
):
    base = "http://www.opengis.net/def/crs/EPSG/0/"
    first = {}
    for code in (4326, 3857, 4490, 4527, 4548):
        answer = await get(serve, estate, ITEMS, limit="1", crs=f"{base}{code}")
        assert answer.headers["content-crs"] == f"<{base}{code}>"
        geometry = answer.json()["features"][0]["geometry"]
        first[code] = geometry["coordinates"][0][0][0]
    plain = await get(serve, estate, ITEMS, limit="1")
    assert plain.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    lon, lat = plain.json()["features"][0]["geometry"]["coordinates"][0][0][0]
    assert (lon, lat) == pytest.approx((116.301, 39.9), abs=2e-3)
    assert first[4326] == first[4490] == [lat, lon]
    # x of EPSG:3857 is a·λ with a = 6378137 m.
    assert first[3857][0] == pytest.approx(6378137 * lon * 3.141592653589793 / 180, abs=0.01)
    # Northing first; both zones have the central meridian 117°, one adds the zone's number 39.
    assert first[4527][0] == first[4548][0] == pytest.approx(4_418_000, abs=3000)
    assert first[4527][1] - first[4548][1] == pytest.approx(39_000_000, abs=0.01)


async def test_one_feature_has_an_etag_that_follows_its_content(database: Clone, serve: Serve):
    planted.plant(database.engine)
    async with serve(database) as client:
        some = (await client.get(f"{ITEMS}?limit=1")).json()["features"][0]
        url = f"{ITEMS}/{some['id']}"
        answer = await client.get(url)
        one = answer.json()
        assert {k: one[k] for k in ("id", "geometry", "properties")} == {
            k: some[k] for k in ("id", "geometry", "properties")
        }
        tag = answer.headers["etag"]
        assert (await client.get(url, headers={"If-None-Match": tag})).status_code == 304
        with database.engine.begin() as link:
            link.execute(text("UPDATE room SET name = '新' WHERE id = :id"), {"id": some["id"]})
        changed = await client.get(url, headers={"If-None-Match": tag})
        assert changed.status_code == 200
        assert changed.headers["etag"] != tag


async def test_a_reading_is_named_by_its_thing_and_time(database: Clone, serve: Serve):
    with database.engine.begin() as link:
        meter = link.execute(
            text("INSERT INTO meter (source, source_key) VALUES ('x', 'm') RETURNING id")
        ).scalar_one()
        link.execute(text("SELECT onemap_partition('reading', '2026-09-01', '2026-11-01')"))
        for day in range(1, 8):
            link.execute(
                text("INSERT INTO reading (meter_id, time, value) VALUES (:m, :t, :v)"),
                {"m": meter, "t": f"2026-10-0{day}T00:00:00+08:00", "v": 100 + day},
            )
    async with serve(database) as client:
        base = "/ogc/collections/readings/items"
        found = await walk(client, base, limit="2", sortby="-time")
        assert [each["properties"]["value"] for each in found] == [107 - i for i in range(7)]
        assert found[0]["id"] == f"{meter}~2026-10-06T16:00:00Z"
        one = (await client.get(f"{base}/{found[0]['id']}")).json()
        assert one["properties"]["value"] == 107
        some = (await client.get(base, params={"datetime": "2026-10-03/2026-10-04"})).json()
        assert sorted(each["properties"]["value"] for each in some["features"]) == [103, 104]


WRONG = [
    ({"bbox": "116,39"}, "bbox"),
    ({"bbox": "116,40,117,39"}, "bbox"),
    ({"bbox": "39,116,40,117"}, "bbox"),
    ({"bbox": "nan,1,2,3"}, "bbox"),
    ({"bbox": ""}, "bbox"),
    ({"bbox": "1,2,3,4", "bbox-crs": "EPSG:2000"}, "bbox-crs"),
    ({"crs": "nonsense"}, "crs"),
    ({"datetime": "yesterday"}, "datetime"),
    ({"datetime": "2026-10-02/2026-10-01"}, "datetime"),
    ({"datetime": "a/b/c"}, "datetime"),
    ({"limit": "0"}, "limit"),
    ({"limit": "-1"}, "limit"),
    ({"limit": "ten"}, "limit"),
    ({"sortby": "geom"}, "sortby"),
    ({"sortby": "nothing"}, "sortby"),
    ({"properties": "nothing"}, "properties"),
    ({"token": "rubbish"}, "token"),
    ({"token": "W1siaWQiLGZhbHNlLDEwXV0", "sortby": "name"}, "token"),
    ({"f": "xml"}, "f"),
    ({"filer": "capacity > 3"}, "filer"),
    ({"capacity": "many"}, "capacity"),
    ({"filter": "nothing = 1"}, "nothing"),
    ({"filter": "capacity = 'two'"}, "capacity"),
    ({"filter": "use = 'ofice'"}, "use"),
    ({"filter": "capacity >"}, "filter"),
    ({"filter": ""}, "filter"),
    ({"filter": "f(name) = 1"}, "filter"),
    ({"filter": "S_INTERSECTS(name, POINT(1 1))"}, "name"),
    ({"filter": "S_INTERSECTS(geom, POLYGON((0 0,1 1,0 1,1 0,0 0)))"}, "filter"),
    ({"filter": "(" * 90 + "capacity=1" + ")" * 90}, "filter"),
    ({"filter": "not " * 90 + "capacity=1"}, "filter"),
    ({"filter": "{", "filter-lang": "cql2-json"}, "filter"),
    ({"filter": "[" * 9_000, "filter-lang": "cql2-json"}, "filter"),
    ({"filter": '{"op":"and"}', "filter-lang": "cql2-json"}, "filter"),
    ({"filter": '{"op":"and","args":[]}', "filter-lang": "cql2-json"}, "filter"),
    ({"filter": "null", "filter-lang": "cql2-json"}, "filter"),
    ({"filter": "capacity=1", "filter-lang": "sql"}, "filter-lang"),
    ({"filter": "capacity=1", "filter-crs": "EPSG:1"}, "filter-crs"),
    ({"filter": "vacant_since > DATE('2026-02-30')"}, "filter"),
]


@pytest.mark.parametrize(("params", "field"), WRONG, ids=[str(p)[:50] for p, _ in WRONG])
async def test_what_cannot_be_understood_is_refused_in_both_languages(
    params: dict[str, str], field: str, estate: Clone, serve: Serve
):
    said = {}
    async with serve(estate) as client:
        for language in ("zh", "en"):
            answer = await client.get(ITEMS, params={**params, "lang": language})
            assert answer.status_code == 400, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            body = answer.json()
            assert body["field"] == field
            said[language] = body["detail"]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said["zh"])
    assert said["zh"] != said["en"]


async def test_a_refused_filter_tells_the_place_and_the_queryables(estate: Clone, serve: Serve):
    body = (await get(serve, estate, ITEMS, filter="capacity > 1 AND floor = 2")).json()
    assert body["position"] == 18
    assert body["value"] == "floor"
    assert "built_area_m2" in body["detail"]
    tree = json.dumps({"op": "not", "args": [{"op": "=", "args": [{"property": "floor"}, 1]}]})
    body = (await get(serve, estate, ITEMS, filter=tree, **{"filter-lang": "cql2-json"})).json()
    assert body["position"] == "/args/0/args/0"


async def test_hostile_values_stay_values(estate: Clone, serve: Serve):
    words = "x'; DROP TABLE room; --"
    body = await get(serve, estate, ITEMS, filter=f"name = '{words.replace(chr(39), chr(39) * 2)}'")
    assert body.json()["numberMatched"] == 0
    assert (await get(serve, estate, ITEMS, name=words)).json()["numberMatched"] == 0
    assert (await get(serve, estate, ITEMS, name="a\x00b")).status_code == 400
    assert (await get(serve, estate, ITEMS)).json()["numberMatched"] == 260


@pytest.mark.parametrize("item", ["999999", "abc", "-1", "1~2", "9" * 30])
async def test_an_item_that_is_not_there_is_not_found(item: str, estate: Clone, serve: Serve):
    answer = await get(serve, estate, f"{ITEMS}/{item}")
    assert answer.status_code == 404
    assert item in answer.json()["detail"]


async def test_an_unknown_collection_names_those_there_are(estate: Clone, serve: Serve):
    for path in ("", "/items", "/queryables", "/schema", "/tiles", "/items/1"):
        answer = await get(serve, estate, f"/ogc/collections/chambers{path}")
        assert answer.status_code == 404
        assert "rooms" in answer.json()["detail"]


async def test_an_actor_sees_its_own_rows_and_counts_no_others(database: Clone, serve: Serve):
    planted.plant(database.engine)
    tokens = {name: new_token() for name in ("north", "south")}
    with database.engine.begin() as link:
        for i, (name, token) in enumerate(tokens.items(), 1):
            link.execute(
                text(
                    "INSERT INTO body (id, source, source_key, name, path, tier) OVERRIDING SYSTEM"
                    " VALUE VALUES (:id, 'x', :name, :name, CAST(:path AS ltree), 'county')"
                ),
                {"id": i, "name": name, "path": f"b{i}"},
            )
            accounts.with_token(link, name, token, body_id=i)
        link.execute(text("UPDATE room SET body_id = 1 WHERE source_key < 'r0100'"))
        link.execute(text("UPDATE room SET body_id = 2 WHERE source_key >= 'r0250'"))
    owned = {"north": range(250), "south": range(100, 260), None: range(100, 250)}
    async with serve(database, anonymous="public") as client:
        for name, expected in owned.items():
            headers = {"Authorization": f"Bearer {tokens[name]}"} if name else {}
            for params in ({}, {"sortby": "-number"}, {"filter": "capacity >= 0 OR id > 0"}):
                body = (
                    await client.get(ITEMS, params={"limit": 1000, **params}, headers=headers)
                ).json()
                keys = {each["properties"]["source_key"] for each in body["features"]}
                assert keys == {f"r{i:04d}" for i in expected}
                assert body["numberMatched"] == len(expected)
            hidden = 259 if name == "north" else 0
            if name is None or name == "south":
                with database.engine.begin() as link:
                    row = link.execute(
                        text("SELECT id FROM room WHERE source_key = :k"), {"k": f"r{hidden:04d}"}
                    ).scalar_one()
                assert (await client.get(f"{ITEMS}/{row}", headers=headers)).status_code == 404


async def test_tile_sets_lead_to_tiles_row_before_column(estate: Clone, serve: Serve):
    async with serve(estate) as client:
        base = "/ogc/collections/rooms/tiles/WebMercatorQuad"
        body = (await client.get(base)).json()
        template = next(link["href"] for link in body["links"] if link["rel"] == "item")
        known = morecantile.tms.get("WebMercatorQuad").tile(116.3105, 39.905, 16)
        address = template.format(tileMatrix=16, tileRow=known.y, tileCol=known.x)
        tile = await client.get(address)
        assert tile.status_code == 200
        assert tile.headers["content-type"] == "application/vnd.mapbox-vector-tile"
        assert tile.content == (await client.get(f"/tiles/rooms/16/{known.x}/{known.y}")).content
        matrix = (await client.get("/ogc/tileMatrixSets/WebMercatorQuad")).json()["tileMatrices"]
        # OGC 17-083r4, table D.1
        assert matrix[0]["scaleDenominator"] == pytest.approx(559082264.0287178)
        assert matrix[18]["cellSize"] == pytest.approx(0.5971642834779395)
        assert (await client.get(f"{base}/16/1/99999999")).status_code == 404
        assert (await client.get("/ogc/collections/persons/tiles")).status_code == 404


async def test_the_past_is_asked_by_at_and_goes_on_with_the_links(database: Clone, serve: Serve):
    planted.plant(database.engine)
    with database.engine.begin() as link:
        moment = link.execute(text("SELECT clock_timestamp()")).scalar_one()
    with database.engine.begin() as link:
        link.execute(text("UPDATE room SET name = '改名'"))
        link.execute(text("DELETE FROM room WHERE source_key = 'r0001'"))
    async with serve(database) as client:
        then = await walk(client, ITEMS, at=moment.isoformat(), limit="100")
        assert len(then) == 260
        assert "改名" not in {each["properties"]["name"] for each in then}
        now = await walk(client, ITEMS, limit="100")
        assert {each["properties"]["name"] for each in now} == {"改名"}
        long_ago = (await client.get(ITEMS, params={"at": "2000-01-01", "limit": 1000})).json()
        assert long_ago["numberMatched"] == 260
        assert long_ago["recordedFrom"] > long_ago["at"]


async def test_the_description_is_complete_and_older_clients_can_read_it(
    estate: Clone, serve: Serve
):
    answer = await get(serve, estate, "/ogc/api")
    body = answer.json()
    assert body["openapi"].startswith("3.0")
    items = body["paths"]["/collections/rooms/items"]["get"]
    names = {each["name"] for each in items["parameters"]}
    assert {"bbox", "datetime", "limit", "filter", "sortby", "token", "at", "lang", "use"} <= names
    assert "application/problem+json" in items["responses"]["400"]["content"]
    assert "null" not in {each.get("type") for each in _schemas(body)}


def _schemas(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for each in node for found in _schemas(each)]
    if not isinstance(node, dict):
        return []
    return [node] * ("type" in node and isinstance(node["type"], str)) + [
        found for each in node.values() for found in _schemas(each)
    ]


async def test_a_series_of_links_and_shapes_is_valid_geojson(estate: Clone, serve: Serve):
    body = (await get(serve, estate, "/ogc/collections/trips/items", limit="5")).json()
    for each in body["features"]:
        assert shapely.from_geojson(json.dumps(each["geometry"])).geom_type == "LineString"
        assert len(each["geometry"]["coordinates"][0]) == 2
        assert each["properties"]["started_at"].endswith("Z")

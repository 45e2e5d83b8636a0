"""OGC API - Features part 4: written by OWSLib, and by hand where OWSLib cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pyproj
import pytest
from owslib.ogcapi.features import Features
from sqlalchemy import text

from tests.support import small_estate
from tests.support.databases import Clone
from tests.support.service import services


@pytest.fixture(scope="module")
def ids(module_database: Clone) -> small_estate.Estate:
    """The small estate."""
    return small_estate.fill(module_database.engine)


@pytest.fixture(scope="module")
def address(module_database: Clone, ids: small_estate.Estate) -> Iterator[str]:
    """A service that may be edited, in a process of its own."""
    assert ids.ids
    with services(module_database.app_url, 1, anonymous_edits=True) as ([origin], _):
        yield f"{origin}/ogc"


def feature(name: str, x: float = small_estate.LON, y: float = small_estate.LAT) -> dict[str, Any]:
    """Return a network node as a GeoJSON feature."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [x, y]},
        "properties": {"name": name, "kind": "switch", "state": "up"},
    }


def owslib(address: str, **headers: str) -> Features:
    """Return OWSLib's client; it keeps headers in a module, so all are given each time."""
    return Features(address, headers={"If-Match": "", **headers})


def test_owslib_creates_replaces_and_deletes_a_feature_and_history_names_the_actor(
    address: str, module_database: Clone
) -> None:
    client = owslib(address)
    client.collection_item_create("network_nodes", json.dumps(feature("SW-OWS")))
    where = client.response_headers["Location"]
    key = where.rsplit("/", 1)[1]
    made = httpx.get(where)
    assert made.json()["properties"]["name"] == "SW-OWS"

    client = owslib(address, **{"If-Match": made.headers["ETag"]})
    changed = feature("SW-OWS-2") | {"properties": {"name": "SW-OWS-2", "state": "down"}}
    client.collection_item_update("network_nodes", key, json.dumps(changed))
    replaced = httpx.get(where)
    assert replaced.json()["properties"]["name"] == "SW-OWS-2"
    assert replaced.json()["properties"]["kind"] is None, "what PUT does not name is emptied"

    client = owslib(address, **{"If-Match": replaced.headers["ETag"]})
    client.collection_item_delete("network_nodes", key)
    assert httpx.get(where).status_code == 404

    with module_database.engine.connect() as link:
        log = link.execute(
            text(
                "SELECT c.operation, s.actor FROM change c JOIN change_set s USING (tx) "
                "WHERE c.layer = 'network_node' AND c.id = :key ORDER BY s.seq"
            ),
            {"key": int(key)},
        ).all()
    assert log == [("I", "demo"), ("U", "demo"), ("D", "demo")]


def test_owslib_is_refused_without_if_match_and_with_an_old_one(address: str, ids: Any) -> None:
    key = str(ids["rooms", "B03-102"])
    item = f"{address}/collections/rooms/items/{key}"
    body = {"type": "Feature", "properties": {"number": "B03-102", "capacity": 3}}
    with pytest.raises(RuntimeError, match='"status":428'):
        owslib(address).collection_item_update("rooms", key, json.dumps(body))
    tag = httpx.get(item).headers["ETag"]
    merge = {"properties": {"capacity": 4}}
    assert httpx.patch(item, json=merge, headers={"If-Match": tag}).status_code == 204
    client = owslib(address, **{"If-Match": tag})
    with pytest.raises(RuntimeError, match='"status":412'):
        client.collection_item_update("rooms", key, json.dumps(body))


def test_a_patch_changes_what_it_names_alone(address: str, ids: Any) -> None:
    item = f"{address}/collections/rooms/items/{ids['rooms', 'B03-408']}"
    before = httpx.get(item)
    patched = httpx.patch(
        item,
        json={"properties": {"use": "meeting"}},
        headers={"If-Match": before.headers["ETag"]},
    )
    assert patched.status_code == 204, patched.text
    after = httpx.get(item).json()
    kept = before.json()["properties"] | {"use": "meeting", "revision": 2}
    assert after["properties"] == kept
    assert after["geometry"] == before.json()["geometry"]


def test_a_geometry_may_come_in_another_coordinate_system(address: str) -> None:
    lon, lat = small_estate.LON + 0.0003, small_estate.LAT + 0.0003
    east, north = pyproj.Transformer.from_crs(4326, 4549, always_xy=True).transform(lon, lat)
    crs = "http://www.opengis.net/def/crs/EPSG/0/4549"
    # 4549 (CGCS2000, zone of 3°) has its northing first.
    made = httpx.post(
        f"{address}/collections/network_nodes/items",
        json=feature("SW-4549", north, east),
        headers={"Content-Crs": f"<{crs}>"},
    )
    assert made.status_code == 201, made.text
    place = httpx.get(made.headers["Location"]).json()["geometry"]["coordinates"]
    assert place == pytest.approx([lon, lat], abs=1e-8)


def test_what_is_observed_is_not_written_by_hand(address: str) -> None:
    answer = httpx.post(f"{address}/collections/positions/items", json=feature("x"))
    assert answer.status_code == 403
    assert httpx.post(f"{address}/collections/rooms/items", content=b"{").status_code == 400

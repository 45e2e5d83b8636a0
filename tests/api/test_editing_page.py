"""What the page asks in order to edit: may it, the keys of a list, shapes cut and joined."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support import small_estate

AREA = small_estate.LON, small_estate.LAT


@pytest.fixture
def ids(database: Any) -> small_estate.Estate:
    """The small estate."""
    return small_estate.fill(database.engine)


@pytest.fixture
async def client(database: Any, serve: Any, ids: Any) -> Any:
    """A client that may look at the small estate."""
    async with serve(database, anonymous="estate") as made:
        yield made


async def test_the_catalogue_says_who_may_edit(database: Any, serve: Any, ids: Any) -> None:
    for edits in (True, False):
        async with serve(database, anonymous="estate", anonymous_edits=edits) as client:
            assert (await client.get("/catalogue")).json()["edits"] is edits


async def test_the_keys_of_a_list_are_those_of_its_rows(
    client: httpx.AsyncClient, ids: Any
) -> None:
    answer = await client.get("/lists/rooms/keys", params={"named": "vacant_rooms"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"total": 1, "rows": [[ids["rooms", "B03-411"], 1]]}
    whole = (await client.get("/lists/rooms/keys")).json()
    assert whole["total"] == len(whole["rows"]) == 8


async def test_what_is_observed_has_no_keys(client: httpx.AsyncClient) -> None:
    assert (await client.get("/lists/readings/keys")).status_code == 400


def square(x: float, width: float = 0.0001) -> dict[str, Any]:
    """Return a square some degrees east of the small estate."""
    west, south = AREA[0] + x, AREA[1]
    east, north = west + width, south + 0.0001
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "MultiPolygon", "coordinates": [[ring]]}


async def test_an_area_is_cut_by_a_line_that_crosses_it(client: httpx.AsyncClient) -> None:
    lon, lat = AREA
    line = {
        "type": "LineString",
        "coordinates": [[lon + 0.00003, lat], [lon + 0.00003, lat + 0.0001]],
    }
    answer = await client.post("/shapes/split", json={"geometry": square(0), "line": line})
    assert answer.status_code == 200, answer.text
    large, small = answer.json()["parts"]
    assert large["area_m2"] / small["area_m2"] == pytest.approx(7 / 3, rel=0.01)


async def test_neighbours_are_joined_and_what_lies_apart_is_not(client: httpx.AsyncClient) -> None:
    body = {"geometries": [square(0), square(0.000103)]}
    answer = await client.post("/shapes/merge", json=body)
    assert answer.status_code == 200, answer.text
    [part] = answer.json()["parts"]
    assert part["geometry"]["type"] == "Polygon"
    apart = {"geometries": [square(0), square(0.0003)]}
    answer = await client.post("/shapes/merge", json=apart, headers={"Accept-Language": "zh"})
    assert answer.status_code == 400
    assert "不相邻" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"geometry": {"type": "Point", "coordinates": AREA}, "line": {}},
        {"geometry": square(0), "line": {"type": "LineString", "coordinates": []}},
        {"geometry": square(0), "line": {"type": "Nothing"}},
    ],
)
async def test_what_is_no_shape_is_told(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await client.post("/shapes/split", json=body)).status_code == 400

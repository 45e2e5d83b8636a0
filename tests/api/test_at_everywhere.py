"""Every address that reads takes a moment of record, or says that it does not."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import text

from api.app import create_app
from api.session import Config
from geo.tiling import tile_bounds_3857
from layers.base import Base
from layers.registry import LAYERS
from tests.api.conftest import Serve
from tests.support import small_estate

# Of each template one address or more; what is put in stands in `_filled`.
ADDRESSES = (
    "/catalogue", "/style.json", "/tiles/rooms", "/tiles/rooms/{tile}", "/tiles/buildings/{tile}",
    "/measures/over_quota", "/measures/vacancy", "/measures/occupancy", "/filters",
    "/filters/vacant_rooms", "/search?q=B03", "/features/rooms/{room}",
    "/features/persons/{person}", "/features/buildings/{building}",
    "/features/vehicles/{vehicle}", "/lists/rooms",
    "/lists/rooms?named=vacant_rooms", "/lists/persons", "/lists/occupancies",
    "/lists/rooms/groups?by=body", "/lists/rooms/tiles/{tile}",
    "/lists/rooms/export?format=geojson",
    "/lists/rooms/export?format=csv", "/buildings/{building}/levels", "/buildings/{building}/stack",
    "/trips/{trip}/path", "/history/rooms/{room}", "/changes", "/ogc/collections/rooms/items",
    "/ogc/collections/rooms/items/{room}",
    "/ogc/collections/rooms/tiles/WebMercatorQuad/{row_first}",
    "/ogc/collections/rooms", "/meters/{meter}/consumption",
)  # fmt: skip
# What tells when it was answered, or under which address.
_NORTHING = 4_707_429.0  # of latitude 38.9005 in EPSG:3857
_WHEN = {"timeStamp", "now", "at", "moment", "href", "links", "next"}


@pytest.fixture
def estate(database: Any) -> tuple[Any, small_estate.Estate]:
    return database, small_estate.fill(database.engine)


async def test_what_was_answered_is_answered_of_that_moment_for_ever(
    estate: Any, serve: Serve
) -> None:
    database, ids = estate
    with database.engine.connect() as connection:
        at = connection.scalar(text("SELECT max(recorded_at) FROM change_set"))
    filled = _filled(ids)
    async with serve(database) as client:
        then = {each: await _told(client, each.format(**filled)) for each in ADDRESSES}
        moment = {"at": at.isoformat()}
        with database.engine.begin() as connection:
            for each in LAYERS:
                if each.series is None and each.name not in ("bodies", "imagery"):
                    connection.execute(sa.update(each.table).values(name="新", revision=7))
            geom = sa.func.ST_Translate(Base.metadata.tables["room"].c.geom, 0.001, 0)
            connection.execute(sa.update(Base.metadata.tables["room"]).values(geom=geom, use=None))
            connection.execute(text("DELETE FROM occupancy"))
            connection.execute(text("DELETE FROM room WHERE number LIKE '%41%'"))
            connection.execute(text("DELETE FROM level_building"))
            connection.execute(text("DELETE FROM trip"))
        for each, wanted in then.items():
            found = await _told(client, each.format(**filled), **moment)
            if each.startswith("/features/vehicles"):
                continue  # its newest position and reading are not told of a past moment
            assert found == wanted, each
        changed = [e for e in ADDRESSES if await _told(client, e.format(**filled)) != then[e]]
    assert len(changed) > 20, changed


def test_every_route_that_reads_the_estate_takes_a_moment() -> None:
    description = create_app(Config("postgresql://nowhere")).openapi()
    without = {
        path
        for path, methods in description["paths"].items()
        if "get" in methods
        and "at" not in {each["name"] for each in methods["get"].get("parameters", [])}
    }
    # The service's state, its own words, who may come in, what was done, and where nothing of
    # the estate is told.
    assert all(
        path in ("/events", "/healthz", "/metrics", "/readyz")
        or path.startswith(
            ("/ogc", "/administration/", "/audit", "/jobs", "/me", "/sign-", "/single-sign-on")
        )
        for path in without
    ), without


def _filled(ids: small_estate.Estate) -> dict[str, Any]:
    first = {layer: next(i for (name, _), i in ids.ids.items() if name == layer)
             for layer in ("vehicles", "persons", "trips", "meters")}  # fmt: skip
    z = 16
    x = int((119.6005 + 180) / 360 * 2**z)
    y = next(row for row in range(2**z) if tile_bounds_3857(z, x, row)[1] <= _NORTHING)
    return {
        "room": ids["rooms", "B03-412"],
        "building": ids["buildings", "B03"],
        "person": first["persons"],
        "vehicle": first["vehicles"],
        "trip": first["trips"],
        "meter": first["meters"],
        "tile": f"{z}/{x}/{y}",
        "row_first": f"{z}/{y}/{x}",
    }


async def _told(client: Any, path: str, **more: str) -> Any:
    address, _, query = path.partition("?")
    given = dict(part.split("=") for part in query.split("&")) if query else {}
    answer = await client.get(address, params={**given, **more})
    assert answer.status_code in (200, 204) or not more, (path, answer.text)
    if "json" in answer.headers.get("content-type", ""):
        told = answer.json()
        if address == "/catalogue":
            del told["seq"]  # the newest change there is, from which a page goes on listening
        return _timeless(told)
    return answer.content


def _timeless(told: Any) -> Any:
    if isinstance(told, dict):
        return {key: _timeless(value) for key, value in told.items() if key not in _WHEN}
    return [_timeless(each) for each in told] if isinstance(told, list) else told

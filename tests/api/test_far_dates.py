"""The first and the last days of the calendar: answered, or refused as a problem; never a crash."""

from __future__ import annotations

import httpx
import pytest

from tests.api.conftest import Serve
from tests.support import planted
from tests.support.databases import Clone

TRIPS = "/ogc/collections/trips/items"
EARLIEST, LATEST = "0001-01-01", "9999-12-31T23:59:59-10:00"


@pytest.fixture(scope="module")
def estate(module_database: Clone) -> Clone:
    planted.plant(module_database.engine)
    return module_database


async def ask(serve: Serve, database: Clone, path: str, **params: str) -> httpx.Response:
    async with serve(database) as client:
        return await client.get(path, params={"lang": "en", **params})


@pytest.mark.parametrize("at", [EARLIEST, LATEST, "9999-12-31T23:00:00Z"])
@pytest.mark.parametrize(
    "path",
    [
        "/catalogue", "/search?q=a", "/measures/vacancy", "/tiles/rooms", "/tiles/rooms/16/1/1",
        "/features/rooms/1", "/ogc/collections/rooms/items",
    ],
)  # fmt: skip
async def test_a_moment_of_record_beyond_the_calendar_is_refused(
    path: str, at: str, estate: Clone, serve: Serve
):
    async with serve(estate) as client:
        answer = await client.get(f"{path}{'&' if '?' in path else '?'}at={at}&lang=en")
    assert answer.status_code == 400, answer.text
    assert answer.json()["field"] == "at"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"datetime": LATEST}, "datetime"),
        ({"datetime": f"../{LATEST}"}, "datetime"),
        ({"datetime": "0001-01-01T00:00:00+10:00/.."}, "datetime"),
        ({"datetime": "10000-01-01"}, "datetime"),
        ({"filter": f"started_at < TIMESTAMP('{LATEST}')"}, "filter"),
    ],
)
async def test_a_time_of_observation_beyond_the_calendar_is_refused(
    params: dict[str, str], field: str, estate: Clone, serve: Serve
):
    answer = await ask(serve, estate, TRIPS, **params)
    assert answer.status_code == 400, answer.text
    assert answer.json()["field"] == field


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"datetime": EARLIEST}, 0),
        ({"datetime": "9999-12-31"}, 0),
        ({"datetime": f"{EARLIEST}/9999-12-31"}, 60),
        ({"filter": "started_at < DATE('9999-12-31')"}, 60),
        ({"filter": "started_at > DATE('9999-12-31')"}, 0),
        ({"filter": f"started_at > DATE('{EARLIEST}')"}, 60),
        ({"filter": f"T_DURING(started_at, INTERVAL('{EARLIEST}', '9999-12-31'))"}, 60),
    ],
)
async def test_the_first_and_the_last_day_mean_ever(
    params: dict[str, str], count: int, estate: Clone, serve: Serve
):
    answer = await ask(serve, estate, TRIPS, **params)
    assert answer.status_code == 200, answer.text
    assert answer.json()["numberMatched"] == count


@pytest.mark.parametrize("window", [f"{EARLIEST}/0002-01-01", f"9999-12-01/{LATEST}"])
async def test_a_window_beyond_the_calendar_is_refused(window: str, estate: Clone, serve: Serve):
    answer = await ask(serve, estate, "/measures/km_per_day", window=window)
    assert answer.status_code == 400, answer.text
    assert answer.json()["field"] == "window"

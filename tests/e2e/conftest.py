"""The page over the small estate, in Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from geoalchemy2.shape import from_shape
from playwright.sync_api import Browser
from shapely import MultiLineString, MultiPolygon, box
from sqlalchemy import insert

from layers import basemap
from layers.base import table_of
from tests.e2e.browsing import Visit, chromium, visiting
from tests.e2e.serving import build_page, served
from tests.support import small_estate


@dataclass
class Served:
    """A running service and the ids of what it shows."""

    origin: str
    ids: small_estate.Estate


@pytest.fixture(scope="module")
def estate(module_database: Any) -> Iterator[Served]:
    """The small estate on a base map, served with the page."""
    ids = small_estate.fill(module_database.engine)
    _base_map(module_database.engine)
    with served(module_database.app_url, build_page()) as origin:
        yield Served(origin, ids)


def _base_map(engine: Any) -> None:
    west, south = small_estate.LON - 0.002, small_estate.LAT - 0.002
    road = MultiLineString([[(west, south + 0.001), (west + 0.01, south + 0.001)]])
    lake = MultiPolygon([box(west, south - 0.002, west + 0.01, south)])
    with engine.begin() as connection:
        for model, key, name, shape in (
            (basemap.Road, "R1", "云汀大道", road),
            (basemap.Water, "W1", "翠湖", lake),
        ):
            geom = from_shape(shape, srid=4326)
            values = {"source": "test", "source_key": key, "name": name, "geom": geom}
            connection.execute(insert(table_of(model)).values(**values))


# Closed with each module: while Playwright's synchronous interface is open its event loop counts
# as running, and tests of other modules could start none of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module."""
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, estate: Served) -> Iterator[Callable[..., Visit]]:
    """``visit("phone")`` opens a window that must have had no fault when the test ends."""
    with ExitStack() as stack:
        made: list[Visit] = []

        def start(size: str, *, dark: bool = False) -> Visit:
            entered = stack.enter_context(visiting(browser, estate.origin, size, dark=dark))
            made.append(entered)
            return entered

        yield start
        for each in made:
            each.assert_clean()

"""Clients that others wrote read our features: GDAL's OAPIF driver and OWSLib."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from owslib.ogcapi.features import Features
from pandas.testing import assert_series_equal

from layers.registry import LAYERS
from tests.support import planted
from tests.support.databases import Clone

SERVICE = """
import sys, uvicorn
from api.app import create_app
from api.session import Config
app = create_app(Config(sys.argv[1], anonymous="estate", pool_size=2))
uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
"""


@pytest.fixture(scope="module")
def address(module_database: Clone) -> Iterator[str]:
    """A service in a process of its own: GDAL keeps Python's lock while it waits for an answer."""
    planted.plant(module_database.engine)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVICE, module_database.app_url, str(port)]
    with subprocess.Popen(command) as process:
        url = f"http://127.0.0.1:{port}/ogc"
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(url, timeout=5).raise_for_status()
                break
            except httpx.TransportError:
                assert process.poll() is None, "the service ended"
                assert time.monotonic() < deadline, "the service did not start"
                time.sleep(0.1)
        yield url
        process.terminate()


def told_by_gdal(function: str, address: str, **options: Any) -> Any:
    """Call pyogrio in a process of its own: in this one the importers leave such drivers out."""
    code = (
        "import pickle, sys, pyogrio; address, options = pickle.load(sys.stdin.buffer); "
        f"pickle.dump(pyogrio.{function}(address, **options), sys.stdout.buffer)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps((f"OAPIF:{address}", options)),
        env={name: value for name, value in os.environ.items() if name != "OGR_SKIP"},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(done.stdout)


def test_gdal_lists_the_collections_and_reads_every_room(address: str):
    listed = [name for name, _ in told_by_gdal("list_layers", address)]
    assert listed == [each.name for each in LAYERS]
    found = told_by_gdal("read_dataframe", address, layer="rooms", PAGE_SIZE=60)
    known = planted.rooms()
    assert len(found) == len(known)
    found = found.sort_values("source_key").reset_index(drop=True)
    assert_series_equal(found["name"], known["name"], check_dtype=False)
    assert_series_equal(
        found["capacity"].astype("Int64"), known["capacity"].astype("Int64"), check_names=False
    )
    placed = known.geometry.notna()
    assert found.geometry[placed].geom_equals(known.geometry[placed]).all()
    assert found.geometry[~placed].isna().all()


def test_gdal_asks_for_a_box_and_for_another_coordinate_system(address: str):
    box = (116.3025, 39.9015, 116.3081, 39.9052)
    found = told_by_gdal("read_dataframe", address, layer="rooms", bbox=box, PAGE_SIZE=500)
    known = planted.rooms()
    expected = known[known.intersects(planted.shapely.box(*box))]
    assert set(found["source_key"]) == set(expected["source_key"])


def test_owslib_reads_the_collections_queryables_and_items(address: str):
    service = Features(address)
    assert service.feature_collections() == [each.name for each in LAYERS]
    assert any("ogcapi-features-1" in each for each in service.conformance()["conformsTo"])
    assert "capacity" in service.collection_queryables("rooms")["properties"]
    found, token = [], {}
    while True:
        page = service.collection_items("rooms", limit=100, **token)
        found += page["features"]
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        token = {"token": following[0].split("token=")[1].split("&")[0]}
    assert {each["properties"]["source_key"] for each in found} == set(planted.rooms().source_key)
    some = service.collection_items("rooms", filter="capacity > 5 AND name LIKE '会议%'")
    known = planted.rooms()
    chosen = known[(known.capacity > 5).fillna(False) & known.name.str.startswith("会议", na=False)]
    assert some["numberMatched"] == len(chosen)
    one = service.collection_item("rooms", found[0]["id"])
    assert one["properties"] == found[0]["properties"]

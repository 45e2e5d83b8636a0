"""The notebook client against a listening service with the small estate."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import httpx
import pandas as pd
import pytest
from pandas.testing import assert_series_equal
from shapely import box

from onemap import Client
from onemap.client import IncompleteError, ServiceError, TokenExpiredError
from tests.support import accounts, live, small_estate

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 10, 12, 9, tzinfo=ZONE)
AREAS = {key: area for key, _, _, area, *_ in small_estate.ROOMS} | {"B11-203": 9.6}


@pytest.fixture(scope="module")
def service(module_database: Any) -> Iterator[tuple[str, small_estate.Estate]]:
    ids = small_estate.fill(module_database.engine)
    with live.listening(module_database.app_url, now=lambda: NOW) as url:
        yield url, ids


@pytest.fixture
def client(service: Any) -> Iterator[Client]:
    with Client(service[0]) as made:
        yield made


def test_an_expired_token_is_told_as_such(service: Any, module_database: Any) -> None:
    with module_database.engine.begin() as c:
        accounts.with_token(c, "notebook", "om_old", whole_estate=True)
        c.exec_driver_sql("UPDATE api_token SET expires_at = now() - interval '1 day'")
    with Client(service[0], token="om_old", language="en") as old:
        with pytest.raises(TokenExpiredError, match="expired at"):
            old.layers()
    with Client(service[0], token="om_unknown") as unknown:
        with pytest.raises(ServiceError) as refused:
            unknown.layers()
    assert not isinstance(refused.value, TokenExpiredError)


def test_the_layers_come_with_titles_and_counts(client: Client) -> None:
    layers = client.layers()
    assert layers.loc["rooms", "title"] == "房间"
    assert layers.loc["rooms", "count"] == len(AREAS)
    assert "over_quota" in layers.loc["rooms", "measures"]


def test_a_layer_is_read_whole_with_its_types_and_system(client: Client, service: Any) -> None:
    rooms = client.read("rooms")
    assert isinstance(rooms, gpd.GeoDataFrame)
    assert rooms.crs == "EPSG:4326"
    assert rooms.index.name == "id"
    found = rooms.set_index("number")["usable_area_m2"].sort_index()
    expected = pd.Series(AREAS, dtype="float64", name="usable_area_m2").sort_index()
    assert_series_equal(found, expected, check_names=False, check_index_type=False)
    assert rooms["capacity"].dtype == "Int64"
    room = rooms.loc[service[1]["rooms", "B03-412"]]
    assert room.geometry.bounds == pytest.approx((119.6004, 38.9002, 119.6005, 38.9003))


def test_an_empty_answer_has_the_same_columns_and_types(client: Client) -> None:
    whole, none = client.read("rooms"), client.read("rooms", where="number = 'nowhere'")
    assert isinstance(none, gpd.GeoDataFrame)
    assert len(none) == 0
    assert none.crs == whole.crs
    assert none.dtypes.astype(str).to_dict() == whole.dtypes.astype(str).to_dict()


def test_filters_bbox_and_another_system(client: Client) -> None:
    offices = client.read("rooms", where="use = 'office' AND usable_area_m2 > 25")
    assert set(offices["number"]) == {"B03-412", "B03-415", "B03-102"}
    west = client.read("rooms", bbox=(119.5999, 38.8999, 119.60035, 38.90015), crs="EPSG:4527")
    everything = client.read("rooms")
    inside = everything[everything.intersects(box(119.5999, 38.8999, 119.60035, 38.90015))]
    assert set(west.index) == set(inside.index)
    assert west.crs == "EPSG:4527"
    # The area on the plane of CGCS2000 zone 39 is that on the ellipsoid, to a thousandth.
    plane = west.area.sum()
    assert plane == pytest.approx(west["polygon_area_m2"].sum(), rel=2e-3)


def test_all_pages_are_read(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onemap.client.PAGE", 3)
    assert set(client.read("rooms")["number"]) == set(AREAS)


def test_a_layer_without_geometry_is_a_geodataframe_all_the_same(client: Client) -> None:
    persons = client.read("persons")
    assert isinstance(persons, gpd.GeoDataFrame)
    assert persons.geometry.isna().all()
    assert set(persons["name"]) == {name for _, name, *_ in small_estate.PEOPLE}


def test_times_are_in_the_estates_zone(client: Client) -> None:
    trips = client.read("trips")
    assert str(trips["started_at"].dtype) == "datetime64[us, Asia/Shanghai]"
    assert datetime(2026, 10, 11, 9, 14, tzinfo=ZONE) in set(trips["started_at"])


def test_an_answer_that_ends_short_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = client.get

    def short(path: str, **query: Any) -> Any:
        page = real(path, **query)
        if "features" in page:
            page["features"] = page["features"][:-1]
        return page

    monkeypatch.setattr(client, "get", short)
    with pytest.raises(IncompleteError, match="7 of 8"):
        client.read("rooms")


def test_the_services_own_words_explain_a_refusal(service: Any) -> None:
    with Client(service[0], language="en") as client:
        with pytest.raises(ServiceError, match="colour") as refused:
            client.read("rooms", where="colour = 'red'")
        assert refused.value.status == 400
        with pytest.raises(ValueError, match="rooms"):
            client.read("room")
    with Client(service[0], token="wrong") as stranger, pytest.raises(ServiceError) as refused:
        stranger.layers()
    assert refused.value.status == 401


def test_a_series_is_read_in_a_half_open_window(client: Client, service: Any) -> None:
    meter = service[1]["meters", "E-02"]
    window = ("2026-09-01", "2026-09-11")
    readings = client.series("readings", meter, window)
    assert list(readings.index.names) == ["meter_id", "time"]
    assert list(readings["value"]) == [1_100.0 + 100 * day for day in range(10)]
    first = readings.index.get_level_values("time")[0]
    assert first == pd.Timestamp("2026-09-01", tz="Asia/Shanghai")
    thinned = client.series("readings", [meter], "2026-09-01/2026-09-11", every="5D")
    assert list(thinned["value"]) == [1_500.0, 2_000.0]


def test_interval_readings_add_up_when_thinned_out(client: Client, service: Any) -> None:
    meter = service[1]["meters", "E-57"]
    months = client.series("readings", meter, "2026-09-01/2026-10-01", every="10D")
    # 30 readings in the window (those that end on 1 to 30 September) of 20 kWh each.
    assert months["value"].sum() == 600.0
    nothing = client.series("readings", meter, "2020-01-01/2020-02-01", every="1D")
    assert len(nothing) == 0
    assert "value" in nothing.columns


def test_positions_are_a_geodataframe_even_when_there_are_none(
    client: Client, service: Any
) -> None:
    none = client.series("positions", [service[1]["vehicles", "D0017"]], "2026-10-05/2026-10-12")
    assert isinstance(none, gpd.GeoDataFrame)
    assert none.crs == "EPSG:4326"


def test_a_measure_is_a_frame_with_its_editions(client: Client, service: Any) -> None:
    over = client.measure("over_quota")
    assert over.loc[service[1]["rooms", "B03-412"], "value"] == pytest.approx(14.4)
    assert pd.isna(over.loc[service[1]["rooms", "B03-103"], "value"])
    assert over.attrs["unit"] == "m²"
    assert over.attrs["editions"][0]["edition"] == "2014"
    energy = client.measure("kgce_per_m2", window=("2026-09-01", "2026-10-01"))
    value = energy.loc[service[1]["buildings", "B57"], "value"]
    assert value == pytest.approx(600 * 0.1229 / 260)
    assert client.measures().loc["km_per_day", "layer"] == "vehicles"


def everything_in(html: str) -> str:
    """Return a page with what its data URIs hold."""
    held = re.findall(r"data:[\w/+-]+;base64,([A-Za-z0-9+/=]+)", html)
    texts = [base64.b64decode(each) for each in held]
    css = [t.decode() for t in texts if b".leaflet-" in t[:4000]]
    return html + "".join(css)


def test_a_map_asks_no_outside_host(client: Client) -> None:
    html = client.map(measure="over_quota").get_root().render()
    sources = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)["']""", html)
    assert sources
    assert all(each.startswith("data:") for each in sources)
    loaded = re.findall(r"""(?:url\(|@import|fetch\(|tileLayer\()\s*["']?([^"')]+)""", html)
    assert all(each.startswith(("data:", "#")) for each in loaded)
    for found in re.findall(r"url\(([^)]+)\)", everything_in(html)):
        assert found.startswith(("data:", "#"))
    assert "over_quota" in html
    assert "B03-412" in html
    assert "14.4 m" in html


def test_a_map_of_a_layer_and_of_nothing(client: Client) -> None:
    assert "SW-2" in client.map(measure="node_state").get_root().render()
    html = client.map("buildings").get_root().render()
    assert "租用楼" in html or json.dumps("租用楼").strip('"') in html
    assert client.map("rooms", where="number = 'nowhere'").get_root().render()
    with pytest.raises(ValueError, match="buildings"):
        client.map("rooms", measure="kgce_per_m2")


def test_the_client_imports_no_server_code() -> None:
    script = (
        "import sys; import onemap; onemap.Client; import onemap.client_map; "
        "bad = {'fastapi', 'sqlalchemy', 'psycopg', 'asyncpg', 'pydantic', 'layers', 'api', 'geo'}"
        " & {name.split('.')[0] for name in sys.modules}; print(sorted(bad)); sys.exit(bool(bad))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_service_that_is_away_is_a_plain_connection_error() -> None:
    with Client("http://127.0.0.1:9/") as client, pytest.raises(httpx.ConnectError):
        client.layers()

"""Each request has a number, and the log tells what is worth telling without any secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pyotp
import pytest

from api.app import create_app
from api.logs import JsonLines, configuration
from api.session import Config
from layers.accounts import new_token
from layers.policy import Role
from layers.signing_in import Rules
from tests.api.conftest import Serve
from tests.api.signing import Browser
from tests.support import accounts
from tests.support.databases import Clone


@pytest.fixture
def lines() -> Iterator[Any]:
    """What the log tells, as it stands on stderr."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    root, own = logging.getLogger(), logging.getLogger("onemap")
    root.addHandler(handler)
    own.setLevel(logging.DEBUG)

    def told() -> list[dict[str, Any]]:
        return [json.loads(line) for line in written.getvalue().splitlines()]

    told.text = written.getvalue  # type: ignore[attr-defined]
    yield told
    root.removeHandler(handler)
    own.setLevel(logging.NOTSET)


def of_requests(lines: Any, level: str | None = None) -> list[dict[str, Any]]:
    return [
        each
        for each in lines()
        if each["logger"] == "onemap.request" and level in (None, each["level"])
    ]


async def test_a_refusal_is_one_line_with_its_route_and_without_the_address_asked(client, lines):
    answer = await client.get("/ogc/collections/rooms/items?filter=name%3D%27Zhang%27%20OR%20(")
    assert answer.status_code == 400
    (told,) = of_requests(lines, "info")
    assert told["route"] == "/ogc/collections/{layer}/items"
    assert (told["method"], told["status"], told["address"]) == ("GET", 400, "127.0.0.1")
    assert told["request"] == answer.headers["x-request-id"]
    assert told["ms"] > 0
    assert "Zhang" not in lines.text()


async def test_what_goes_well_is_told_at_debug_alone(client, lines, monkeypatch):
    monkeypatch.setattr("api.request_log.SLOW_S", 60.0)
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/tiles/buildings/14/13500/6200")).status_code in (200, 204)
    assert {each["level"] for each in of_requests(lines)} == {"debug"}
    assert [each["route"] for each in of_requests(lines)] == [
        "/healthz", "/tiles/{layer}/{z}/{x}/{y}",
    ]  # fmt: skip


async def test_who_had_to_wait_is_told(client, lines, monkeypatch):
    monkeypatch.setattr("api.request_log.SLOW_S", 0.0)
    await client.get("/healthz")
    (told,) = of_requests(lines, "warning")
    assert (told["message"], told["route"], told["status"]) == ("slow", "/healthz", 200)


@pytest.mark.parametrize(
    ("peer", "kept"), [("127.0.0.1", True), ("::1", True), ("10.1.2.3", False)]
)
async def test_the_number_of_a_proxy_on_this_machine_is_kept(database: Clone, peer, kept):
    app = create_app(Config(database.app_url))
    transport = httpx.ASGITransport(app, client=(peer, 4000))
    async with httpx.AsyncClient(transport=transport, base_url="http://map.test") as client:
        answer = await client.get("/healthz", headers={"X-Request-Id": "from-proxy-01"})
        assert (answer.headers["x-request-id"] == "from-proxy-01") is kept
        odd = await client.get("/healthz", headers={"X-Request-Id": 'x"}{"level":"'})
        assert len(odd.headers["x-request-id"]) == 16


async def test_for_whom_a_proxy_asks_is_believed_of_those_that_are_trusted(database, lines):
    for peer, address in (("127.0.0.1", "192.0.2.7"), ("198.51.100.9", "198.51.100.9")):
        app = create_app(Config(database.app_url))
        transport = httpx.ASGITransport(app, client=(peer, 4000))
        async with httpx.AsyncClient(transport=transport, base_url="http://map.test") as client:
            await client.get("/nowhere", headers={"X-Forwarded-For": "203.0.113.1, 192.0.2.7"})
        assert of_requests(lines)[-1]["address"] == address


async def test_an_error_that_nobody_foresaw_names_the_request_that_the_log_tells(
    database, serve: Serve, lines
):
    async with serve(database) as client:
        app = client._transport.app

        def broken() -> None:
            raise RuntimeError("broken on purpose")

        app.add_api_route("/-/broken", broken)
        answer = await client.get("/-/broken?lang=en")
    assert answer.status_code == 500
    number = answer.headers["x-request-id"]
    assert answer.json()["number"] == number
    assert number in answer.json()["detail"]
    told = [each for each in lines() if each.get("request") == number]
    assert ["exception" in each for each in told] == [True, False]
    assert "broken on purpose" in told[0]["exception"]
    assert told[1]["status"] == 500


async def test_no_secret_of_a_run_stands_in_its_log(database: Clone, serve: Serve, lines):
    secrets = {
        "token": new_token(), "revoked": new_token(), "password": "Battery-Staple-9",
        "wrong": "Wrong-Horse-42", "filter": "Geheimwort", "next": "Fresh-Stable-11",
        "body": "Postgeheimnis",
    }  # fmt: skip
    with database.engine.begin() as link:
        accounts.with_token(link, "service", secrets["token"], whole_estate=True, edit=True)
        accounts.person(link, "zhang", Role.PLANNER, password=secrets["password"])
    options = {"accounts_url": database.accounts_url, "sign_in": Rules(), "log_all": True}
    async with serve(database, **options) as client:
        browser = Browser(client)
        assert (await browser.sign_in("zhang", secrets["wrong"])).status_code == 401
        assert (await browser.sign_in("zhang", secrets["password"])).status_code == 200
        secrets["cookie"], secrets["csrf"] = browser.cookie, browser.csrf
        begun = await browser.ask("POST", "/me/second-factor", {"password": secrets["password"]})
        secrets["totp"] = begun.json()["secret"]
        secrets["code"] = pyotp.TOTP(secrets["totp"]).now()
        confirmed = {"code": secrets["code"]}
        assert (await browser.ask("POST", "/me/second-factor/confirm", confirmed)).is_success
        changed = {"current": secrets["password"], "password": secrets["next"]}
        assert (await browser.ask("POST", "/me/password", changed)).is_success
        bearing = {"Authorization": f"Bearer {secrets['token']}"}
        for token in (secrets["token"], secrets["revoked"]):
            sent = {"Authorization": f"Bearer {token}"}
            await client.get("/ogc/collections/rooms/items?limit=x", headers=sent)
            await client.get(f"/search?q={secrets['filter']}", headers=sent)
        puts = [{"layer": "rooms", "id": 1, "revision": 1, "properties": {"name": secrets["body"]}}]
        await client.post("/changes", json={"puts": puts}, headers=bearing)
        await client.post("/changes", content=secrets["body"], headers=bearing)
    assert len(of_requests(lines)) > 8
    text = lines.text()
    assert [name for name, each in secrets.items() if each in text] == []


def test_what_libraries_tell_goes_the_same_way_and_no_lower_than_warnings():
    made = configuration("debug")
    assert made["root"]["level"] == "WARNING"
    assert made["loggers"]["onemap"]["level"] == "DEBUG"
    assert list(made["handlers"]) == ["stderr"]

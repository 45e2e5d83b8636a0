"""Administration: who may, what it does, and that it is felt with the next request."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from api.app import create_app
from api.session import Config
from layers import administering, granting
from layers.accounts import Kind
from layers.granting import Wanted
from layers.policy import Role
from layers.problems import Forbidden
from layers.signing_in import Rules
from tests.api.signing import Browser, Clock
from tests.layers.support import body
from tests.support import accounts

EASY = Rules(second_factor=frozenset())
ROUTES = [
    (method.upper(), path)
    for path, methods in create_app(Config("postgresql://nowhere")).openapi()["paths"].items()
    if path.startswith("/administration")
    for method in methods
]
BODIES = {
    "/administration/accounts": {"login": "new", "name": "New"},
    "/administration/accounts/{key}/grants": {"role": "viewer"},
    "/administration/accounts/{key}/tokens": {"name": "t", "expires_at": "2027-01-01T00:00:00Z"},
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(database, clock) -> dict[str, int]:
    with database.engine.begin() as c:
        finance = body(c, "财政局")
        made = {
            "财政局": finance,
            "会计科": body(c, "会计科", finance),
            "文化局": body(c, "文化局"),
        }
        roles = {"admin": Role.ADMINISTRATOR, "second": Role.ADMINISTRATOR, "audit": Role.AUDITOR}
        for login, role in roles.items():
            made[login] = accounts.person(c, login, role, now=clock())
        made["zhangsan"] = accounts.person(
            c, "zhangsan", Wanted(Role.PLANNER, finance), now=clock()
        )
    return made


@pytest.fixture
def way_in(database, serve, clock, keys):
    """``async with way_in("admin") as (admin, other)``: two browsers, the first signed in."""

    @asynccontextmanager
    async def run(login="admin", **config):
        options = {"accounts_url": database.accounts_url, "clock": clock, "sign_in": EASY}
        async with serve(database, anonymous="refuse", **options | config) as client:
            browser = Browser(client)
            assert (await browser.sign_in(login)).status_code == 200
            yield browser, Browser(client)

    return run


async def ok(browser, method, path, given=None):
    answer = await browser.ask(method, path, given)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_route_of_administration_answers_who_does_not_administer(
    way_in, keys, method, path
):
    address = path.format(key=keys["zhangsan"], act="disable")
    given = BODIES.get(path) if method == "POST" else None
    async with way_in("zhangsan") as (browser, nobody):
        refused = await browser.ask(method, address, given)
        assert (refused.status_code, refused.json()["reason"]) == (403, "role")
        assert (await nobody.ask(method, address, given)).status_code == 401
        await nobody.sign_in("audit")
        seen = await nobody.ask(method, address, given)
        assert seen.status_code == (200 if method == "GET" else 403)


async def test_a_new_account_comes_in_with_a_password_that_it_must_change(way_in, keys):
    async with way_in() as (admin, other):
        made = await ok(
            admin, "POST", "/administration/accounts", {"login": "LiSi", "name": "李四"}
        )
        assert made["login"] == "lisi"
        grant = {"role": "viewer", "body_id": keys["文化局"]}
        await ok(admin, "POST", f"/administration/accounts/{made['id']}/grants", grant)
        await other.sign_in("lisi", made["password"])
        assert (await other.me())["wanting"] == "password"
        given = {"current": made["password"], "password": "My-Own-Horse-9"}
        await ok(other, "POST", "/me/password", given)
        me = await other.me()
        assert [(g["role"], g["body"]["name"]) for g in me["grants"]] == [("viewer", "文化局")]
        twice = await admin.ask(
            "POST", "/administration/accounts", {"login": "lisi", "name": "李四"}
        )
        assert (twice.status_code, twice.json()["field"]) == (422, "login")
        assert made["password"] not in (await admin.ask("GET", "/administration/accounts")).text


async def test_a_revoked_grant_is_gone_with_the_next_request(way_in, keys, database):
    from layers.estate import Building
    from tests.layers.support import SQUARE, put

    with database.engine.begin() as c:
        put(c, Building, name="财政楼", body_id=keys["财政局"], geom=SQUARE)
        put(c, Building, name="会计楼", body_id=keys["会计科"], geom=SQUARE)
    path = "/ogc/collections/buildings/items"
    async with way_in() as (admin, other):
        await other.sign_in("zhangsan")

        async def seen():
            found = (await ok(other, "GET", path))["features"]
            return sorted(each["properties"]["name"] for each in found)

        assert await seen() == ["会计楼", "财政楼"]
        listed = (await ok(admin, "GET", "/administration/accounts"))["accounts"]
        (held,) = next(each for each in listed if each["login"] == "zhangsan")["grants"]
        await ok(admin, "DELETE", f"/administration/grants/{held['id']}")
        assert await seen() == []
        grant = {"role": "planner", "body_id": keys["会计科"]}
        await ok(admin, "POST", f"/administration/accounts/{keys['zhangsan']}/grants", grant)
        assert await seen() == ["会计楼"]


async def test_a_grant_ends_by_the_clock_though_it_is_remembered(way_in, keys, clock):
    async with way_in() as (admin, other):
        until = (clock() + timedelta(minutes=10)).isoformat()
        grant = {"role": "viewer", "valid_until": until}
        await ok(admin, "POST", f"/administration/accounts/{keys['zhangsan']}/grants", grant)
        await other.sign_in("zhangsan")
        assert {each["name"] for each in (await other.me())["roles"]} == {"planner", "viewer"}
        clock.pass_(minutes=10)
        assert {each["name"] for each in (await other.me())["roles"]} == {"planner"}
        listed = (await ok(admin, "GET", "/administration/accounts"))["accounts"]
        grants = next(each for each in listed if each["login"] == "zhangsan")["grants"]
        assert [each["over"] for each in grants] == [False, True]


async def test_a_disabled_account_is_out_at_once_and_in_again_when_enabled(way_in, keys):
    path = f"/administration/accounts/{keys['zhangsan']}"
    async with way_in() as (admin, other):
        await other.sign_in("zhangsan")
        given = {"name": "t", "expires_at": "2027-01-01T00:00:00Z"}
        token = (await ok(other, "POST", "/me/tokens", given))["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        rooms = "/ogc/collections/rooms/items"
        assert (await admin.client.get(rooms, headers=bearer)).status_code == 200
        await ok(admin, "POST", f"{path}/disable")
        assert await other.sees() == 401
        assert (await other.me())["ended"]["why"] == "disabled"
        assert (await admin.client.get(rooms, headers=bearer)).status_code == 401
        assert (await other.sign_in("zhangsan")).status_code == 401
        await ok(admin, "POST", f"{path}/enable")
        assert (await other.sign_in("zhangsan")).status_code == 200
        assert (await admin.client.get(rooms, headers=bearer)).status_code == 200


async def test_a_reset_ends_sessions_and_the_lock_and_gives_a_password_once(way_in, keys):
    path = f"/administration/accounts/{keys['zhangsan']}"
    async with way_in() as (admin, other):
        await other.sign_in("zhangsan")
        for _ in range(5):
            await Browser(admin.client).sign_in("zhangsan", "Wrong-Horse-7")
        listed = (await ok(admin, "GET", "/administration/accounts"))["accounts"]
        assert next(each for each in listed if each["login"] == "zhangsan")["locked_until"]
        secret = (await ok(admin, "POST", f"{path}/reset"))["password"]
        assert await other.sees() == 401
        assert (await other.sign_in("zhangsan", secret)).status_code == 200


async def test_nobody_changes_his_own_rights_or_removes_the_last_administrator(way_in, keys):
    async with way_in() as (admin, _):
        own = f"/administration/accounts/{keys['admin']}"
        assert (await admin.ask("POST", f"{own}/disable")).status_code == 403
        grant = await admin.ask("POST", f"{own}/grants", {"role": "viewer"})
        assert grant.status_code == 403
        listed = (await ok(admin, "GET", "/administration/accounts"))["accounts"]
        held = {each["login"]: each["grants"][0]["id"] for each in listed}
        mine = await admin.ask("DELETE", f"/administration/grants/{held['admin']}")
        assert mine.status_code == 403
        await ok(admin, "DELETE", f"/administration/grants/{held['second']}")
        await ok(admin, "POST", f"/administration/accounts/{keys['second']}/disable")


@pytest.mark.parametrize("act", ["reset", "forget-second-factor"])
async def test_nobody_gives_himself_or_an_auditor_anew_what_one_signs_in_with(way_in, keys, act):
    async with way_in() as (admin, other):
        for login in ("admin", "audit"):
            refused = await admin.ask("POST", f"/administration/accounts/{keys[login]}/{act}")
            assert refused.status_code == 403
        assert (await other.sign_in("audit")).status_code == 200
        assert await admin.sees() == 200


async def test_of_two_administrators_who_remove_each_other_one_stays(database, keys, clock):
    def removed(who, by):
        with database.engine.begin() as connection:
            administering.disable(connection, who, clock(), by=by)

    with database.engine.begin() as first:
        administering.disable(first, "second", clock(), by="admin")
        later = asyncio.create_task(asyncio.to_thread(removed, "admin", "second"))
        assert not (await asyncio.wait([later], timeout=0.5))[0]  # it waits for the first
    with pytest.raises(Forbidden, match="last administrator"):
        await later


async def test_a_service_or_a_role_that_ends_is_no_other_administrator(database, keys, clock):
    with database.engine.begin() as c:
        service = administering.create(c, "robot", "robot", kind=Kind.SERVICE)
        granting.grant(c, service, Wanted(Role.ADMINISTRATOR), clock())
        until = Wanted(Role.ADMINISTRATOR, valid_until=clock() + timedelta(days=1))
        accounts.person(c, "guest", until, now=clock())
        administering.disable(c, "second", clock())
        with pytest.raises(Forbidden, match="last administrator"):
            administering.disable(c, "admin", clock())


async def test_a_character_that_no_text_holds_is_refused_in_words(way_in):
    async with way_in() as (admin, _):
        given = {"login": "li\0si", "name": "李\0四"}
        for path, body in (
            ("/administration/accounts", given | {"login": "lisi"}),
            ("/administration/accounts", given),
            ("/sign-in", {"login": "li\0si", "password": "x"}),
        ):
            answer = await admin.ask("POST", path, body)
            assert answer.status_code in (400, 422), answer.text


async def test_who_administers_does_not_audit_and_neither_is_over_one_body(way_in, keys):
    async with way_in() as (admin, _):
        path = f"/administration/accounts/{keys['audit']}/grants"
        both = await admin.ask("POST", path, {"role": "administrator"})
        assert both.status_code == 403
        path = f"/administration/accounts/{keys['zhangsan']}/grants"
        part = {"role": "administrator", "body_id": keys["财政局"]}
        assert (await admin.ask("POST", path, part)).status_code == 422
        nowhere = await admin.ask("POST", path, {"role": "viewer", "body_id": 999_999})
        assert nowhere.json()["field"] == "body_id"
        again = {"role": "planner", "body_id": keys["财政局"]}
        assert (await admin.ask("POST", path, again)).status_code == 422


async def test_a_token_of_an_administrator_administers_nothing(way_in):
    async with way_in() as (admin, _):
        given = {"name": "t", "scope": "edit", "expires_at": "2027-01-01T00:00:00Z"}
        token = (await ok(admin, "POST", "/me/tokens", given))["token"]
        answer = await admin.client.get(
            "/administration/accounts", headers={"Authorization": f"Bearer {token}"}
        )
    assert answer.status_code == 403


async def test_a_service_comes_in_with_a_token_that_an_administrator_made(way_in, keys):
    async with way_in() as (admin, _):
        given = {"login": "sensor", "name": "采集器", "kind": "service"}
        made = await ok(admin, "POST", "/administration/accounts", given)
        assert made["password"] is None
        path = f"/administration/accounts/{made['id']}"
        assert (await admin.ask("POST", f"{path}/reset")).status_code == 400
        given = {"name": "t", "expires_at": "2027-01-01T00:00:00Z"}
        token = (await ok(admin, "POST", f"{path}/tokens", given))["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        me = (await admin.client.get("/me", headers=bearer)).json()
        assert me["account"]["kind"] == "service"
        listed = (await ok(admin, "GET", "/administration/tokens"))["tokens"]
        assert [each["login"] for each in listed] == ["sensor"]
        await ok(admin, "DELETE", f"/administration/tokens/{listed[0]['id']}")
        assert (await admin.client.get("/me", headers=bearer)).status_code == 401
        person = f"/administration/accounts/{keys['zhangsan']}/tokens"
        assert (await admin.ask("POST", person, given)).status_code == 400


async def test_sessions_and_bodies_are_listed_and_a_session_is_ended(way_in, keys):
    async with way_in() as (admin, other):
        await other.sign_in("zhangsan")
        listed = (await ok(admin, "GET", "/administration/sessions"))["sessions"]
        theirs = {each["login"]: each for each in listed}
        assert theirs["admin"]["current"]
        await ok(admin, "DELETE", f"/administration/sessions/{theirs['zhangsan']['id']}")
        assert await other.sees() == 401
        bodies = (await ok(admin, "GET", "/administration/bodies"))["bodies"]
        tree = {each["name"]: (each["parent"], each["grants"]) for each in bodies}
        assert tree == {
            "财政局": (None, 1), "会计科": (keys["财政局"], 0), "文化局": (None, 0)
        }  # fmt: skip

"""One's own account: second factor, tokens, sessions."""

from __future__ import annotations

import stat
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pyotp
import pytest

from layers.accounts import csrf_of
from layers.granting import Wanted
from layers.policy import Role
from layers.second_factor import Keys
from layers.signing_in import Rules
from tests.api.signing import Browser, Clock
from tests.layers.support import body
from tests.support import accounts
from tests.support.accounts import PASSWORD


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def way_in(database, serve, clock):
    """``async with way_in() as browser``: zhangsan plans rooms of one body, admin administers."""

    @asynccontextmanager
    async def run(**config):
        options = {"anonymous": "refuse", "accounts_url": database.accounts_url, "clock": clock}
        async with serve(database, **options | config) as client:
            yield Browser(client)

    with database.engine.begin() as c:
        mine = body(c, "财政局")
        body(c, "会计科", mine)
        accounts.person(c, "zhangsan", Wanted(Role.PLANNER, mine), now=clock())
        accounts.person(c, "admin", Role.ADMINISTRATOR, now=clock())
    return run


async def enrol(browser: Browser, clock: Clock, password: str = PASSWORD) -> pyotp.TOTP:
    answer = await browser.ask("POST", "/me/second-factor", {"password": password})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["picture"].startswith("data:image/svg+xml")
    totp = pyotp.parse_uri(told["uri"])
    assert totp.secret == told["secret"]
    code = {"code": totp.at(clock())}
    assert (await browser.ask("POST", "/me/second-factor/confirm", code)).status_code == 200
    return totp


async def test_a_second_factor_is_asked_for_once_it_was_confirmed(way_in, clock):
    async with way_in() as browser:
        await browser.sign_in("zhangsan")
        wrong = await browser.ask("POST", "/me/second-factor", {"password": "Wrong-Horse-7"})
        assert wrong.json()["field"] == "current"
        begun = await browser.ask("POST", "/me/second-factor", {"password": PASSWORD})
        assert begun.status_code == 200
        # Not before: who broke off the setting up is not shut out.
        assert (await browser.sign_in("zhangsan")).json()["step"] == "in"
        totp = await enrol(browser, clock)
        clock.pass_(minutes=1)
        other = Browser(browser.client)
        asked = await other.sign_in("zhangsan")
        assert asked.json()["step"] == "code"
        assert other.cookie is None
        refused = await other.sign_in("zhangsan", code="000000")
        assert (refused.status_code, refused.json()["reason"]) == (401, "code")
        assert (await other.sign_in("zhangsan", code=totp.at(clock()))).json()["step"] == "in"


async def test_a_code_is_taken_once_and_only_near_its_time(way_in, clock):
    async with way_in() as browser:
        await browser.sign_in("zhangsan")
        totp = await enrol(browser, clock)

        async def status(code):
            return (await Browser(browser.client).sign_in("zhangsan", code=code)).status_code

        assert await status(totp.at(clock())) == 401  # it confirmed the setting up
        clock.pass_(minutes=5)
        code = totp.at(clock())
        assert await status(totp.at(clock() - timedelta(seconds=60))) == 401
        assert await status(code) == 200
        assert await status(code) == 401
        clock.pass_(seconds=30)
        assert await status(totp.at(clock() + timedelta(seconds=30))) == 200  # its clock is ahead


async def test_wrong_codes_lock_like_wrong_passwords(way_in, clock):
    async with way_in() as browser:
        await browser.sign_in("zhangsan")
        await enrol(browser, clock)
        for _ in range(5):
            answer = await Browser(browser.client).sign_in("zhangsan", code="000000")
            assert answer.status_code == 401
        assert (await Browser(browser.client).sign_in("zhangsan")).status_code == 429


async def test_who_administers_must_set_up_a_second_factor_before_anything_else(way_in, clock):
    async with way_in() as browser:
        await browser.sign_in("admin")
        assert (await browser.me())["wanting"] == "second_factor"
        refused = await browser.ask("GET", "/administration/accounts")
        assert (refused.status_code, refused.json()["reason"]) == (403, "must_enrol")
        await enrol(browser, clock)
        assert (await browser.ask("GET", "/administration/accounts")).status_code == 200
        removed = await browser.ask("POST", "/me/second-factor/remove", {"password": PASSWORD})
        assert removed.status_code == 403
    async with way_in(sign_in=Rules(second_factor=frozenset())) as browser:
        clock.pass_(minutes=2)
        assert (await browser.sign_in("admin")).json()["step"] == "code"


async def test_the_secret_lies_encrypted_and_its_key_outside_the_database(
    way_in, clock, database, tmp_path
):
    file = tmp_path / "keys" / "accounts.key"
    async with way_in(key_file=file) as browser:
        assert file.exists(), "it is there to be copied from the start"
        await browser.sign_in("zhangsan")
        totp = await enrol(browser, clock)
    with psycopg.connect(database.owner_url) as link:
        (kept,) = link.execute(
            "SELECT totp_secret FROM account WHERE login = 'zhangsan'"
        ).fetchone()
    assert totp.secret not in kept
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Keys(file).decrypt(kept) == totp.secret
    assert Keys().decrypt(kept) is None
    clock.pass_(minutes=2)
    async with way_in(key_file=file) as browser:  # another process, the same file
        code = totp.at(clock())
        assert (await browser.sign_in("zhangsan", code=code)).json()["step"] == "in"


def token(clock: Clock, **more):
    until = clock() + timedelta(days=30)
    return {"name": "笔记本", "scope": "read", "expires_at": until.isoformat()} | more


async def test_a_token_has_no_more_than_its_account_and_is_told_once(way_in, clock):
    async with way_in() as browser:
        await browser.sign_in("zhangsan")
        made = await browser.ask("POST", "/me/tokens", token(clock))
        secret = made.json()["token"]
        bearer = {"Authorization": f"Bearer {secret}"}
        me = (await browser.client.get("/me", headers=bearer)).json()
        assert me["account"]["login"] == "zhangsan"
        assert [(g["role"], g["body"]["name"]) for g in me["grants"]] == [("planner", "财政局")]
        assert me["csrf"] is None
        listed = (await browser.ask("GET", "/me/tokens")).json()["tokens"]
        assert [each["name"] for each in listed] == ["笔记本"]
        assert secret not in str(listed)
        # It reads: it changes nothing, and makes nothing with more rights than itself.
        change = await browser.client.post("/changes", json={"puts": []}, headers=bearer)
        assert (change.status_code, change.json()["reason"]) == (403, "read_only")
        more = await browser.client.post("/me/tokens", json=token(clock), headers=bearer)
        assert more.status_code == 401


async def test_a_token_is_no_session_and_a_session_no_token_though_each_is_remembered(
    way_in, clock
):
    async with way_in() as browser:
        await browser.sign_in("zhangsan")
        secret = (await browser.ask("POST", "/me/tokens", token(clock))).json()["token"]
        bearer = {"Authorization": f"Bearer {secret}"}
        for _ in range(2):
            assert (await browser.client.get("/me", headers=bearer)).status_code == 200
        thief = Browser(browser.client, cookie=secret, csrf=csrf_of(secret))
        assert (
            await thief.ask("POST", "/me/tokens", token(clock, scope="edit"))
        ).status_code == 401
        assert await thief.sees() == 401
        assert await browser.sees() == 200
        for path in ("/me", "/ogc/collections/rooms/items"):
            shown = {"Authorization": f"Bearer {browser.cookie}"}
            assert (await browser.client.get(path, headers=shown)).status_code == 401


async def test_a_token_expires_within_a_year_and_says_so(way_in, clock):
    async with way_in() as browser:
        await browser.sign_in("zhangsan")
        for days in (-1, 0, 367):
            until = (clock() + timedelta(days=days)).isoformat()
            answer = await browser.ask("POST", "/me/tokens", token(clock, expires_at=until))
            assert answer.status_code == 422, days
        without = await browser.ask("POST", "/me/tokens", {"name": "x"})
        assert without.status_code == 400
        unknown = await browser.ask("POST", "/me/tokens", token(clock, layers=["chambers"]))
        assert unknown.json()["field"] == "layers"
        secret = (await browser.ask("POST", "/me/tokens", token(clock))).json()["token"]
        bearer = {"Authorization": f"Bearer {secret}", "Accept-Language": "en"}
        path = "/ogc/collections/rooms/items"
        assert (await browser.client.get(path, headers=bearer)).status_code == 200
        clock.pass_(days=30)
        answer = await browser.client.get(path, headers=bearer)
        assert (answer.status_code, answer.json()["reason"]) == (401, "token_expired")
        assert "2026-11-11" in answer.json()["detail"]


async def test_a_revoked_token_is_refused_with_the_next_request(way_in, clock):
    async with way_in() as browser:
        await browser.sign_in("zhangsan")
        made = (await browser.ask("POST", "/me/tokens", token(clock))).json()
        bearer = {"Authorization": f"Bearer {made['token']}"}
        path = "/ogc/collections/rooms/items"
        assert (await browser.client.get(path, headers=bearer)).status_code == 200
        assert (await browser.ask("DELETE", f"/me/tokens/{made['id']}")).status_code == 200
        assert (await browser.client.get(path, headers=bearer)).status_code == 401
        assert (await browser.ask("DELETE", f"/me/tokens/{made['id']}")).status_code == 404


async def test_nobody_revokes_or_ends_what_is_anothers(way_in, clock):
    async with way_in(sign_in=Rules(second_factor=frozenset())) as browser:
        other = Browser(browser.client)
        await browser.sign_in("zhangsan")
        await other.sign_in("admin")
        made = (await browser.ask("POST", "/me/tokens", token(clock))).json()
        assert (await other.ask("DELETE", f"/me/tokens/{made['id']}")).status_code == 404
        session = (await browser.ask("GET", "/me/sessions")).json()["sessions"][0]["id"]
        assert (await other.ask("DELETE", f"/me/sessions/{session}")).status_code == 404
        assert await browser.sees() == 200


async def test_one_sees_ones_sessions_and_ends_them(way_in):
    async with way_in() as browser:
        other = Browser(browser.client, headers={"User-Agent": "Another/1"})
        await browser.sign_in("zhangsan")
        await other.sign_in("zhangsan")
        listed = (await browser.ask("GET", "/me/sessions")).json()["sessions"]
        assert {each["current"] for each in listed} == {True, False}
        (foreign,) = [each for each in listed if not each["current"]]
        assert foreign["agent"] == "Another/1"
        ended = await browser.ask("DELETE", f"/me/sessions/{foreign['id']}")
        assert ended.status_code == 200
        assert [await browser.sees(), await other.sees()] == [200, 401]
        assert (await other.me())["ended"]["why"] == "by_holder"

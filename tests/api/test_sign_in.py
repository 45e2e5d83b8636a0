"""Coming in and going out: passwords, lock-outs, sessions, cookies and other sites."""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import psycopg
import pytest
import sqlalchemy as sa

from layers import administering, signing_in
from layers.accounts import SignInSession
from layers.base import table_of
from layers.committing import committing
from layers.policy import Role
from layers.problems import TooMany
from layers.signing_in import Rules
from tests.api.signing import Browser, Clock
from tests.api.test_kept_tiles import ready
from tests.support import accounts
from tests.support.accounts import PASSWORD

SESSION = table_of(SignInSession)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def way_in(database, serve, clock):
    """``async with way_in() as browser``: a service that nobody sees without signing in."""

    @asynccontextmanager
    async def run(**config):
        options = {"anonymous": "refuse", "accounts_url": database.accounts_url, "clock": clock}
        async with serve(database, **options | config) as client:
            yield Browser(client)

    with database.engine.begin() as c:
        accounts.person(c, "zhangsan", Role.VIEWER, now=clock())
    return run


async def test_who_signs_in_is_known_until_signing_out(way_in):
    async with way_in() as browser:
        assert await browser.sees() == 401
        answer = await browser.sign_in("ZhangSan ")
        assert answer.json() == {"step": "in", "replaced": 0}
        told = answer.headers["set-cookie"].lower()
        assert "httponly" in told
        assert "samesite=strict" in told
        assert "path=/" in told
        me = await browser.me()
        assert me["account"]["login"] == "zhangsan"
        assert [each["name"] for each in me["roles"]] == ["viewer"]
        assert me["grants"] == [
            {"role": "viewer", "body": None, "layers": None, "valid_until": None}
        ]
        assert await browser.sees() == 200
        assert (await browser.ask("POST", "/sign-out")).status_code == 200
        assert await browser.sees() == 401
        assert (await browser.me())["ended"]["why"] == "signed_out"


async def test_over_tls_the_cookie_is_for_this_host_and_for_tls_alone(way_in):
    async with way_in(public_url="https://map.test/") as browser:
        answer = await browser.sign_in("zhangsan")
        told = answer.headers["set-cookie"]
        assert told.startswith("__Host-onemap_session=")
        assert "Secure" in told
        assert "Domain" not in told
        out = await browser.ask("POST", "/sign-out")
        assert out.headers["clear-site-data"] == '"cache"'


async def test_a_wrong_name_and_a_wrong_password_are_told_in_the_same_words(way_in):
    async with way_in() as browser:
        wrong = await browser.sign_in("zhangsan", "Wrong-Horse-7")
        nobody = await browser.sign_in("nobody", "Wrong-Horse-7")
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json() == nobody.json()
    assert wrong.headers.get("set-cookie") == nobody.headers.get("set-cookie") is None


def test_a_name_that_there_is_not_takes_as_long_as_a_wrong_password(database, clock):
    rules, keys = Rules(failures=10_000), signing_in.Keys()
    with database.engine.begin() as c:
        accounts.person(c, "zhangsan", now=clock())
    took = {"zhangsan": [], "nobody": []}
    for turn in range(31):
        for login, times in took.items():
            began = time.process_time()
            with database.engine.begin() as c:
                given = signing_in.Given(login, "Wrong-Horse-7")
                signing_in.sign_in(c, given, rules, keys, clock())
            if turn:  # the first makes nobody's hash
                times.append(time.process_time() - began)
    known, unknown = (statistics.median(times) for times in took.values())
    assert unknown > 0.7 * known
    assert known > 0.7 * unknown


@pytest.mark.parametrize("login", ["zhangsan", "nobody"])
async def test_five_failures_lock_a_name_for_a_quarter_of_an_hour_whoever_it_is(
    way_in, clock, login
):
    async with way_in() as browser:
        for _ in range(5):
            assert (await browser.sign_in(login, "Wrong-Horse-7")).status_code == 401
        locked = await browser.sign_in(login)
        assert locked.status_code == 429
        assert locked.json()["reason"] == "locked"
        assert locked.json()["title"] == "The account is locked"
        assert 0 < int(locked.headers["retry-after"]) <= 15 * 60 + 1
        clock.pass_(minutes=14, seconds=50)
        assert (await browser.sign_in(login)).status_code == 429
        clock.pass_(seconds=20)
        assert (await browser.sign_in(login)).status_code == (200 if login == "zhangsan" else 401)


async def test_a_right_password_begins_the_count_anew_and_an_administrator_unlocks(
    way_in, database, clock
):
    async with way_in() as browser:
        for _ in range(2):
            for _ in range(4):
                await browser.sign_in("zhangsan", "Wrong-Horse-7")
            assert (await browser.sign_in("zhangsan")).status_code == 200
        for _ in range(5):
            await browser.sign_in("zhangsan", "Wrong-Horse-7")
        assert (await browser.sign_in("zhangsan")).status_code == 429
        with database.engine.begin() as c:
            assert signing_in.unlock(c, "zhangsan")
        assert (await browser.sign_in("zhangsan")).status_code == 200


async def test_what_was_typed_for_a_name_is_kept_nowhere(way_in, database):
    async with way_in() as browser:
        await browser.sign_in("MySecret-Passw0rd", "x")
    with psycopg.connect(database.owner_url) as link:
        kept = link.execute("SELECT f::text FROM sign_in_failure f").fetchall()
    assert len(kept) == 1
    assert "secret" not in str(kept).lower()


async def test_a_session_ends_when_it_is_not_used_and_in_any_case_after_half_a_day(way_in, clock):
    async with way_in() as browser:
        await browser.sign_in("zhangsan")
        for _ in range(3):
            clock.pass_(minutes=29)
            assert await browser.sees() == 200
        clock.pass_(minutes=30)
        assert await browser.sees() == 401
        assert (await browser.me())["ended"]["why"] == "idle"
        await browser.sign_in("zhangsan")
        for _ in range(12 * 60 // 20 - 1):
            clock.pass_(minutes=20)
            assert await browser.sees() == 200
        clock.pass_(minutes=20)
        assert await browser.sees() == 401


async def test_the_last_use_is_written_once_a_minute(way_in, database, clock):
    async with way_in() as browser:
        await browser.sign_in("zhangsan")
        callers = browser.client._transport.app.state.callers

        async def seen():
            await callers.settled()
            with database.engine.connect() as c:
                return c.scalar(sa.select(SESSION.c.seen_at))

        first = await seen()
        clock.pass_(seconds=50)
        await browser.sees()
        assert await seen() == first
        clock.pass_(seconds=20)
        await browser.sees()
        assert await seen() == clock()


async def test_of_more_than_three_sessions_the_one_longest_unused_ends_and_says_why(way_in, clock):
    async with way_in() as first:
        browsers = [first, *(Browser(first.client) for _ in range(3))]
        for browser in browsers[:3]:
            await browser.sign_in("zhangsan")
            clock.pass_(minutes=2)
        assert await first.sees() == 200  # used later than the second one
        clock.pass_(minutes=2)
        await first.client._transport.app.state.callers.settled()
        answer = await browsers[3].sign_in("zhangsan")
        assert answer.json()["replaced"] == 1
        assert [await each.sees() for each in browsers] == [200, 401, 200, 200]
        ended = (await browsers[1].me())["ended"]
        assert ended["why"] == "replaced"
        assert "elsewhere" in ended["text"]


async def test_a_password_that_was_given_must_be_changed_before_anything_else(
    way_in, database, clock
):
    with database.engine.begin() as c:
        administering.reset(c, "zhangsan", Rules(), clock(), password="Handed-Over-1")
    async with way_in() as browser:
        await browser.sign_in("zhangsan", "Handed-Over-1")
        assert (await browser.me())["wanting"] == "password"
        refused = await browser.ask("GET", "/ogc/collections/rooms/items")
        assert refused.status_code == 403
        assert refused.json()["reason"] == "must_change"
        tile = await browser.ask("GET", "/tiles/buildings/16/1/1")
        assert tile.status_code == 403
        token = {"name": "x", "expires_at": "2026-11-01T00:00:00Z"}
        assert (await browser.ask("POST", "/me/tokens", token)).status_code == 403

        async def change(current, password):
            body = {"current": current, "password": password}
            return await browser.ask("POST", "/me/password", body)

        assert (await change("Wrong-Horse-7", "Another-Horse-8")).json()["field"] == "current"
        for bad in ("short", "Handed-Over-1", PASSWORD, "zhangsan-Abc-1"):
            answer = await change("Handed-Over-1", bad)
            assert answer.status_code == 422, bad
            assert answer.json()["field"] == "password"
        assert (await change("Handed-Over-1", "Another-Horse-8")).status_code == 200
        assert await browser.sees() == 200
        assert (await browser.me())["wanting"] is None


async def test_a_password_may_come_again_after_five_others(way_in):
    async with way_in() as browser:
        await browser.sign_in("zhangsan")
        present = PASSWORD
        for turn in range(5):
            body = {"current": present, "password": PASSWORD}
            assert (await browser.ask("POST", "/me/password", body)).status_code == 422
            fresh = f"Another-Horse-{turn}"
            body = {"current": present, "password": fresh}
            assert (await browser.ask("POST", "/me/password", body)).status_code == 200
            present = fresh
        body = {"current": present, "password": PASSWORD}
        assert (await browser.ask("POST", "/me/password", body)).status_code == 200


async def test_changing_the_password_ends_the_other_sessions(way_in):
    async with way_in() as browser:
        other = Browser(browser.client)
        await browser.sign_in("zhangsan")
        await other.sign_in("zhangsan")
        assert await other.sees() == 200
        body = {"current": PASSWORD, "password": "Another-Horse-8"}
        assert (await browser.ask("POST", "/me/password", body)).status_code == 200
        assert [await browser.sees(), await other.sees()] == [200, 401]


async def test_an_old_password_must_be_changed_where_the_rules_say_so(way_in, clock):
    async with way_in(sign_in=Rules(password_age=timedelta(days=90))) as browser:
        await browser.sign_in("zhangsan")
        assert await browser.sees() == 200
        clock.pass_(days=90)
        await browser.sign_in("zhangsan")
        assert (await browser.me())["wanting"] == "password"


async def test_another_site_can_make_a_browser_write_nothing(way_in):
    async with way_in() as browser:
        await browser.sign_in("zhangsan")
        path, body = "/changes", {"puts": []}

        async def status(**headers):
            answer = await browser.ask("POST", path, body, **headers)
            return answer.status_code, answer.json().get("reason")

        allowed = await status()
        assert allowed[0] != 403 or allowed[1] not in ("origin", "csrf")
        assert await status(Origin="https://evil.test") == (403, "origin")
        assert await status(Origin="null") == (403, "origin")
        assert await status(Sec_Fetch_Site="cross-site") == (403, "origin")
        assert await status(Sec_Fetch_Site="same-site") == (403, "origin")
        assert await status(X_CSRF_Token="") == (403, "csrf")
        assert await status(X_CSRF_Token="0" * 64) == (403, "csrf")
        # Nor sign it in as somebody else.
        answer = await browser.ask(
            "POST", "/sign-in", {"login": "a", "password": "b"}, Origin="https://evil.test"
        )
        assert answer.status_code == 403


async def test_another_site_cannot_write_where_nobody_needs_to_sign_in(database, serve):
    async with serve(database, anonymous_edits=True) as client:
        other = {"Origin": "https://evil.test"}
        answer = await client.post("/changes", json={"puts": []}, headers=other)
        assert answer.json()["reason"] == "origin"
        # A program is no browser and says nothing of its origin.
        answer = await client.post("/changes", json={"puts": []})
        assert "reason" not in answer.json()


async def test_a_session_that_was_ended_elsewhere_is_refused_with_the_next_request(
    way_in, database
):
    async with way_in(tile_cache_mb=8) as browser:
        state = await ready(browser.client)
        await browser.sign_in("zhangsan")
        tile = "/tiles/buildings/16/1/1"
        for _ in range(3):
            assert (await browser.ask("GET", tile)).status_code == 204
        with committing(database.engine, state.ticks) as c:
            c.execute(sa.update(SESSION).values(ended_at=sa.func.now(), ended_why="by_holder"))
        assert (await browser.ask("GET", tile)).status_code == 401
        assert await browser.sees() == 401


async def test_a_kept_tile_is_not_served_to_a_session_that_the_clock_has_ended(way_in, clock):
    async with way_in(tile_cache_mb=8) as browser:
        await ready(browser.client)
        await browser.sign_in("zhangsan")
        for _ in range(2):
            answer = await browser.ask("GET", "/tiles/buildings/16/1/1")
            assert answer.status_code == 204
        clock.pass_(minutes=31)
        assert (await browser.ask("GET", "/tiles/buildings/16/1/1")).status_code == 401


async def test_where_no_role_lets_people_in_signing_in_says_what_to_set(database, serve):
    async with serve(database, anonymous="public") as client:
        answer = await client.post("/sign-in", json={"login": "a", "password": "b"})
        assert answer.status_code == 503
        assert "ONEMAP_ACCOUNTS_DATABASE_URL" in answer.json()["detail"]
        assert (await client.get("/me")).json()["sign_in"]["password"] is False


async def test_a_guard_sees_a_sign_in_before_anything_is_compared(way_in):
    async with way_in() as browser:

        async def guard(request):
            raise TooMany("慢", "slow down", retry_after_s=7)

        browser.client._transport.app.state.before_sign_in.append(guard)
        answer = await browser.sign_in("zhangsan")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "7"


async def test_what_was_sent_with_a_password_does_not_come_back(way_in):
    async with way_in() as browser:
        wrong = await browser.ask("POST", "/sign-in", {"name": "zhangsan", "password": PASSWORD})
        assert wrong.status_code == 400
        assert {each["field"] for each in wrong.json()["errors"]} == {"login", "name"}
        assert PASSWORD not in wrong.text
        await browser.sign_in("zhangsan")
        wrong = await browser.ask("POST", "/me/password", {"password": PASSWORD, "new": "x"})
        assert wrong.status_code == 400
        assert PASSWORD not in wrong.text


async def test_signing_in_at_once_has_no_more_attempts_than_one_after_another(way_in):
    async with way_in() as browser:
        answers: list[httpx.Response] = await asyncio.gather(
            *(Browser(browser.client).sign_in("zhangsan", f"Wrong-{n}") for n in range(12))
        )
    assert sorted(each.status_code for each in answers) == [401] * 5 + [429] * 7

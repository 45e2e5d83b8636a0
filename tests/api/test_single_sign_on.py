"""Single sign-on over a provider of OpenID Connect, and what the groups are granted."""

from __future__ import annotations

from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from api.session import Oidc
from layers.policy import Role
from tests.api.signing import Browser
from tests.api.test_audit import until
from tests.layers.support import body
from tests.support import accounts
from tests.support.provider import CLIENT, SECRET, provider

GROUPS = {
    "planners": (("planner", "012", None), ("viewer", None, ("buildings",))),
    "cars": (("dispatcher", None, None),),
    "gone": (("viewer", "999", None),),
    "admins": (("administrator", None, None),),
    "auditors": (("auditor", None, None),),
}
ZHANG = {"sub": "u-1", "preferred_username": "ZhangSan", "name": "张三"}


@pytest.fixture(scope="module")
def running():
    with provider() as made:
        yield made


@pytest.fixture
def way_in(database, serve, running):
    running.person, running.more_claims, running.signs_with = dict(ZHANG), {}, None
    with database.engine.begin() as c:
        body(c, "教育局", source_key="012")
        accounts.person(c, "zhangsan", Role.ASSET_MANAGER)
    oidc = Oidc(running.discovery, CLIENT, SECRET, "统一认证", groups=GROUPS)

    @asynccontextmanager
    async def run(**config):
        options = {"anonymous": "refuse", "accounts_url": database.accounts_url, "oidc": oidc}
        async with serve(database, **options | config) as client:
            yield Browser(client)

    return run


async def over_there(browser, back="#map=18/38.9/119.6"):
    """Go to the provider and come back, as a browser does; returns the last answer."""
    client = browser.client
    client.cookies.clear()
    gone = await client.get("/sign-in/single", params={"back": back})
    assert gone.status_code == 303
    if "/authorize" not in gone.headers["location"]:
        return gone
    way = gone.cookies["onemap_way"]
    async with httpx.AsyncClient(trust_env=False) as other:
        vouched = await other.get(gone.headers["location"])
    returned = urlsplit(vouched.headers["location"])
    assert returned.netloc == "map.test"
    headers = {"Cookie": f"onemap_way={way}"}
    client.cookies.clear()
    ended = await client.get(f"{returned.path}?{returned.query}", headers=headers)
    if "onemap_session" in ended.cookies:
        browser.cookie = ended.cookies["onemap_session"]
        browser.csrf = (await browser.me())["csrf"]
    return ended


def held(me):
    return {
        (g["role"], g["body"] and g["body"]["name"], tuple(g["layers"] or ())) for g in me["grants"]
    }


async def test_who_comes_back_has_what_the_groups_are_granted(way_in, running):
    async with way_in() as browser:
        assert (await browser.me())["sign_in"]["single_sign_on"] == "统一认证"
        running.person["groups"] = ["planners", "unknown", "gone"]
        ended = await over_there(browser)
        assert ended.headers["location"] == "http://map.test/#map=18/38.9/119.6"
        cookie = [v for v in ended.headers.get_list("set-cookie") if "onemap_session" in v]
        assert "samesite=strict" in cookie[0].lower()
        me = await browser.me()
        assert me["account"]["name"] == "张三"
        # There is a local account of that name: it is another's.
        assert me["account"]["login"] == "zhangsan-2"
        assert me["account"]["password"] is False
        assert held(me) == {("planner", "教育局", ()), ("viewer", None, ("buildings",))}
        running.person["groups"] = ["cars"]
        await over_there(browser)
        again = await browser.me()
        assert again["account"]["id"] == me["account"]["id"]
        assert held(again) == {("dispatcher", None, ())}


async def test_duties_that_nobody_has_together_let_nobody_in(way_in, running):
    async with way_in() as browser:
        running.person["groups"] = ["admins", "auditors"]
        ended = await over_there(browser)
        assert ended.headers["location"] == "http://map.test/?refused=1"
        assert browser.cookie is None


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.test"},
        {"aud": "another-client"},
        {"nonce": "of-another-sign-in"},
        {"exp": 1},
        {"sub": None},
    ],
    ids=lambda claims: next(iter(claims)),
)
async def test_an_identity_token_that_is_not_for_this_sign_in_is_refused(way_in, running, claims):
    running.more_claims = claims
    async with way_in() as browser:
        ended = await over_there(browser)
        assert ended.headers["location"].endswith("/?refused=1")
        assert browser.cookie is None


async def test_a_signature_of_another_key_is_refused(way_in, running):
    running.signs_with = RSAKey.generate_key(2048, {"kid": "k1"})
    async with way_in() as browser:
        ended = await over_there(browser)
        assert ended.headers["location"].endswith("/?refused=1")


async def test_who_did_not_begin_here_does_not_end_here(way_in, running):
    async with way_in() as browser:
        answer = await browser.client.get("/sign-in/single/callback?code=x&state=y")
        assert answer.headers["location"].endswith("/?refused=1")
        gone = await browser.client.get("/sign-in/single")
        way = {"Cookie": f"onemap_way={gone.cookies['onemap_way']}"}
        answer = await browser.client.get(
            "/sign-in/single/callback?code=x&state=another", headers=way
        )
        assert answer.headers["location"].endswith("/?refused=1")


async def test_nobody_is_sent_on_to_another_site(way_in):
    async with way_in() as browser:
        for back in ("https://evil.test/", "//evil.test", "/\\evil.test"):
            ended = await over_there(browser, back=back)
            assert ended.headers["location"] == "http://map.test/"


async def test_a_disabled_account_does_not_come_back_over_the_provider(way_in, database):
    async with way_in() as browser:
        await over_there(browser)
        with database.engine.begin() as c:
            c.exec_driver_sql("UPDATE account SET disabled_at = now() WHERE subject = 'u-1'")
        browser.cookie = None
        ended = await over_there(browser)
        assert ended.headers["location"].endswith("/?refused=1")
        found = await until(database, "sign_in", count=2)
    # As the provider calls him, who vouched for him.
    assert ("failed", "ZhangSan") in {(each["outcome"], each["account"]) for each in found}


async def test_where_the_provider_is_away_it_is_told_on_the_page(database, serve):
    oidc = Oidc("http://127.0.0.1:1/.well-known/openid-configuration", CLIENT, SECRET)
    async with serve(database, accounts_url=database.accounts_url, oidc=oidc) as client:
        gone = await client.get("/sign-in/single")
        assert gone.headers["location"] == "http://map.test/?refused=1"
    async with serve(database, accounts_url=database.accounts_url) as client:
        assert (await client.get("/sign-in/single")).status_code == 404

"""Who asks too often is told to wait, by account or by address, in every process of the host."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from api.rates import Rates, counted_as, kind_of
from layers.accounts import new_token
from layers.policy import Role
from layers.problems import TooMany
from tests.api.conftest import Serve
from tests.api.signing import Browser
from tests.api.test_problems import assert_problem
from tests.support import accounts
from tests.support.databases import Clone
from tests.support.service import services

FAR = {"X-Forwarded-For": "192.0.2.7"}
OTHER = {"X-Forwarded-For": "192.0.2.8"}


@contextmanager
def two(database: Clone, tmp_path, **limits: str) -> Iterator[list[httpx.Client]]:
    """Two processes that count together."""
    file = str(tmp_path / "limits.sqlite")
    told = {"limits": limits, "limits_file": file, "anonymous": "public"}
    with services(
        database.app_url, 2, accounts_url=database.accounts_url, ticks=str(tmp_path / "t"), **told
    ) as (addresses, _):
        yield [httpx.Client(base_url=each, trust_env=False) for each in addresses]


def statuses(clients: list[httpx.Client], path: str, times: int, **headers: str) -> list[int]:
    return [clients[n % len(clients)].get(path, headers=headers).status_code for n in range(times)]


def test_two_processes_count_together_by_address_and_by_account(database, tmp_path):
    token = new_token()
    with database.engine.begin() as link:
        accounts.with_token(link, "a", token, whole_estate=True)
    limits = {"searches": "4 per minute", "tokens": "3 per minute", "sign_in": "5 per minute"}
    with two(database, tmp_path, **limits) as clients:
        assert statuses(clients, "/search?q=a", 6, **FAR) == [200] * 4 + [429] * 2
        assert statuses(clients, "/search?q=a", 1, **OTHER) == [200]
        bearing = {"Authorization": f"Bearer {token}"}
        # An account is one wherever it asks from, and is not what its address asked for.
        assert statuses(clients, "/search?q=a", 3, **bearing, **FAR) == [200] * 3
        assert statuses(clients, "/search?q=a", 3, **bearing, **OTHER) == [200, 429, 429]

        wrong = {"Authorization": "Bearer om_wrong", **OTHER}
        assert statuses(clients, "/catalogue", 5, **wrong) == [401] * 3 + [429] * 2
        assert statuses(clients, "/catalogue", 2, **bearing, **OTHER) == [200] * 2  # it is known
        assert statuses(clients, "/catalogue", 1, **wrong | FAR) == [401]

        tried = [
            clients[n % 2].post("/sign-in", json={"login": f"n{n}", "password": "x"}, headers=FAR)
            for n in range(7)
        ]
        assert [each.status_code for each in tried] == [401] * 5 + [429] * 2


@pytest.mark.parametrize(("language", "word"), [("zh", "秒后再试"), ("en", "try again in")])
async def test_a_refusal_says_when_to_come_again_in_both_languages(
    database, serve: Serve, language, word
):
    async with serve(database, limits={"filters": "1 per minute"}) as client:
        path = f"/ogc/collections/rooms/items?filter=number%3D%271%27&lang={language}"
        assert (await client.get(path, headers=FAR)).status_code == 200
        answer = await client.get(path, headers=FAR)
        body = assert_problem(answer, 429)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert word in body["detail"]
        assert body["reason"] == "rate"


async def test_writes_and_exports_have_limits_of_their_own(database, serve: Serve):
    with database.engine.begin() as link:
        accounts.person(link, "zhang", Role.PLANNER)
    limits = {"writes": "2 per minute", "exports": "1 per minute"}
    options = {"limits": limits, "accounts_url": database.accounts_url, "anonymous": "public"}
    async with serve(database, **options) as client:
        zhang = Browser(client)
        await zhang.sign_in("zhang")
        wrong = {"puts": []}
        asked = [(await zhang.ask("POST", "/changes", wrong)).status_code for _ in range(3)]
        assert asked[:2] != [429, 429]
        assert asked[2] == 429
        asked = [
            (await zhang.ask("GET", "/lists/rooms/export?format=csv")).status_code for _ in range(2)
        ]
        assert asked == [200, 429]
        assert (await zhang.ask("GET", "/lists/rooms")).status_code == 200


async def test_a_flood_from_one_address_is_refused_and_others_are_answered(database, serve: Serve):
    async with serve(database, limits={"requests": "5 per minute"}) as client:
        asked = [(await client.get("/healthz", headers=FAR)).status_code for _ in range(7)]
        assert asked == [200] * 5 + [429] * 2
        assert (await client.get("/healthz", headers=OTHER)).status_code == 200
        here = [(await client.get("/healthz")).status_code for _ in range(7)]
        assert here == [200] * 7  # programs on the machine itself


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        (b"filter=a", "filters"), (b"filt%65r=a%3D1", "filters"), (b"q=1&%66ilter=", "filters"),
        (b"", None), (b"q=%66ilter", None), (b"%66ilters=1", None),
    ],
)  # fmt: skip
def test_a_filter_is_one_however_its_name_is_written(query, kind):
    assert kind_of({"type": "http", "path": "/lists/rooms", "query_string": query}) == kind


def test_an_address_of_the_new_kind_is_counted_as_its_network():
    assert counted_as("2001:db8:1:2:3::4") == counted_as("2001:db8:1:2::9")
    assert counted_as("2001:db8:1:2::9") != counted_as("2001:db8:1:3::9")
    assert counted_as("::1") is None


def test_a_count_begins_anew_when_its_time_is_over(tmp_path, monkeypatch):
    rates = Rates({"searches": "2 per minute"}, tmp_path / "limits.sqlite")
    for _ in range(2):
        rates.take("searches", "address/a")
    with pytest.raises(TooMany) as refused:
        rates.take("searches", "address/a")
    wait = refused.value.details["retry_after_s"]
    now = __import__("time").time()
    monkeypatch.setattr("api.rates.time.time", lambda: now + wait)
    rates.take("searches", "address/a")


def test_without_its_file_a_process_counts_alone_and_says_so(tmp_path, caplog):
    file = tmp_path / "limits.sqlite"
    file.write_bytes(b"no database at all, but long enough to be read as one" * 100)
    rates = Rates({"searches": "1 per minute"}, file)
    with caplog.at_level(logging.WARNING):
        rates.take("searches", "address/a")
    with pytest.raises(TooMany):
        rates.take("searches", "address/a")
    assert "counts alone" in caplog.text
    with pytest.raises(sqlite3.Error):
        sqlite3.connect(file).execute("SELECT 1 FROM counted")

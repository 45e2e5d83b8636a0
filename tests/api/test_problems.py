"""Every error is problem+json, in the language of the caller."""

from __future__ import annotations

import httpx

from layers.accounts import new_token
from layers.committing import committing
from tests.api.conftest import Serve
from tests.support import accounts
from tests.support.databases import Clone


def assert_problem(answer: httpx.Response, status: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["detail"]
    return body


async def test_an_unknown_address_is_a_problem_in_both_languages(client: httpx.AsyncClient):
    chinese = assert_problem(await client.get("/nowhere"), 404)
    english = assert_problem(
        await client.get("/nowhere", headers={"Accept-Language": "en-GB,zh;q=0.4"}), 404
    )
    assert "没有地址" in chinese["detail"]
    assert "nothing at /nowhere" in english["detail"]


async def test_a_wrong_method_names_those_allowed(client: httpx.AsyncClient):
    answer = await client.post("/ogc/collections?lang=en")
    body = assert_problem(answer, 405)
    assert answer.headers["allow"] == "GET"
    assert "GET" in body["detail"]


async def test_a_database_that_is_away_is_unavailable_and_not_a_crash(serve: Serve):
    away = "postgresql://nobody@127.0.0.1:1/none"
    async with serve(away) as client:
        answer = await client.get("/ogc/collections/rooms/items?lang=en")
        body = assert_problem(answer, 503)
        assert "database" in body["detail"]
        assert answer.headers["retry-after"]


async def test_a_token_is_known_wrong_or_revoked(database: Clone, serve: Serve):
    token = new_token()
    with database.engine.begin() as link:
        accounts.with_token(link, "a", token, whole_estate=True)
    async with serve(database, anonymous="refuse") as client:
        url, known = "/ogc/collections/rooms/items", {"Authorization": f"Bearer {token}"}
        assert_problem(await client.get(url), 401)
        assert_problem(await client.get(url, headers={"Authorization": "Bearer om_wrong"}), 401)
        assert (await client.get(url, headers=known)).status_code == 200
        with committing(database.engine, client._transport.app.state.ticks) as link:
            accounts.revoke_all(link)
        answer = await client.get(url, headers=known)
        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_impossible_moment_names_the_parameter(client: httpx.AsyncClient):
    body = assert_problem(await client.get("/ogc/collections/rooms/items?at=soon&lang=en"), 400)
    assert body["field"] == "at"
    assert body["value"] == "soon"


async def test_whether_the_service_is_ready_may_be_asked_by_anybody(database, serve):
    async with serve(database, anonymous="refuse") as client:
        assert (await client.get("/catalogue")).status_code == 401
        assert (await client.get("/readyz")).json() == {"status": "ready"}

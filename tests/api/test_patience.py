"""What is too large, too deep or too slow is refused, and holds nothing that others need."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import sqlalchemy as sa

from api import database as connections
from api import limits, patience
from api.session import Config
from api.writing import Writer
from layers.cql2 import MAX_LENGTH
from layers.cql2_operands import MAX_DEPTH, MAX_NODES
from layers.problems import BadRequest
from layers.ticks import Ticks
from tests.api.conftest import Serve
from tests.api.test_problems import assert_problem
from tests.support.live import listening


@pytest.fixture
def hasty(database, monkeypatch, tmp_path) -> Iterator[str]:
    """A service that waits for nobody for long."""
    monkeypatch.setattr(patience, "HEAD_S", 0.4)
    monkeypatch.setattr(patience, "TAKE_S", 0.4)
    monkeypatch.setattr(limits, "CONTENT_S", 0.6)
    monkeypatch.setattr(limits, "UPLOAD_S", 4.0)
    monkeypatch.setattr(limits, "SILENCE_S", 1.0)
    options = {"anonymous_edits": True, "tile_cache_mb": 1, "data_dir": tmp_path,
               "accounts_url": database.accounts_url}  # fmt: skip
    with listening(database.app_url, **options) as address:
        yield address


def connected(address: str) -> socket.socket:
    where = urlsplit(address)
    return socket.create_connection((where.hostname, where.port), timeout=10)


def answered(link: socket.socket) -> bytes:
    parts = []
    # Who is refused amid its words may be told nothing more than that.
    with contextlib.suppress(ConnectionResetError):
        while part := link.recv(65536):
            parts.append(part)
    return b"".join(parts)


def send_on(link: socket.socket) -> None:
    for _ in range(1000):
        link.sendall(b"a" * 10_000)
        time.sleep(0.001)


def ask_on(link: socket.socket, until: float) -> None:
    while time.monotonic() < until:
        link.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("status", "head"),
    [
        (414, b"GET /catalogue?q=" + b"a" * patience.MOST_URL + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * patience.MOST_HEAD + b"\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-A: b\r\n" * (patience.MOST_HEAD // 8)),
        (400, b"\x16\x03\x01 what is this\r\n\r\n"),
    ],
)
def test_a_head_that_is_too_large_or_none_is_refused(hasty, status, head):
    with connected(hasty) as link:
        link.sendall(head)
        told = answered(link)
    assert told.startswith(f"HTTP/1.1 {status} ".encode())
    assert httpx.get(f"{hasty}healthz").status_code == 200


def test_a_head_without_an_end_is_refused_before_it_has_one(hasty):
    with connected(hasty) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ")
        with pytest.raises(OSError):
            send_on(link)
    assert httpx.get(f"{hasty}healthz").status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"", b""), (b"GET / HTTP/1.1\r\nHost: a\r\nX-", b"408"), (b"GET /tiles/rooms/1", b"408")],
)
def test_a_head_that_does_not_come_is_not_waited_for(hasty, sent, status):
    with connected(hasty) as link:
        link.sendall(sent)
        began = time.monotonic()
        told = answered(link)
        assert time.monotonic() - began < 3
    assert told[9:12] == status


def test_the_second_request_of_a_connection_is_no_better(hasty):
    with connected(hasty) as link:
        link.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HT")
        told = answered(link)
    assert told.startswith(b"HTTP/1.1 200 OK")
    assert told.count(b"HTTP/1.1") == 1  # and it was closed


def test_a_content_that_does_not_come_is_given_up(hasty):
    with connected(hasty) as link:
        link.sendall(
            b"POST /changes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Connection: close\r\nContent-Length: 100\r\n\r\n{"
        )
        told = answered(link)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert "请求超时".encode() in told


def upload(address: str, pause_s: float, most_s: float) -> tuple[bytes, float]:
    """Send a file byte by byte; return what is answered, and after how many seconds."""
    with connected(address) as link:
        link.settimeout(pause_s)
        link.sendall(
            b"POST /jobs/imports?kind=bodies&name=a.csv HTTP/1.1\r\nHost: a\r\n"
            b"Connection: close\r\nContent-Length: 1000\r\n\r\n"
        )
        began = time.monotonic()
        while time.monotonic() < began + most_s:
            with contextlib.suppress(TimeoutError):
                told = link.recv(65536)
                return told, time.monotonic() - began
            link.sendall(b"a")
    return b"", time.monotonic() - began


def test_a_file_may_take_its_time_as_long_as_some_of_it_comes(hasty):
    told, after = upload(hasty, 0.4, 2)  # more than other contents may take
    assert (told, after > 2) == (b"", True)


def test_a_file_of_which_nothing_more_comes_is_given_up(hasty):
    told, after = upload(hasty, 3, 3)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert 0.9 < after < 2


def test_a_file_that_comes_byte_by_byte_is_given_up_in_the_end(hasty):
    told, after = upload(hasty, 0.2, 10)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert 3.5 < after < 7


def test_who_does_not_take_an_answer_is_let_go(hasty):
    with connected(hasty) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        began = time.monotonic()
        with pytest.raises(OSError):  # the service has closed it
            ask_on(link, until=began + 8)
    assert httpx.get(f"{hasty}healthz").status_code == 200


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_while_all_connections_are_in_use_the_answer_is_to_come_again(
    database, serve: Serve, monkeypatch, language
):
    monkeypatch.setattr(connections, "ACQUIRE_S", 0.2)
    async with serve(database, pool_size=1) as client:
        pool = client._transport.app.state.connections.pool
        async with pool.acquire():
            answer = await client.get(f"/ogc/collections/rooms/items?lang={language}")
            body = assert_problem(answer, 503)
            assert answer.headers["retry-after"]
            assert {"zh": "都在使用", "en": "in use"}[language] in body["detail"]
            exported = await client.get("/lists/rooms/export?format=csv")
            assert_problem(exported, 503)
        assert (await client.get("/ogc/collections/rooms/items")).status_code == 200
        assert pool.get_idle_size() == pool.get_size()


async def test_the_server_of_the_database_ends_by_itself_what_nobody_waits_for(database, serve):
    async with serve(database) as client:
        state = client._transport.app.state
        async with state.connections.pool.acquire() as link:
            for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
                assert await link.fetchval("SELECT current_setting($1)", name) == "65s"
            await link.execute("SET statement_timeout = 50")
            with pytest.raises(asyncpg.QueryCanceledError):
                await link.execute("SELECT pg_sleep(5)")
            await link.execute("RESET statement_timeout")
        with state.writer.engine.connect() as link:
            said = link.exec_driver_sql("SHOW statement_timeout").scalar()
            assert said == "1min"


async def test_a_filter_says_which_limit_it_breaks(client):
    deep = "number = '1'"
    for _ in range(MAX_DEPTH + 5):
        deep = f"NOT ({deep})"
    tree = {"op": "=", "args": [{"property": "number"}, "1"]}
    for _ in range(MAX_DEPTH + 5):
        tree = {"op": "not", "args": [tree]}
    many = " OR ".join(f"number = '{n}'" for n in range(MAX_NODES))
    long = "number = '" + "a" * MAX_LENGTH + "'"
    for text, limit in (
        (deep, MAX_DEPTH), (json.dumps(tree), MAX_DEPTH), (many, MAX_NODES), (long, MAX_LENGTH),
    ):  # fmt: skip
        kind = "cql2-json" if text.startswith("{") else "cql2-text"
        asked = {"filter": text, "filter-lang": kind, "lang": "en"}
        answer = await client.get("/ogc/collections/rooms/items", params=asked)
        assert str(limit) in assert_problem(answer, 400)["detail"]


@pytest.mark.parametrize("content", ["[" * 500_000, '{"puts":' + "[" * 990 + "]" * 990 + "}"])
async def test_deep_json_is_refused_and_no_crash(database, serve, content):
    async with serve(database, anonymous_edits=True) as client:
        for path in ("/changes", "/sign-in"):
            headers = {"Content-Type": "application/json"}
            answer = await client.post(path, content=content, headers=headers)
            assert answer.status_code in (400, 403, 422), answer.text[:300]
            assert len(answer.content) < 20_000


async def test_a_value_too_long_for_an_index_is_no_absence_of_the_database(database):
    # Drawn at random: what can be packed small would fit after all.
    long = "".join(random.Random(1).choices("0123456789abcdef", k=20_000))

    def act(connection: sa.Connection) -> None:
        connection.execute(sa.text("CREATE TEMPORARY TABLE key (value text PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO key VALUES (:value)"), {"value": long})

    writer = Writer(Config(database.owner_url), Ticks.of(None))
    try:
        with pytest.raises(BadRequest) as refused:
            await writer.write(act, counted=False)
    finally:
        writer.close()
    assert "index row" in refused.value.text.zh
    assert "shorten" in refused.value.text.en

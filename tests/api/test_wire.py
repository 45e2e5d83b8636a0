"""Kept tiles answered where the request arrives: the same answers, whatever arrives and how."""

from __future__ import annotations

import socket
import time

import httpx
import pytest

from layers.committing import committing
from layers.estate import Building
from layers.ticks import Ticks
from tests.api.test_tiles import address
from tests.layers.support import SQUARE, put
from tests.support.live import listening

PATH = address("buildings", 16)
HEADERS = "Host: map.test\r\nAccept-Encoding: gzip\r\n"
ASK = f"GET {PATH} HTTP/1.1\r\n{HEADERS}\r\n".encode()


@pytest.fixture(scope="module")
def served(module_database, tmp_path_factory):
    ticks = Ticks.of(tmp_path_factory.mktemp("wire") / "ticks")
    with committing(module_database.engine, ticks) as c:
        put(c, Building, name="楼", geom=SQUARE)
    with listening(module_database.app_url, ticks=ticks.path, tile_cache_mb=8) as url:
        deadline = time.monotonic() + 10
        while not told(url, ASK)[1].startswith(b"HTTP/1.1 200") and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        told(url, ASK)
        yield url


def told(url, *pieces, pause=0.0, answers=1):
    """Send the pieces over one connection, and return it and all that came back."""
    parts = httpx.URL(url)
    link = socket.create_connection((parts.host, parts.port), timeout=5)
    link.settimeout(1.5)
    for each in pieces:
        link.sendall(each)
        time.sleep(pause)
    got = b""
    try:
        while got.count(b"HTTP/1.1 ") < answers or not complete(got):
            part = link.recv(65536)
            if not part:
                break
            got += part
    except TimeoutError:
        pass
    return link, got


def complete(got):
    """Whether the last answer has come to its end."""
    head, _, body = got[got.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.startswith(b"content-length: "):
            return len(body) >= int(line[16:])
    return b" 204 " in head[:16] or b" 304 " in head[:16]


def parts_of(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first, {*lines} - {each for each in lines if each.startswith(b"date: ")}, body


def test_the_answer_is_the_one_of_the_usual_way(served):
    # Whoever says more than usual goes the usual way.
    usual = f"GET {PATH} HTTP/1.1\r\n{HEADERS}Connection: keep-alive, x\r\n\r\n".encode()
    first, lines, body = parts_of(told(served, ASK)[1])
    assert parts_of(told(served, usual)[1]) == (first, lines, body)
    tag = next(line for line in lines if line.startswith(b"etag: "))[6:].decode()
    for known in (tag, f'"x", {tag}'):
        asked = f"GET {PATH} HTTP/1.1\r\n{HEADERS}If-None-Match: {known}\r\n\r\n".encode()
        first, lines, body = parts_of(told(served, asked)[1])
        assert (first, body) == (b"HTTP/1.1 304 Not Modified", b"")
        assert f"etag: {tag}".encode() in lines


def test_a_request_in_pieces_and_requests_together_are_all_answered_in_order(served):
    whole = told(served, ASK)[1]
    for cut in (3, len(PATH) + 6, len(ASK) - 2):
        assert parts_of(told(served, ASK[:cut], ASK[cut:], pause=0.05)[1]) == parts_of(whole)
    other = ASK.replace(PATH.encode(), b"/healthz")
    _, got = told(served, ASK + other + ASK, answers=3)
    assert got.count(b"HTTP/1.1 200") == 3
    assert got.index(b'"ok"') > got.index(b"mapbox-vector-tile")
    _, got = told(served, other, ASK, other, answers=3, pause=0.02)
    assert got.count(b"HTTP/1.1 200") == 3


def test_what_stands_in_a_body_is_no_request(served):
    post = (
        f"POST /healthz HTTP/1.1\r\nHost: map.test\r\nContent-Length: {len(ASK)}\r\n\r\n".encode()
    )
    _, got = told(served, post, ASK, pause=0.1, answers=2)
    assert got.count(b"HTTP/1.1 ") == 1
    assert got.startswith(b"HTTP/1.1 405")
    sized = ASK[:-2] + b"Content-Length: 5\r\n\r\n"
    _, got = told(served, sized, b"hello", ASK, pause=0.05, answers=2)
    assert got.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize(
    "lines",
    ["Authorization: Bearer x\r\n", "Accept-Encoding: identity\r\n", "Broken\x00: x\r\n",
     "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n"],
)  # fmt: skip
def test_what_says_more_goes_the_usual_way(served, lines):
    asked = f"GET {PATH} HTTP/1.1\r\nHost: map.test\r\n{lines}\r\n".encode()
    _, got = told(served, asked)
    if "Authorization" in lines:
        assert got.startswith(b"HTTP/1.1 401")
    elif "Broken" in lines:
        assert got.startswith(b"HTTP/1.1 400")
    else:
        assert b"content-encoding" not in got


def test_a_connection_is_kept_as_long_as_it_is_used_and_then_closed(served):
    link, _ = told(served, ASK)
    for _ in range(4):
        time.sleep(1.6)
        link.sendall(ASK)
        assert link.recv(65536).startswith(b"HTTP/1.1 200")
    link.settimeout(8)
    assert link.recv(65536) == b""


def test_whoever_closes_is_closed(served):
    closing = ASK[:-2] + b"Connection: close\r\n\r\n"
    link, got = told(served, closing)
    assert got.startswith(b"HTTP/1.1 200")
    assert link.recv(10) == b""

"""Every address of the service answers with the headers that keep a browser to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.limits import MOST_BYTES
from api.session import Config
from tests.e2e.serving import served
from tests.support.databases import Clone

EVERYWHERE = {
    "content-security-policy": (
        r"default-src 'none';.*frame-ancestors 'self'"
        r"|default-src 'self';.*object-src 'none';.*frame-ancestors 'self'"
    ),
    "x-content-type-options": r"nosniff",
    "referrer-policy": r"same-origin|no-referrer",
    "x-frame-options": r"SAMEORIGIN",
    "permissions-policy": r".*camera=\(\).*",
    "cross-origin-opener-policy": r"same-origin",
    "cross-origin-resource-policy": r"same-origin",
    "x-request-id": r"[0-9a-f]{16}",
}
OF_TILES = ("x-content-type-options", "cross-origin-resource-policy")
# Answers that are the same for everybody.
PUBLIC = re.compile(r"/(assets/.*|icon\.svg|index\.html|ogc/static/.*|ogc/style\.css|styles/.*)?")
FAR = {"X-Forwarded-For": "192.0.2.7"}


@pytest.fixture(scope="module")
def service(module_database: Clone, tmp_path_factory: Any) -> Iterator[httpx.Client]:
    page = tmp_path_factory.mktemp("page")
    (page / "assets").mkdir()
    (page / "index.html").write_text("<!doctype html><title>一张图</title>")
    (page / "assets" / "app-1a2b.js").write_text("export {}")
    limits = {"searches": "1 per hour"}
    options = {"accounts_url": module_database.accounts_url, "tile_cache_mb": 4, "limits": limits}
    with served(module_database.app_url, page, edits=True, **options) as address:
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
            yield client


def wrong_of(answer: httpx.Response, names: Any = EVERYWHERE) -> list[str]:
    told = answer.headers
    return [
        f"{answer.request.method} {answer.request.url.path} {answer.status_code} {name}: "
        f"{told.get(name)}"
        for name in names
        if not re.fullmatch(EVERYWHERE[name], told.get(name, "")) or len(told.get_list(name)) != 1
    ]


def asked(client: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
    """Ask, and read no more than the head: some answers have no end."""
    with client.stream(method, path, **more) as answer:
        return answer


def example(operation: dict[str, Any], name: str) -> str:
    for each in operation.get("parameters", []):
        if each["name"] == name:
            schema = each.get("schema", {})
            examples = each.get("examples") or schema.get("examples") or schema.get("enum") or ["1"]
            return str(examples[0] if isinstance(examples, list) else "1")
    return "rooms" if name in ("layer", "layer_name", "collection") else "1"


def every_address() -> list[tuple[str, str]]:
    told = create_app(Config("postgresql://nobody@127.0.0.1:1/none")).openapi()["paths"]
    return [
        (method.upper(), re.sub(r"\{(\w+)\}", lambda found, o=of: example(o, found[1]), path))
        for path, methods in told.items()
        for method, of in methods.items()
    ]


def test_every_address_of_the_description_has_them(service):
    addresses = every_address()
    assert len(addresses) > 60
    wrong, statuses = [], set()
    for method, path in addresses:
        for verb in (method, "OPTIONS", "HEAD") if method == "GET" else (method,):
            answer = asked(service, verb, path, headers=FAR)
            statuses.add(answer.status_code)
            tile = answer.status_code < 400 and re.fullmatch(r"/tiles/\w+/\d+/\d+/\d+", path)
            wrong += wrong_of(answer, OF_TILES if tile else EVERYWHERE)
            if PUBLIC.fullmatch(path) is None:
                kept = answer.headers.get("cache-control", "")
                if not re.search("private|no-store", kept) and path != "/archives/estate.pmtiles":
                    wrong.append(f"{verb} {path} {answer.status_code} cache-control: {kept}")
    assert wrong == []
    assert {200, 400, 404, 405} <= statuses


@pytest.mark.parametrize(
    ("status", "method", "path", "more"),
    [
        (404, "GET", "/nowhere", {}),
        (200, "GET", "/", {}),
        (200, "GET", "/assets/app-1a2b.js", {}),
        (200, "GET", "/openapi.json", {}),
        (200, "GET", "/docs", {}),
        (405, "PUT", "/catalogue", {}),
        (413, "POST", "/changes", {"content": bytes(MOST_BYTES + 1)}),
        (403, "POST", "/changes", {"headers": {"Origin": "https://elsewhere.test"}}),
        (401, "GET", "/catalogue", {"headers": {"Authorization": "Bearer om_wrong"}}),
    ],
)
def test_so_does_every_kind_of_refusal_and_file(service, status, method, path, more):
    answer = asked(service, method, path, **more)
    assert answer.status_code == status
    assert wrong_of(answer) == []
    assert "strict-transport-security" not in answer.headers


def test_so_does_an_answer_to_whoever_asks_too_often(service):
    other = {"X-Forwarded-For": "192.0.2.99"}
    answers = [asked(service, "GET", "/search?q=a", headers=other) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 429]
    assert wrong_of(answers[1]) == []


async def test_an_error_that_nobody_foresaw_has_them_too(database, serve):
    async with serve(database) as client:
        client._transport.app.add_api_route("/-/broken", lambda: 1 / 0)
        answer = await client.get("/-/broken")
    assert answer.status_code == 500
    assert wrong_of(answer) == []
    assert answer.headers["cache-control"] == "no-store"


def test_tiles_have_what_a_tile_needs_made_or_kept(service):
    for _ in range(2):
        answer = asked(service, "GET", "/tiles/buildings/14/13500/6200")
        assert answer.status_code == 204
        assert wrong_of(answer, OF_TILES) == []
        assert answer.headers["cache-control"] == "private, no-cache"
    assert "x-request-id" not in answer.headers  # it came from memory


async def test_over_tls_the_browser_is_told_to_stay_there(database, serve):
    async with serve(database) as client:
        answer = await client.get("/healthz", headers={"X-Forwarded-Proto": "https"})
        assert answer.headers["strict-transport-security"] == "max-age=31536000"

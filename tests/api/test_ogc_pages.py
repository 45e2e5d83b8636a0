"""The OGC documents as pages for people."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from sqlalchemy import text

from tests.api.conftest import Serve
from tests.support import planted
from tests.support.databases import Clone


@pytest.fixture(scope="module")
def estate(module_database: Clone) -> Clone:
    planted.plant(module_database.engine)
    return module_database


class Page(HTMLParser):
    """Collects what a page refers to."""

    def __init__(self, text_: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.feed(text_)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.outside.append(f"{tag}.{name}")
            if name in ("src", "href", "action") and not str(value).startswith("http://map.test/"):
                self.outside.append(str(value))


PAGES = ["", "/conformance", "/collections", "/collections/rooms", "/collections/rooms/queryables",
         "/collections/rooms/schema", "/collections/rooms/items", "/collections/rooms/items/1",
         "/collections/rooms/tiles", "/collections/rooms/tiles/WebMercatorQuad",
         "/tileMatrixSets", "/tileMatrixSets/WebMercatorQuad"]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
async def test_each_document_has_a_page_that_needs_no_other_host_and_no_script(
    path: str, estate: Clone, serve: Serve
):
    async with serve(estate) as client:
        browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        for language, word in (("zh", "zh-CN"), ("en", "en")):
            answer = await client.get(f"/ogc{path}", params={"lang": language}, headers=browser)
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/html")
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert f'<html lang="{word}">' in answer.text
            page = Page(answer.text)
            assert page.outside == []
            assert "script" not in page.tags
        as_json = await client.get(f"/ogc{path}", headers={**browser}, params={"f": "json"})
        assert "json" in as_json.headers["content-type"]
        assert (await client.get("/ogc/style.css")).headers["content-type"].startswith("text/css")


async def test_names_are_escaped_in_pages(database: Clone, serve: Serve):
    with database.engine.begin() as link:
        link.execute(
            text(
                "INSERT INTO room (source, source_key, name)"
                " VALUES ('x', 'k', '<script>alert(1)</script>')"
            )
        )
    asked = {"f": "html", "lang": "en", "filter": "name <> '\"><b>'"}
    async with serve(database) as client:
        page = await client.get("/ogc/collections/rooms/items", params=asked)
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "<b>" not in page.text

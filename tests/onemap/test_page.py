"""The page's files as a browser is given them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.session import Config
from onemap.page import PageFiles, beneath

PROGRAM = "export const answer = 42\n" * 400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>一张图</title>", encoding="utf-8")
    (tmp_path / "assets" / "index-1a2b3c.js").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def page(folder: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(PageFiles(directory=folder, html=True))
    return httpx.AsyncClient(transport=transport, base_url="http://map.test")


async def test_programs_travel_packed_and_stay_in_the_browser(page: httpx.AsyncClient) -> None:
    answer = await page.get("/assets/index-1a2b3c.js")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) < len(PROGRAM) / 10
    assert answer.text == PROGRAM
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Vary"] == "Accept-Encoding"


async def test_a_browser_that_takes_nothing_packed_gets_it_plain(page: httpx.AsyncClient) -> None:
    answer = await page.get("/assets/index-1a2b3c.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.text == PROGRAM


async def test_the_page_itself_is_asked_for_again_and_answered_shortly(
    page: httpx.AsyncClient,
) -> None:
    first = await page.get("/")
    assert "一张图" in first.text
    assert first.headers["Cache-Control"] == "no-cache"
    again = await page.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""


async def test_a_changed_file_is_packed_anew(page: httpx.AsyncClient, folder: Path) -> None:
    await page.get("/assets/index-1a2b3c.js")
    (folder / "assets" / "index-1a2b3c.js").write_text("export {}\n")
    assert (await page.get("/assets/index-1a2b3c.js")).text == "export {}\n"


async def test_beneath_the_service_it_hides_no_address(folder: Path) -> None:
    app = create_app(Config("postgresql://nobody@127.0.0.1:1/none"))
    beneath(app, folder)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://map.test") as client:
        assert "一张图" in (await client.get("/")).text
        wrong = await client.get("/sign-in")
        assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")
        nowhere = await client.get("/nowhere")
        assert (nowhere.status_code, nowhere.json()["status"]) == (404, 404)

"""Two browsers on one estate: what one draws, moves and cuts the other sees at once."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import ARGUMENTS, Visit, visiting
from tests.e2e.conftest import Served
from tests.e2e.serving import build_page, served
from tests.e2e.test_editing import FLOOR, at, begun, click, save_shape
from tests.support import small_estate
from tests.support.small_estate import LAT, LON

expect.set_options(timeout=20_000)
pytestmark = pytest.mark.browser

TILE = re.compile(r"/tiles/(\w+)/(\d+)/(\d+)/(\d+)")
# Resolved with the moment at which the map holds what is looked for.
_SEEN = """([layer, test]) => new Promise((ok, no) => {
  const is = new Function('f', `return ${test}`)
  const end = Date.now() + 20000
  const look = () => {
    const found = __map.querySourceFeatures(`onemap-${layer}`, { sourceLayer: layer })
    if (found.some(is)) ok(Date.now())
    else if (Date.now() > end) no(new Error('it was not seen'))
    else setTimeout(look, 20)
  }
  look()
})"""


@pytest.fixture(scope="module")
def estate(module_database: Any) -> Iterator[Served]:
    """The small estate, which anyone may edit."""
    ids = small_estate.fill(module_database.engine)
    with served(module_database.app_url, build_page(), edits=True) as origin:
        yield Served(origin, ids)


@pytest.fixture
def pair(browser: Any, estate: Served) -> Iterator[tuple[Visit, Visit]]:
    """One who edits and one who looks, each in a browser of its own."""
    second = browser.browser_type.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
    try:
        with (
            visiting(browser, estate.origin, "desktop") as editor,
            visiting(second, estate.origin, "desktop") as onlooker,
        ):
            onlooker.open(f"#{FLOOR}&floor=0")
            expect(onlooker.page.locator(".status .live")).to_have_text("实时")
            onlooker.page.evaluate("() => { window.__same = true }")
            yield editor, onlooker
            assert onlooker.page.evaluate("() => window.__same"), "it was not loaded again"
            editor.assert_clean()
            onlooker.assert_clean()
    finally:
        second.close()


def anew(there: Visit, hash_: str) -> None:
    """Open the page as if for the first time: a new hash alone would load nothing."""
    there.page.goto("about:blank")
    there.open(hash_)


def written(response: Any) -> bool:
    """Whether a response acknowledges a change."""
    return response.request.method == "POST" and "/changes" in response.url


def seen(onlooker: Visit, layer: str, test: str, acknowledged: float, note: Any) -> None:
    """Wait until the other map holds a feature, and note how long after the word that was."""
    moment = onlooker.page.evaluate(_SEEN, [layer, test])
    note(f"seen after, ms ({test})", round(moment - acknowledged * 1000))


def fetched(onlooker: Visit) -> set[str]:
    """Return the layers of which the other map fetched tiles, and forget them."""
    onlooker.settle()
    found = {hit[1] for url in onlooker.requests if (hit := TILE.search(url))}
    onlooker.requests.clear()
    return found


def test_what_one_draws_moves_and_cuts_the_other_sees_and_fetches_no_other_tiles(
    pair: tuple[Visit, Visit], estate: Served, record_property: Any
) -> None:
    editor, onlooker = pair
    page = editor.page

    # Draws: a room beside B03-103.
    editor.open(f"#{FLOOR}&floor=0")
    page.locator("[data-tool=draw]").click()
    begun(editor)
    for corner in ((14, 1), (15, 1), (15, 2), (14, 2), (14, 1)):
        click(editor, *at(*corner))
    page.get_by_test_id("edit-form").get_by_label("房间号").fill("B03-105")
    fetched(onlooker)
    with page.expect_response(written):
        page.get_by_role("button", name="保存", exact=True).click()
    seen(onlooker, "rooms", "f.properties.number === 'B03-105'", time.time(), record_property)
    # Assets stand on the floors of their rooms: their tiles read those.
    assert fetched(onlooker) <= {"rooms", "assets"}

    # Moves: a thing that is put into a room by a click.
    asset = estate.ids["assets", "ZC-2023-003417"]
    anew(editor, f"#{FLOOR}&floor=0&sel=assets/{asset}")
    page.locator("[data-edit=place]").click()
    begun(editor)
    fetched(onlooker)
    with page.expect_response(written):
        click(editor, *at(2.5, 2.5))
    lon, lat = LON + 0.00025, LAT + 0.00025
    near = (
        f"Math.hypot(f.geometry.coordinates[0] - {lon}, f.geometry.coordinates[1] - {lat}) < 3e-5"
    )
    seen(onlooker, "assets", f"f.id === {asset} && {near}", time.time(), record_property)
    assert "rooms" not in fetched(onlooker)

    # Cuts: the room in two.
    room = estate.ids["rooms", "B03-101"]
    anew(editor, f"#{FLOOR}&floor=0&sel=rooms/{room}")
    page.locator("[data-edit=split]").click()
    begun(editor)
    click(editor, *at(8.3, 0.02))
    click(editor, *at(8.3, 0.98))
    page.get_by_test_id("shaping").get_by_role("button", name="完成").click()
    fetched(onlooker)
    with page.expect_response(written):
        save_shape(editor)
    seen(onlooker, "rooms", "f.properties.number === 'B03-101-2'", time.time(), record_property)
    layers = fetched(onlooker)
    assert "rooms" in layers
    assert layers <= {"rooms", "assets"}

"""What axe-core finds wrong with the page, view by view; what a keyboard alone reaches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import Visit, visiting
from tests.e2e.serving import WEB, build_page, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=20_000)

AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
# A test's script runs in the page's own world, where the page's policy lets nothing be added.
_RUN = "() => axe.run(document, {resultTypes: ['violations']})"
VIEWS = {
    "home": "",
    "assets": "&space=assets",
    "space": "&space=space",
    "fleet": "&space=fleet",
    "energy": "&space=energy",
    "network": "&space=network",
    "layers": "&space=layers",
    "cockpit": "&space=cockpit",
    "list": "&space=space&list=persons:over_quota_people",
    "table": "&space=space&list=rooms&table=1",
    "panel": "&sel=vehicles/55",
    "meter": "&sel=meters/113",
}


@pytest.fixture(scope="module")
def origin(demo: Any) -> Iterator[str]:
    """The whole demo, imported from its files, served with the page."""
    with served(demo.database.app_url, build_page()) as address:
        yield address


def breaches(there: Visit) -> list[str]:
    """Return the serious and critical breaches of what is shown now, each with its element."""
    there.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = there.page.evaluate(_RUN)
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def settled(there: Visit) -> None:
    """Wait until nothing that is shown says that it is busy."""
    there.page.wait_for_function(
        "() => !document.querySelector('[aria-busy=true]:not(.maplibregl-map *)')"
    )


@pytest.mark.parametrize(
    ("size", "lang", "theme"),
    [
        ("desktop", "zh", "light"),
        ("desktop", "en", "dark"),
        ("phone", "zh", "dark"),
        ("phone", "en", "light"),
    ],
)
def test_no_view_breaches_accessibility_seriously(browser, origin, size, lang, theme) -> None:
    told = {}
    with visiting(browser, origin, size, dark=theme == "dark") as there:
        for name, more in VIEWS.items():
            there.open(f"?{name}#lang={lang}&theme={theme}{more}")
            if name != "cockpit":
                there.panel()
            settled(there)
            told[name] = breaches(there)
        there.assert_clean()
    assert {name: found for name, found in told.items() if found} == {}


def test_what_has_the_focus_is_seen_and_comes_in_the_order_of_reading(browser, origin) -> None:
    with visiting(browser, origin, "desktop") as there:
        there.open("#lang=zh&theme=light")
        settled(there)
        keyboard = there.page.keyboard
        keyboard.press("Tab")
        expect(there.page.locator(":focus")).to_have_text("跳到地图")
        seen = []
        for _ in range(12):
            keyboard.press("Tab")
            focus = there.page.locator(":focus")
            outline = focus.evaluate(
                "e => [e, e.parentElement].some(x => getComputedStyle(x).outlineStyle !== 'none')"
            )
            assert outline, focus.evaluate("e => e.outerHTML")
            seen.append(focus.evaluate("e => e.dataset.space ?? e.tagName"))
        # The map first, then the places of work from the top down.
        assert [each for each in seen if each[0].islower()][:7] == [
            "home", "assets", "space", "fleet", "energy", "network", "cockpit",
        ]  # fmt: skip


def test_the_count_of_a_search_is_announced(browser, origin) -> None:
    with visiting(browser, origin, "desktop") as there:
        there.open("#lang=zh&theme=light")
        there.page.keyboard.press("/")
        box = there.page.get_by_role("combobox")
        expect(box).to_be_focused()
        box.fill("周试一")
        expect(there.page.locator("search [role=status]").first).to_have_text("1 条结果")

"""The cockpit: every figure is the count of its list, and opens it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import visiting
from tests.e2e.serving import build_page, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=20_000)

# From onemap/demo/stories.toml.
PLANTED = {
    "over_quota_people": "2",
    "unplaced_people": "7",
    "silent_cars": "1",
    "assets_of_leavers": "3",
    "idle_assets": "46",
    "failed_nodes": "1",
    "unreachable_nodes": "4",
    "affected_rooms": "23",
    "affected_people": "31",
    "dark_gateways": "2",
}


@pytest.fixture(scope="module")
def origin(demo: Any) -> Iterator[str]:
    """The whole demo, imported from its files, served with the page."""
    with served(demo.database.app_url, build_page()) as address:
        yield address


@pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("phone", "en")])
def test_the_figures_are_the_stories_and_each_opens_its_list(browser, origin, size, lang) -> None:
    with visiting(browser, origin, size) as there:
        there.open(f"#lang={lang}&theme=light&space=cockpit")
        board = there.page.locator(".board:not(.page)")
        for name, count in PLANTED.items():
            expect(board.locator(f"[data-question={name}] strong")).to_have_text(count)
        board.locator("[data-question=failed_nodes]").click()
        expect(board).to_have_count(0)
        expect(there.page.locator("body")).to_contain_text("SW-B07-3")
        there.page.go_back()
        expect(board).to_have_count(1)
        there.assert_clean()


def test_a_measure_of_the_whole_is_its_parts_added_up_and_colours_the_map(browser, origin) -> None:
    with urllib.request.urlopen(f"{origin}/measures/building_vacancy", timeout=30) as answer:
        told = json.load(answer)
    known = [
        (above, below)
        for above, below in zip(told["numerator"], told["denominator"], strict=True)
        if above is not None and below is not None
    ]
    share = sum(above for above, _ in known) / sum(below for _, below in known)
    with visiting(browser, origin, "desktop") as there:
        there.open("#lang=zh&theme=light&space=cockpit")
        card = there.page.locator("[data-measure=building_vacancy]")
        expect(card.locator("strong")).to_have_text(f"{share * 100:.1f}")
        expect(card.locator("li")).to_have_count(5)
        card.locator(".whole").click()
        there.page.wait_for_function("() => location.hash.includes('measure=building_vacancy')")
        there.assert_clean()


def test_the_board_does_not_turn_where_motion_is_unwelcome(browser, origin) -> None:
    # Every window of these tests asks for reduced motion.
    with visiting(browser, origin, "desktop") as there:
        there.open("#lang=zh&theme=light&space=cockpit")
        expect(there.page.get_by_role("button", name="轮播")).to_be_disabled()

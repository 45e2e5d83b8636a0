"""The tour of the demo: four roles, four questions, answered by the service, with keys alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import visiting
from tests.e2e.serving import build_page, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=20_000)

# From onemap/demo/stories.toml: what each step must tell.
STEPS = (
    ("周试一", ("14.4 m²",), "persons:over_quota_people"),
    ("D0055", ("3 天 15 小时 4",), "vehicles:silent_cars"),
    ("E-0113", ("22.0 %", "4,200"), "meters:meter_anomalies"),
    ("SW-B07-3", ("4 台", "23 间", "31 人"), "network_nodes:failed_nodes"),
)


@pytest.fixture(scope="module")
def origin(demo: Any) -> Iterator[str]:
    """The whole demo, imported from its files, served with the page."""
    with served(demo.database.app_url, build_page()) as address:
        yield address


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_newcomer_takes_the_tour_with_the_keyboard_alone(browser, origin, size) -> None:
    with visiting(browser, origin, size) as there:
        there.open("#lang=zh&theme=light")
        offer = there.page.get_by_role("region", name="导览", exact=True)
        expect(offer).to_be_visible()
        start = offer.get_by_role("button", name="开始导览")
        start.focus()
        there.page.keyboard.press("Enter")
        card = there.page.locator(".tour")
        for place, (thing, numbers, listed) in enumerate(STEPS):
            expect(card).to_contain_text(f"第 {place + 1} 步，共 4 步")
            expect(card).to_contain_text(thing)
            panel = there.page.locator(".facts")
            expect(panel).to_contain_text(thing)
            for number in numbers:
                expect(panel).to_contain_text(number)
            layer, named = listed.split(":")
            assert f"list={layer}:{named}" in there.page.evaluate(
                "() => decodeURIComponent(location.hash)"
            )
            expect(card.locator("footer .button").last).to_be_focused()
            there.page.keyboard.press("Enter" if place % 2 == 0 else "ArrowRight")
        expect(card).to_have_count(0)
        # It ends where one can go on: the thing and its list are still there.
        expect(there.page.locator("#facts-title")).to_contain_text("SW-B07-3")

        there.open("?again#lang=zh&theme=light")
        expect(there.page.get_by_role("button", name="帮助与导览")).to_be_visible()
        there.settle()
        expect(offer).to_have_count(0)
        there.page.get_by_role("button", name="帮助与导览").press("Enter")
        there.page.locator("[data-tour=start]").press("Enter")
        expect(card).to_contain_text("第 1 步")
        there.page.keyboard.press("Escape")
        expect(card).to_have_count(0)
        there.assert_clean()


def test_the_tour_is_told_in_english(browser, origin) -> None:
    with visiting(browser, origin, "desktop") as there:
        there.open("#lang=en&theme=dark")
        there.page.get_by_role("button", name="Start the tour").first.click()
        card = there.page.locator(".tour")
        expect(card).to_contain_text("Space planner")
        expect(card.locator(".answer")).to_contain_text("14.4 m²")
        there.page.keyboard.press("ArrowRight")
        expect(card.locator(".answer")).to_contain_text("3 d 15 h 4")
        there.page.keyboard.press("ArrowLeft")
        expect(card.locator(".answer")).to_contain_text("14.4 m²")


def test_the_offer_can_be_put_away_and_blocks_nothing(browser, origin) -> None:
    with visiting(browser, origin, "desktop") as there:
        there.open("#lang=zh&theme=light")
        offer = there.page.get_by_role("region", name="导览", exact=True)
        expect(offer).to_be_visible()
        there.page.locator("[data-space=space]").click()
        expect(there.page.locator("[data-space=space]")).to_have_attribute("aria-current", "page")
        offer.get_by_role("button", name="不用了").click()
        expect(offer).to_have_count(0)

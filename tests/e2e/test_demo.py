"""The page opens on the demo estate as `make demo` builds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import visiting
from tests.e2e.serving import build_page, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def origin(demo: Any) -> Iterator[str]:
    """The whole demo, imported from its files, served with the page."""
    with served(demo.database.app_url, build_page()) as address:
        yield address


@pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("phone", "en")])
def test_a_newcomer_sees_the_estate_finds_a_room_and_colours_its_floor(
    browser, origin, size, lang
) -> None:
    with visiting(browser, origin, size) as there:
        there.open(f"#lang={lang}&theme=light")
        mark = {"zh": "虚构演示数据", "en": "Fictional demo data"}[lang]
        expect(there.page.get_by_text(mark).first).to_be_visible()
        assert len({each["id"] for each in there.drawn("sites")}) == 12
        assert {each["layer"] for each in there.drawn("roads", "waters", "positions")} == {
            "roads", "waters", "positions",
        }  # fmt: skip
        assert "翠湖" in {each["name"] for each in there.drawn("waters-label")}

        box = there.page.get_by_role("combobox")
        box.fill("B03-412")
        expect(there.page.get_by_role("option").first).to_contain_text("B03-412")
        box.press("Enter")
        expect(there.page.locator("#facts-title")).to_contain_text("B03-412")
        expect(there.page.locator("dd[data-field=usable_area_m2]")).to_contain_text("26.4")
        expect(there.page.locator(".facts")).to_contain_text("周试一")
        there.settle()
        floors = there.page.get_by_role("radiogroup", name={"zh": "楼层", "en": "Floor"}[lang])
        expect(floors.locator("[aria-checked=true]")).to_have_text("4F")
        assert "B03-412" in {each.get("number") for each in there.drawn("rooms")}

        hash_ = there.page.evaluate("() => location.hash")
        there.open(f"?again{hash_}&measure=over_quota")
        legend = there.page.get_by_role("region", name={"zh": "图例", "en": "Legend"}[lang])
        expect(there.page.locator("#facts-title")).to_contain_text("B03-412")
        there.put_away()
        expect(legend).to_contain_text("m²")
        room = there.on_map("new URLSearchParams(location.hash.slice(1)).get('sel')")
        state = there.on_map(
            "map.getFeatureState({source: 'onemap-rooms', sourceLayer: 'rooms', id: it}).measure",
            int(room.split("/")[1]),
        )
        # 周试一, deputy section chief (limit 12 m²), alone in 26.4 m²: over by 14.4.
        assert state == pytest.approx(14.4)
        there.assert_clean()

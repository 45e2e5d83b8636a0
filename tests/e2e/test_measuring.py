"""Lengths and areas are measured on the map; what they come to is checked with PROJ's geodesics."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from pyproj import Geod

from tests.support.small_estate import LAT, LON

expect.set_options(timeout=20_000)
pytestmark = pytest.mark.browser

each_once = pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("phone", "en")])
MEASURE = {"zh": "测量长度和面积", "en": "Measure length and area"}
AREA = {"zh": "面积", "en": "Area"}
FINISH = {"zh": "完成", "en": "Finish"}
GEOD = Geod(ellps="WGS84")
# East of the buildings, in the part of the map that no panel covers.
CORNERS = [
    (LON + 0.001, LAT + 0.0002),
    (LON + 0.0014, LAT + 0.0002),
    (LON + 0.0014, LAT - 0.0002),
    (LON + 0.001, LAT - 0.0002),
]


def measuring(visit: Any, size: str, lang: str) -> Any:
    # A little north of them, so that the sheet or the card covers none.
    there = visit(size).open(f"#map=18/{LAT - 0.0002}/{LON + 0.0012}&lang={lang}&theme=light")
    there.page.get_by_role("button", name=MEASURE[lang]).click()
    card = there.page.get_by_test_id("measuring")
    expect(card).to_be_visible()
    # The drawing tool is loaded when it is asked for.
    there.page.wait_for_function("() => __map.getSource('td-linestring') !== undefined")
    return there


def metres(there: Any) -> float:
    told = there.page.get_by_test_id("measured").locator("strong").inner_text()
    number = re.match(r"([\d,.]+) (m|km)\b", told)
    assert number, told
    return float(number[1].replace(",", "")) * (1000 if number[2] == "km" else 1)


def draw(there: Any, corners: list[tuple[float, float]]) -> None:
    for lon, lat in corners:
        there.click_at(lon, lat)
        # Two clicks at once would be a double one.
        there.page.wait_for_timeout(400)


@each_once
def test_a_line_is_as_long_as_the_geodesic_and_loses_its_last_point(visit, size, lang):
    there = measuring(visit, size, lang)
    draw(there, CORNERS[:3])
    there.page.get_by_role("button", name=FINISH[lang]).click()
    expected = GEOD.line_length(*zip(*CORNERS[:3], strict=True))
    # The sphere on which the page reckons is within 0.4 % of the ellipsoid.
    assert metres(there) == pytest.approx(expected, rel=0.01)

    draw(there, CORNERS[:3])  # a click after the end begins anew
    there.page.locator(".maplibregl-canvas").press("Backspace")
    there.page.get_by_role("button", name=FINISH[lang]).click()
    assert metres(there) == pytest.approx(
        GEOD.line_length(*zip(*CORNERS[:2], strict=True)), rel=0.02
    )


@each_once
def test_an_area_is_as_large_as_the_geodesic_polygon(visit, size, lang):
    there = measuring(visit, size, lang)
    there.page.get_by_test_id("measuring").get_by_role("radio", name=AREA[lang]).click()
    there.page.wait_for_timeout(300)
    draw(there, CORNERS)
    there.page.get_by_role("button", name=FINISH[lang]).click()
    area, round_ = GEOD.polygon_area_perimeter(*zip(*CORNERS, strict=True))
    told = there.page.get_by_test_id("measured").inner_text()
    found = re.match(r"([\d,.]+) m²", told)
    assert found, told
    assert float(found[1].replace(",", "")) == pytest.approx(abs(area), rel=0.02)
    length = re.search(r"([\d.]+) m$", told)
    assert length, told
    assert float(length[1]) == pytest.approx(round_, rel=0.01)


def test_a_line_is_measured_with_keys_alone(visit):
    there = measuring(visit, "desktop", "zh")
    start = there.on_map("map.getCenter().toArray()")
    there.page.keyboard.press("Space")
    there.page.keyboard.press("ArrowRight")
    there.settle()
    end = there.on_map("map.getCenter().toArray()")
    there.page.keyboard.press("Space")
    there.page.keyboard.press("Enter")
    expect(there.page.get_by_test_id("measuring")).to_contain_text("再次点击地图")
    assert start != end
    expected = GEOD.line_length((start[0], end[0]), (start[1], end[1]))
    assert metres(there) == pytest.approx(expected, rel=0.01)


def test_while_measuring_a_click_selects_nothing_and_escape_ends(visit):
    there = measuring(visit, "desktop", "zh")
    there.click_at(LON + 0.0011, LAT + 0.0001)
    there.page.wait_for_timeout(500)
    assert "sel=" not in there.page.evaluate("() => location.hash")
    there.page.keyboard.press("Escape")
    expect(there.page.get_by_test_id("measuring")).to_have_count(0)
    assert there.on_map("map.getStyle().layers.every(l => !l.id.startsWith('td-'))")


def test_what_is_measured_stays_when_the_floor_is_changed(visit):
    there = measuring(visit, "desktop", "zh")
    draw(there, CORNERS[:2])
    there.page.get_by_role("button", name=FINISH["zh"]).click()
    before = metres(there)
    there.page.get_by_role("radiogroup", name="楼层").get_by_text("2F").click()
    there.settle()
    assert there.on_map("map.getLayer('td-linestring') !== undefined")
    assert metres(there) == before

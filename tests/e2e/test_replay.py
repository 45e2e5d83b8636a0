"""A trip is replayed on the map: the small estate's Sunday trip of D0017, three fixes eastwards."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.small_estate import LAT, LON

expect.set_options(timeout=20_000)
pytestmark = pytest.mark.browser

everywhere = pytest.mark.parametrize("size", ["desktop", "phone"])
in_both = pytest.mark.parametrize("lang", ["zh", "en"])
each_once = pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("phone", "en")])
PLAY = {"zh": "播放", "en": "Play"}
PAUSE = {"zh": "暂停", "en": "Pause"}
FORTH = {"zh": "下一个定位点", "en": "Next fix"}
BACK = {"zh": "上一个定位点", "en": "Previous fix"}
# 09:14 to 16:52 in Beijing; the fix between is 20 minutes after the first.
START_S = 1_791_681_240


def car(there: Any) -> tuple[float, float, float]:
    """Where the car is drawn, and the way it faces."""
    lon, lat, heading = there.on_map(
        "(f => [...f.geometry.coordinates, f.properties.heading])"
        "(map.queryRenderedFeatures({layers: ['live-car']})[0])"
    )
    return lon, lat, heading


def opened(visit: Any, estate: Any, size: str, lang: str) -> Any:
    trip = estate.ids["trips", "D0017-1"]
    there = visit(size).open(f"#lang={lang}&theme=light&trip={trip}")
    expect(there.page.get_by_test_id("replay")).to_be_visible()
    return there.settle()


def seek(there: Any, seconds: int) -> None:
    there.page.locator("[data-testid=replay] input[type=range]").evaluate(
        "(slider, at) => { slider.value = at; slider.dispatchEvent(new Event('input')) }",
        START_S + seconds,
    )
    there.settle()


@each_once
def test_a_trip_is_drawn_with_its_ends_and_its_car(visit, estate, size, lang):
    there = opened(visit, estate, size, lang)
    card = there.page.get_by_test_id("replay")
    expect(card).to_contain_text("D0017")
    expect(card).to_contain_text("41.6 km")
    assert {each["kind"] for each in there.drawn("trip-ends")} == {"start", "end"}
    # 865 m in 20 minutes, then 865 m in seven hours: both slower than 3 km/h.
    assert {each["speed"] for each in there.drawn("trip-route")} == {0}
    lon, lat, heading = car(there)
    assert (lon, lat) == pytest.approx((LON, LAT), abs=2e-4)
    assert heading == pytest.approx(90, abs=0.1)
    expect(there.page.get_by_test_id("replay-time")).to_contain_text("09:14:00")


@everywhere
def test_the_slider_brings_the_car_to_where_it_was_then(visit, estate, size):
    there = opened(visit, estate, size, "zh")
    seek(there, 600)  # half-way to the fix between
    expect(there.page.get_by_test_id("replay-time")).to_have_text("2026-10-11 09:24:00")
    assert car(there)[0] == pytest.approx(LON + 0.005, abs=2e-4)
    seek(there, 458 * 60)
    expect(there.page.get_by_test_id("replay-time")).to_have_text("2026-10-11 16:52:00")
    assert car(there)[0] == pytest.approx(LON + 0.02, abs=2e-4)


@in_both
def test_the_trip_is_stepped_through_fix_by_fix_with_keys(visit, estate, lang):
    there = opened(visit, estate, "desktop", lang)
    time = there.page.get_by_test_id("replay-time")
    there.page.get_by_role("button", name=FORTH[lang]).press("Enter")
    expect(time).to_contain_text("09:34:00")
    there.page.get_by_role("button", name=FORTH[lang]).press("Enter")
    expect(time).to_contain_text("16:52:00")
    there.page.get_by_role("button", name=BACK[lang]).press("Enter")
    expect(time).to_contain_text("09:34:00")
    slider = there.page.locator("[data-testid=replay] input[type=range]")
    slider.press("ArrowRight")
    expect(time).to_contain_text("09:34:01")


@everywhere
def test_it_plays_and_pauses_in_steps_where_motion_is_unwanted(visit, estate, size):
    there = opened(visit, estate, size, "zh")
    time = there.page.get_by_test_id("replay-time")
    there.page.get_by_role("button", name=PLAY["zh"]).click()
    # Sixty seconds of the trip in one of the reader's.
    expect(time).not_to_contain_text("09:14")
    there.page.get_by_role("button", name=PAUSE["zh"]).click()
    stopped = time.inner_text()
    there.page.wait_for_timeout(1500)
    assert time.inner_text() == stopped


@everywhere
def test_nothing_lies_over_the_scale_of_the_map(visit, estate, size):
    there = opened(visit, estate, size, "zh").put_away()
    expect(there.page.locator("[data-testid=replay]")).to_be_visible()
    free = (
        "scale => { const {left, right, top, bottom} = scale.getBoundingClientRect();"
        " return [[left, top], [right, top], [left, bottom], [right, bottom]]"
        "  .every(([x, y]) => scale.closest('.map').contains("
        "   document.elementFromPoint(x + (x === left ? 1 : -1), y + (y === top ? 1 : -1)))) }"
    )
    assert there.page.locator(".maplibregl-ctrl-scale").evaluate(free)


def test_escape_leaves_the_replay(visit, estate):
    there = opened(visit, estate, "desktop", "zh")
    there.page.keyboard.press("Escape")
    expect(there.page.get_by_test_id("replay")).to_have_count(0)
    there.page.wait_for_function("() => !location.hash.includes('trip=')")
    assert there.settle().on_map("map.getLayer('trip-route') === undefined")

"""The floors of a building above each other: B03 of the small estate, two levels, seven rooms."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.small_estate import LAT, LON

expect.set_options(timeout=20_000)
pytestmark = pytest.mark.browser

everywhere = pytest.mark.parametrize("size", ["desktop", "phone"])
each_once = pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("phone", "en")])
RAISE = {"zh": "立体显示", "en": "Show in 3D"}
FLOOR = {"zh": "楼层", "en": "Floor"}
ALL = {"zh": "全部", "en": "All"}
UPPER = {"B03-408", "B03-411", "B03-412", "B03-415"}
LOWER = {"B03-101", "B03-102", "B03-103"}
MIDDLE = (LON + 0.0007, LAT + 0.0002)


def numbers(there: Any, layer: str) -> set[str]:
    return {each["number"] for each in there.drawn(layer)}


def stacked(visit: Any, estate: Any, size: str, lang: str = "zh", more: str = "") -> Any:
    building = estate.ids["buildings", "B03"]
    there = visit(size).open(f"#lang={lang}&theme=light&stack={building}{more}")
    expect(there.page.get_by_test_id("stack")).to_be_visible()
    return there.settle()


@each_once
def test_all_floors_stand_above_each_other_and_the_map_steps_back(visit, estate, size, lang):
    there = stacked(visit, estate, size, lang)
    assert there.on_map("map.getPitch()") == pytest.approx(55)
    assert numbers(there, "stack-floor") == UPPER | LOWER
    assert numbers(there, "stack-others") == set()
    assert there.drawn("rooms") == []
    floors = there.page.get_by_role("radiogroup", name=FLOOR[lang])
    expect(floors.get_by_role("radio")).to_have_text([ALL[lang], "2F", "1F"])
    expect(floors.locator("[aria-checked=true]")).to_have_text(ALL[lang])
    # Nothing records the heights of these floors: the page says what it draws instead.
    expect(there.page.get_by_test_id("stack")).to_contain_text("3.6")


@everywhere
def test_the_floor_switch_raises_one_floor_out_of_the_others(visit, estate, size):
    there = stacked(visit, estate, size)
    floors = there.page.get_by_role("radiogroup", name=FLOOR["zh"])
    floors.get_by_text("2F").click()
    there.settle()
    assert numbers(there, "stack-floor") == UPPER
    assert numbers(there, "stack-others") == LOWER
    floors.get_by_text(ALL["zh"]).click()
    there.settle()
    assert numbers(there, "stack-floor") == UPPER | LOWER


def test_rooms_are_coloured_by_use_by_vacancy_and_by_the_active_measure(visit, estate):
    there = stacked(visit, estate, "desktop")
    card = there.page.get_by_test_id("stack")
    # Six offices and the meeting room; one room is vacant.
    expect(card.locator("li")).to_have_count(2)
    expect(card.locator("li").first).to_contain_text("6")
    card.get_by_role("radio", name="空置").click()
    expect(card.locator("li").last).to_contain_text("1")
    colors = {
        each["number"]: each["color"] for each in there.settle().drawn("stack-floor")
    }  # fmt: skip
    assert [number for number in colors if colors[number] != colors["B03-408"]] == ["B03-411"]

    there = stacked(visit, estate, "desktop", more="&measure=usable_area_per_person")
    by_measure = {each["number"]: each["color"] for each in there.drawn("stack-floor")}
    # The vacant room and the meeting room have nobody, so no area per person.
    assert by_measure["B03-411"] == by_measure["B03-101"]
    assert by_measure["B03-412"] != by_measure["B03-411"]


def test_the_marks_of_a_list_are_put_away_while_floors_are_stacked(visit, estate):
    there = stacked(visit, estate, "desktop", more="&list=rooms&find=B03")
    expect(there.page.locator(".row-card").first).to_be_visible()
    assert there.on_map("map.getSource('list-marks') === undefined")
    there.page.get_by_role("button", name=RAISE["zh"]).click()
    expect(there.page.get_by_test_id("stack")).to_have_count(0)
    assert there.settle().drawn("list-bubble", "list-pin")


def test_a_click_selects_a_room_and_escape_leaves_step_by_step(visit, estate):
    there = stacked(visit, estate, "desktop")
    # Some pixel on which a room is drawn.
    x, y, number = there.on_map(
        "(() => { const {x, y} = map.project(it);"
        " for (let r = 0; r < 200; r += 4) for (const s of [-r, r]) {"
        "  const [f] = map.queryRenderedFeatures([x, y + s], {layers: ['stack-floor']});"
        "  if (f) return [x, y + s, f.properties.number] } })()",
        list(MIDDLE),
    )
    there.page.mouse.click(x, y)
    expect(there.page.locator("#facts-title")).to_contain_text(number)
    there.settle()
    # The floor of the room is raised.
    assert number in numbers(there, "stack-floor")
    assert numbers(there, "stack-others") != set()
    there.page.keyboard.press("Escape")
    there.page.wait_for_function("() => !location.hash.includes('sel=')")
    assert "stack=" in there.page.evaluate("() => location.hash")
    there.page.keyboard.press("Escape")
    there.page.wait_for_function("() => !location.hash.includes('stack=')")
    there.settle()
    assert there.on_map("map.getPitch()") == pytest.approx(0)


@each_once
def test_the_control_stacks_the_building_in_view_and_lays_it_flat_again(visit, estate, size, lang):
    lon, lat = MIDDLE
    there = visit(size).open(f"#map=17/{lat}/{lon}&lang={lang}&theme=light")
    control = there.page.get_by_role("button", name=RAISE[lang])
    control.click()
    expect(there.page.get_by_test_id("stack")).to_be_visible()
    expect(control).to_have_attribute("aria-pressed", "true")
    assert f"stack={estate.ids['buildings', 'B03']}" in there.page.evaluate("() => location.hash")
    there.settle()
    control.click()
    expect(there.page.get_by_test_id("stack")).to_have_count(0)
    there.settle()
    assert there.on_map("map.getPitch()") == pytest.approx(0)
    assert there.drawn("rooms")


def test_where_no_building_is_meant_the_map_is_tilted_and_buildings_have_a_height(visit):
    there = visit("desktop").open(f"#map=14.8/{LAT}/{LON}&lang=zh&theme=light")
    there.page.get_by_role("button", name=RAISE["zh"]).click()
    there.settle()
    assert there.on_map("map.getPitch()") == pytest.approx(55)
    there.look_at(LON + 0.001, LAT, 15.6)
    assert {each["name"] for each in there.drawn("buildings-block")} >= {"3号楼"}


def test_a_building_without_a_plan_says_so(visit, estate):
    building = estate.ids["buildings", "B57"]
    there = visit("desktop").open(f"#lang=zh&theme=light&stack={building}")
    expect(there.page.get_by_test_id("stack")).to_contain_text("没有楼层平面图")

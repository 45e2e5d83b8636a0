"""The panel tells facts with their source, what belongs to a thing, and the way to more."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)


@pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("phone", "en")])
def test_a_person_over_the_standard_is_told_so_before_the_facts(visit, estate, size, lang) -> None:
    person = estate.ids["persons", "P1"]
    there = visit(size).open(f"#lang={lang}&theme=light&sel=persons/{person}")
    first = there.page.locator(".insight").first
    # 周试一, deputy section chief (limit 12 m²), alone in 26.4 m²: over by 14.4.
    expect(first).to_contain_text("14.4")
    expect(first).to_have_class("insight bad")
    expect(first).to_contain_text("2014")
    room = there.page.locator("[data-related=rooms] a", has_text="B03-412")
    room.click()
    expect(there.page.locator("#facts-title")).to_contain_text("B03-412")


def test_facts_stand_in_groups_with_their_source_and_those_not_given_are_folded(
    visit, estate
) -> None:
    there = visit("desktop").open(
        f"#lang=zh&theme=light&sel=rooms/{estate.ids['rooms', 'B03-103']}"
    )
    groups = there.page.locator(".facts .group")
    expect(groups.filter(has_text="基本信息").first).to_contain_text("test")
    blank = there.page.locator(".facts .blank")
    expect(blank.locator("p")).to_be_hidden()
    blank.locator("summary").click()
    expect(blank).to_contain_text("使用面积")  # nobody measured this room


def test_a_building_lists_its_floors_and_opens_the_list_of_its_rooms(visit, estate) -> None:
    building = estate.ids["buildings", "B03"]
    there = visit("desktop").open(f"#lang=zh&theme=light&sel=buildings/{building}")
    floors = there.page.locator("[data-related=levels] .storeys button")
    expect(floors).to_have_count(2)
    expect(floors.first).to_contain_text("2F")
    expect(floors.first).to_contain_text("4 间")  # B03-408, 411, 412 and 415
    there.page.locator("[data-related=rooms] .more .link", has_text="打开列表").click()
    there.page.wait_for_function(
        f"() => decodeURIComponent(location.hash).includes('list=rooms&place=building/{building}')"
    )


def test_a_meter_has_a_chart_and_the_same_as_a_table(visit, estate) -> None:
    meter = next(id_ for (layer, _), id_ in estate.ids.ids.items() if layer == "meters")
    there = visit("desktop").open(f"#lang=zh&theme=light&sel=meters/{meter}")
    chart = there.page.locator(".facts .meter")
    expect(chart).to_have_attribute("aria-busy", "false")
    table = chart.get_by_role("button", name="表格")
    if chart.locator(".none").count() == 0:
        expect(chart.locator("canvas")).to_be_visible()
        table.click()
        # A month a row, each with its state in words.
        expect(chart.locator("tbody tr")).to_have_count(12)


def test_what_is_not_there_is_said_in_words(visit) -> None:
    there = visit("desktop")
    there.faults.clear()
    there.open("#lang=zh&theme=light&sel=rooms/999999")
    expect(there.page.locator(".facts [role=status]:not(.news)").first).to_contain_text("999999")
    there.faults[:] = [each for each in there.faults if "404" not in each]

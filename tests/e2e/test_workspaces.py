"""The desks of the roles: what each is told first, as whom, and what the map draws for it."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import visiting
from tests.support.small_estate import LAT, LON

expect.set_options(timeout=20_000)
pytestmark = pytest.mark.browser

everywhere = pytest.mark.parametrize("size", ["desktop", "phone"])
in_both = pytest.mark.parametrize("lang", ["zh", "en"])
# Counted by hand in tests.support.small_estate: 周试一 (26.4 against 12 m²) and 孙正科 (20.8
# against 18 m²); B03-411 alone is vacant; one laptop was scanned elsewhere, one desk is idle.
COUNTED = {
    "over_quota_people": "2",
    "vacant_rooms": "1",
    "misplaced_assets": "1",
    "idle_assets": "1",
}


def near(lang: str, more: str = "") -> str:
    return f"#map=17/{LAT + 0.0002}/{LON + 0.0007}&lang={lang}&theme=light{more}"


def ask(origin: str, path: str) -> Any:
    with urllib.request.urlopen(origin + path, timeout=20) as answer:
        return json.loads(answer.read())


@in_both
@everywhere
def test_the_home_view_tells_what_each_workspace_counts(visit, estate, size, lang):
    there = visit(size).open(f"#lang={lang}&theme=light").workspace("home").raise_sheet()
    titles = {each["name"]: each["title"][lang] for each in ask(estate.origin, "/filters")}
    for name, count in COUNTED.items():
        question = there.page.locator(f"[data-question={name}]")
        expect(question.locator("b")).to_have_text(count)
        expect(question.locator(".title")).to_have_text(titles[name])
    # A sign besides the colour says whether it is well.
    label = {"zh": "有问题", "en": "Wrong"}[lang]
    bad = there.page.locator("[data-question=over_quota_people] button")
    expect(bad).to_have_accessible_name(re.compile(label))


@everywhere
def test_a_workspace_draws_its_layers_and_leaves_the_camera_where_it_is(visit, size):
    there = visit(size).open(near("zh"))

    def shown() -> str:
        there.settle()
        return str(there.on_map("map.getLayoutProperty('network_nodes', 'visibility')"))

    assert shown() == "none"
    before = there.on_map("[...map.getCenter().toArray(), map.getZoom()]")
    there.workspace("network")
    expect(there.page.locator("h1", has_text="网络")).to_be_visible()
    assert shown() == "visible"
    assert there.on_map("[...map.getCenter().toArray(), map.getZoom()]") == pytest.approx(before)
    assert "space=network" in there.page.evaluate("() => location.hash")
    # What was drawn for one desk is cleared away for the next.
    there.workspace("space")
    expect(there.page.locator("h1", has_text="办公用房")).to_be_visible()
    assert shown() == "none"


def test_a_link_that_names_a_workspace_draws_its_layers(visit):
    there = visit("desktop").open(near("zh", "&space=network"))
    expect(there.page.locator("h1", has_text="网络")).to_be_visible()
    there.settle()
    assert there.on_map("map.getLayoutProperty('network_nodes', 'visibility')") == "visible"
    assert there.on_map("map.getLayoutProperty('meters', 'visibility')") == "none"
    there.open("?again" + near("zh", "&space=network&off=network_nodes"))
    expect(there.page.locator("h1", has_text="网络")).to_be_visible()
    there.settle()
    assert there.on_map("map.getLayoutProperty('network_nodes', 'visibility')") == "none"


@everywhere
def test_a_unit_narrows_the_estate_and_is_remembered(visit, estate, size):
    there = visit(size).open("?first#lang=zh&theme=light").workspace("home").raise_sheet()
    expect(there.page.locator("[data-question=over_quota_people] b")).to_have_text("2")
    there.page.get_by_role("button", name="选择单位").click()
    box = there.page.get_by_role("combobox", name="查找单位")
    box.fill("审计")
    expect(there.page.get_by_role("option")).to_have_text(["区审计局"])
    box.press("Enter")
    # 区审计局 has nobody over the standard and no vacant room.
    expect(there.page.locator("[data-question=over_quota_people] b")).to_have_text("0")
    unit = estate.ids["bodies", "017"]
    there.page.wait_for_function(f"() => location.hash.includes('unit={unit}')")
    there.open("?second")
    expect(there.page.get_by_role("button", name="选择单位: ")).to_contain_text("区审计局")
    # A link shows what it says, to everybody.
    there.open("?third#lang=zh&theme=light").workspace("home").raise_sheet()
    expect(there.page.get_by_role("button", name="选择单位: ")).to_contain_text("全部单位")


@everywhere
def test_the_browsers_back_button_names_the_unit_that_it_takes_back(visit, estate, size):
    audit, education = (estate.ids["bodies", code] for code in ("017", "012"))
    there = visit(size).open(f"?units#lang=zh&theme=light&unit={audit}").workspace("home")
    chosen = there.raise_sheet().page.get_by_role("button", name="选择单位: ")
    expect(chosen).to_contain_text("区审计局")
    there.page.evaluate(f"() => {{ location.hash = location.hash.replace({audit}, {education}) }}")
    expect(chosen).to_contain_text("区教育局")
    there.page.go_back()
    expect(chosen).to_contain_text("区审计局")
    there.page.evaluate("() => localStorage.clear()")


@everywhere
def test_further_questions_are_counted_once_they_are_unfolded(visit, size):
    there = visit(size).open("#lang=en&theme=light").workspace("space").raise_sheet()
    further = there.page.locator("[data-question=over_quota_rooms]")
    expect(there.page.locator("[data-question=vacant_rooms] b")).to_have_text("1")
    expect(further).to_have_count(0)
    there.page.get_by_text("More questions").click()
    # B03-412 of 周试一, and the two offices that 孙正科 holds.
    expect(further.locator("b")).to_have_text("3")


def test_a_workspace_without_content_is_hidden(visit, estate):
    there = visit("desktop")
    catalogue = ask(estate.origin, "/catalogue")
    fleet = next(w for w in ask(estate.origin, "/workspaces") if w["name"] == "fleet")
    for layer in catalogue["layers"]:
        if layer["name"] in fleet["layers"]:
            layer["count"] = 0
    there.page.route("**/catalogue*", lambda route: route.fulfill(json=catalogue))
    there.open("#lang=zh")
    expect(there.page.locator('.rail [data-space="network"]')).to_be_visible()
    expect(there.page.locator('.rail [data-space="fleet"]')).to_have_count(0)


@everywhere
def test_a_question_that_is_not_answered_says_so_and_is_asked_again(browser, estate, size):
    with visiting(browser, estate.origin, size) as there:
        path = "**/filters/vacant_rooms*"
        there.page.route(path, lambda route: route.fulfill(status=400, json={"detail": "不行"}))
        there.open("#lang=zh&theme=light").workspace("space").raise_sheet()
        question = there.page.locator("[data-question=vacant_rooms]")
        expect(question).to_contain_text("没有统计出来")
        expect(there.page.locator("[data-question=over_quota_people] b")).to_have_text("2")
        there.page.unroute(path)
        question.get_by_role("button", name="重试").click()
        expect(question.locator("b")).to_have_text("1")


@everywhere
def test_the_browsers_back_button_takes_back_list_and_workspace(visit, size):
    there = visit(size).open("#lang=zh&theme=light").workspace("space").raise_sheet()
    there.page.locator("[data-question=vacant_rooms] button").click()
    heading = there.page.locator("h1")
    expect(heading).to_have_text("空置办公室")
    there.page.go_back()
    expect(heading).to_have_text("办公用房")
    there.page.go_forward()
    expect(heading).to_have_text("空置办公室")
    there.page.go_back()
    there.page.go_back()
    expect(there.page.locator('.rail [data-space="home"]')).to_have_attribute(
        "aria-current", "page"
    )

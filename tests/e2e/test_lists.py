"""Lists: their rule and sums, narrowed and sorted, side by side with the map, and as files."""

from __future__ import annotations

import csv
import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import visiting
from tests.support.small_estate import LAT, LON

expect.set_options(timeout=20_000)
pytestmark = pytest.mark.browser

everywhere = pytest.mark.parametrize("size", ["desktop", "phone"])
in_both = pytest.mark.parametrize("lang", ["zh", "en"])
each_once = pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("phone", "en")])
# By hand from tests.support.small_estate: eight rooms, one of them never measured.
ROOMS = {"B03-101", "B03-102", "B03-103", "B03-408", "B03-411", "B03-412", "B03-415", "B11-203"}
MEASURED_M2 = 11.2 + 20.0 + 26.4 + 26.1 + 60.0 + 28.0 + 9.6
TABLE = "&list=rooms&table=1&columns=number,usable_area_m2"


def at(lang: str, more: str) -> str:
    return f"#map=18.4/{LAT + 0.0002}/{LON + 0.0007}&lang={lang}&theme=light{more}"


def ask(origin: str, path: str) -> Any:
    with urllib.request.urlopen(origin + path, timeout=20) as answer:
        return json.loads(answer.read())


@in_both
@everywhere
def test_a_question_opens_its_list_with_rule_count_and_place(visit, estate, size, lang):
    there = visit(size).open(at(lang, "&space=space")).raise_sheet()
    there.page.locator("[data-question=over_quota_people] button").click()
    told = next(f for f in ask(estate.origin, "/filters") if f["name"] == "over_quota_people")
    panel = there.page.locator(".list-panel")
    expect(panel.locator("h1")).to_have_text(told["title"][lang])
    expect(panel.locator(".total b")).to_have_text("2")
    expect(panel.locator(".rule")).to_have_text(told["description"][lang])
    expect(panel.locator(".where")).to_contain_text({"zh": "地图上 2", "en": "2 on the map"}[lang])
    expect(panel.locator(".row-card .title")).to_have_count(2)
    expect(panel).to_contain_text("周试一")
    # 26.4 m² where 12 are allowed.
    expect(panel).to_contain_text("14.4")
    hash_ = there.page.evaluate("() => location.hash")
    assert "list=persons:over_quota_people" in hash_


@everywhere
def test_a_list_is_searched_and_summed_up_by_place(visit, estate, size):
    there = visit(size).open(at("zh", "&list=rooms")).raise_sheet()
    panel = there.page.locator(".list-panel")
    expect(panel.locator(".total b")).to_have_text("8")
    expect(panel).to_contain_text(f"{MEASURED_M2:.1f}".rstrip("0"))
    panel.get_by_role("searchbox", name="在列表中查找").fill("B03-41")
    expect(panel.locator(".total b")).to_have_text("3")
    panel.get_by_role("button", name="去掉条件“含“B03-41””").click()
    expect(panel.locator(".total b")).to_have_text("8")
    panel.get_by_role("radio", name="按楼层").click()
    groups = panel.locator(".group")
    # The second floor of B03 has four rooms, the first three; B11 has one.
    expect(groups.locator("b")).to_have_text(["4", "3", "1"])
    groups.first.click()
    expect(panel.locator(".total b")).to_have_text("4")
    level = estate.ids["levels", "B03-1"]
    there.page.wait_for_function(f"() => location.hash.includes('place=level/{level}')")


@everywhere
def test_a_row_is_selected_on_the_map(visit, estate, size):
    there = visit(size).open(at("zh", "&list=rooms&find=B03-412&floor=1")).raise_sheet()
    there.page.locator(".row-card a", has_text="B03-412").click()
    expect(there.page.locator("#facts-title")).to_contain_text("B03-412")
    room = estate.ids["rooms", "B03-412"]
    there.page.wait_for_function(f"() => location.hash.includes('sel=rooms/{room}')")
    assert there.settle().drawn("selection-line")
    # The list is still there once the details are put away.
    there.page.get_by_role("button", name="关闭", exact=True).click()
    expect(there.page.locator(".list-panel .total b")).to_have_text("1")


@everywhere
def test_a_row_that_is_not_drawn_from_afar_is_gone_to(visit, estate, size):
    far = f"#map=14/{LAT + 0.0002}/{LON + 0.0007}&lang=zh&theme=light&list=rooms&find=B03-412"
    there = visit(size).open(far).raise_sheet()
    there.page.locator(".row-card a", has_text="B03-412").click()
    expect(there.page.locator("#facts-title")).to_contain_text("B03-412")
    there.page.wait_for_function("() => __map.getZoom() > 17")
    room = estate.ids["rooms", "B03-412"]
    assert room in {each["id"] for each in there.settle().drawn("rooms")}
    # A link tells from how far it is to be looked at.
    there.open(f"?again{far}&sel=rooms/{room}")
    expect(there.page.locator("#facts-title")).to_contain_text("B03-412")
    assert there.settle().on_map("map.getZoom()") == pytest.approx(14)


def test_a_row_that_is_seen_leaves_the_map_where_it_is(visit):
    there = visit("desktop").open(at("zh", "&list=rooms&find=B03-412&floor=1"))
    there.page.locator(".row-card a", has_text="B03-412").click()
    expect(there.page.locator("#facts-title")).to_contain_text("B03-412")
    assert there.settle().on_map("map.getZoom()") == pytest.approx(18.4)


def test_what_is_selected_on_the_map_is_marked_in_list_and_table(visit, estate):
    room = estate.ids["rooms", "B03-415"]
    there = visit("desktop").open(at("zh", f"{TABLE}&sel=rooms/{room}"))
    expect(there.page.locator(".row-card a[aria-current]")).to_contain_text("B03-415")
    expect(there.page.locator(".dock tr.chosen").first).to_contain_text("B03-415")


@each_once
def test_the_table_sorts_by_its_headings(visit, size, lang):
    there = visit(size).open(at(lang, TABLE))
    dock = there.page.locator(".dock")
    rows = dock.locator(".el-table__body tbody tr")
    expect(rows).to_have_count(8)
    heading = dock.locator("th.column-of-usable_area_m2, th:has(.column-of-usable_area_m2)").first
    sort = dock.locator(".sort").nth(1)
    sort.click()
    expect(rows.first).to_contain_text("B11-203")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(rows.last).to_contain_text("—")
    sort.click()
    there.page.wait_for_function("() => location.hash.includes('sort=-usable_area_m2')")
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(dock.locator(".el-table__footer")).to_contain_text(f"{MEASURED_M2:.1f}")


@everywhere
def test_a_column_is_filtered_in_plain_words(visit, size):
    there = visit(size).open(at("zh", TABLE))
    dock = there.page.locator(".dock")
    dock.get_by_role("button", name="筛选“使用面积”").click()
    card = there.page.get_by_role("dialog", name="筛选“使用面积”")
    card.get_by_label("从").fill("25")
    card.get_by_role("button", name="确定").click()
    # 26.4, 26.1, 28.0 and 60.0 m².
    expect(dock.locator(".el-table__body tbody tr")).to_have_count(4)
    expect(dock.locator(".el-table__footer")).to_contain_text("140.5")
    there.page.wait_for_function("() => location.hash.includes('where=usable_area_m2')")
    words = "使用面积 ≥ 25 m²"
    dock.get_by_role("button", name=f"去掉条件“{words}”").click()
    expect(dock.locator(".el-table__body tbody tr")).to_have_count(8)
    for word in ("CQL", "SRID", "OGC"):
        expect(there.page.locator("body")).not_to_contain_text(word)


def test_the_keys_lead_through_the_table(visit):
    there = visit("desktop").open(at("zh", f"{TABLE}&sort=number"))
    frame = there.page.locator(".dock .frame")
    expect(frame.locator(".el-table__body tbody tr")).to_have_count(8)
    frame.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        there.page.keyboard.press(key)
    # Third by number: B03-101, B03-102, B03-103.
    expect(there.page.locator("#facts-title")).to_contain_text("B03-103")


@everywhere
def test_columns_are_chosen(visit, size):
    there = visit(size).open(at("zh", TABLE))
    dock = there.page.locator(".dock")
    expect(dock.locator(".sort")).to_have_text(["房间号", re.compile("使用面积")])
    dock.get_by_role("button", name="选择列").click()
    dock.get_by_role("checkbox", name="可容纳人数").check()
    expect(dock.locator(".sort")).to_have_count(3)
    there.page.wait_for_function("() => /columns=[^&]*capacity/.test(location.hash)")


@everywhere
def test_the_list_is_taken_away_as_a_file(visit, size, tmp_path: Path):
    there = visit(size).open(at("zh", "&list=rooms")).raise_sheet()
    panel = there.page.locator(".list-panel")
    expect(panel.locator(".total b")).to_have_text("8")
    panel.get_by_role("button", name="导出").click()
    with there.page.expect_download() as started:
        panel.get_by_role("menuitem", name="CSV").click()
    file = tmp_path / "rooms.csv"
    started.value.save_as(file)
    with file.open(encoding="utf-8-sig", newline="") as opened:
        lines = list(csv.reader(opened))
    cells = {cell for line in lines for cell in line}
    assert cells >= ROOMS
    assert len(lines) == 1 + len(ROOMS)
    expect(there.page.get_by_text("已下载")).to_be_visible()


@everywhere
def test_every_layer_has_a_list(visit, estate, size):
    there = visit(size).open("#lang=zh&theme=light").panel()
    layers = [each for each in ask(estate.origin, "/catalogue")["layers"] if not each["raster"]]
    buttons = there.page.locator("button.count")
    expect(buttons).to_have_count(len(layers))
    there.page.locator('li.layer[data-layer="persons"] button.count').click()
    expect(there.page.locator(".list-panel .total b")).to_have_text("7")
    expect(there.page.locator(".row-card .title")).to_have_count(7)


@everywhere
def test_a_list_that_is_empty_says_what_that_means(visit, size):
    there = visit(size).open(at("zh", "&list=rooms&find=没有这个")).raise_sheet()
    panel = there.page.locator(".list-panel")
    expect(panel).to_contain_text("没有符合条件的记录")
    panel.get_by_role("button", name="去掉条件再看").click()
    expect(panel.locator(".row-card")).to_have_count(8)


@everywhere
def test_lists_work_where_the_map_cannot_be_drawn(browser, estate, size):
    with visiting(browser, estate.origin, size) as there:
        there.page.add_init_script(
            "HTMLCanvasElement.prototype.getContext = function () { return null }"
        )
        there.page.goto(f"{estate.origin}/{at('zh', '&list=rooms')}")
        expect(there.page.get_by_role("alert")).to_contain_text("WebGL2")
        expect(there.page.locator(".row-card")).to_have_count(8)
        there.page.locator(".row-card a", has_text="B03-412").click()
        expect(there.page.locator("#facts-title")).to_contain_text("B03-412")
        there.assert_clean()

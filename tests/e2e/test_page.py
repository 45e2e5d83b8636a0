"""The page as a person uses it, on a desktop and on a phone, in Chinese and in English."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Error, expect

from tests.support.small_estate import LAT, LON

# Software drawing on a busy machine takes its time.
expect.set_options(timeout=20_000)
pytestmark = pytest.mark.browser

SIZES = ("desktop", "phone")
LANGUAGES = ("zh", "en")
# The middle of building B03, close enough for room numbers.
MIDDLE = (LON + 0.0007, LAT + 0.0002)
everywhere = pytest.mark.parametrize("size", SIZES)
in_both = pytest.mark.parametrize("lang", LANGUAGES)
each_once = pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("phone", "en")])


def at(lang: str, zoom: float = 18.4, more: str = "") -> str:
    lon, lat = MIDDLE
    return f"#map={zoom}/{lat}/{lon}&lang={lang}&theme=light{more}"


def square_middle(x: int, y: int) -> tuple[float, float]:
    return LON + x * 0.0002 + 0.00005, LAT + y * 0.0002 + 0.00005


def square_corner(x: int, y: int) -> tuple[float, float]:
    return LON + x * 0.0002 + 0.00002, LAT + y * 0.0002 + 0.00002


def rooms_of_b03(there: Any) -> set[str]:
    numbers = {each["number"] for each in there.drawn("rooms")}
    return {number for number in numbers if number.startswith("B03")}


def ask(origin: str, path: str) -> Any:
    with urllib.request.urlopen(origin + path, timeout=20) as answer:
        return json.loads(answer.read())


@in_both
@everywhere
def test_the_page_opens_on_the_estate_and_stays_on_its_host(visit, estate, size, lang):
    there = visit(size).open(f"#lang={lang}&theme=light")
    assert {each["name"] for each in there.drawn("buildings")} == {"3号楼", "11号楼", "租用楼"}
    assert there.requests
    assert all(url.startswith((estate.origin, "blob:", "data:")) for url in there.requests)
    mark = {"zh": "虚构演示数据", "en": "Fictional demo data"}[lang]
    expect(there.page.get_by_text(mark).first).to_be_visible()
    assert there.page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[lang]
    # Nothing is wider than the window.
    assert there.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("host", ["example.com", "192.0.2.1"])
def test_what_leaves_the_host_gets_nowhere_and_is_noticed(browser, estate, host):
    from tests.e2e.browsing import visiting

    with visiting(browser, estate.origin, "desktop") as there:
        with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
            there.page.goto(f"http://{host}/")
        assert f"left the host: http://{host}/" in there.faults


@everywhere
def test_chinese_labels_are_drawn(visit, size):
    there = visit(size).open(at("zh", 17))
    labels = there.drawn("sites-label", "buildings-label", "waters-label", "roads-label")
    assert {"云汀区政府大院", "3号楼"} <= {each["name"] for each in labels}
    with_labels = there.picture()
    there.on_map(
        "map.getStyle().layers.filter(l => l.type === 'symbol')"
        ".forEach(l => map.setLayoutProperty(l.id, 'visibility', 'none'))"
    )
    there.settle()
    assert there.picture() != with_labels


@in_both
@everywhere
def test_every_layer_is_listed_with_its_title_and_count(visit, estate, size, lang):
    there = visit(size).open(f"#lang={lang}").panel()
    for layer in ask(estate.origin, "/catalogue")["layers"]:
        row = there.page.locator(f'li.layer[data-layer="{layer["name"]}"]')
        expect(row.locator(".name").first).to_have_text(layer["title"][lang])
        expect(row.locator(".count").first).to_have_text(f"{layer['count']:,}")


@everywhere
def test_a_layer_is_switched_off_and_on(visit, size):
    there = visit(size).open(at("zh"))
    assert there.drawn("rooms")
    box = there.panel().page.locator('li.layer[data-layer="rooms"] .el-checkbox')
    box.click()
    there.settle()
    assert there.drawn("buildings")
    for part in ("rooms", "rooms-outline", "rooms-label"):
        assert there.on_map("map.getLayoutProperty(it, 'visibility')", part) == "none"
    there.page.wait_for_function("() => /off=[^&]*rooms/.test(location.hash)")
    box.click()
    assert there.settle().drawn("rooms")


@each_once
def test_the_floor_switch_shows_one_floor_at_a_time(visit, size, lang):
    there = visit(size).open(at(lang, 17.2))
    floors = there.page.get_by_role("radiogroup", name={"zh": "楼层", "en": "Floor"}[lang])
    expect(floors.get_by_role("radio")).to_have_text(["2F", "1F"])
    expect(floors.locator("[aria-checked=true]")).to_have_text("1F")
    assert rooms_of_b03(there) == {"B03-101", "B03-102", "B03-103"}
    before = there.picture()
    floors.get_by_text("2F").click()
    there.settle()
    assert rooms_of_b03(there) == {"B03-408", "B03-411", "B03-412", "B03-415"}
    assert {each["ordinal"] for each in there.drawn("levels")} == {1}
    assert there.picture() != before
    there.page.wait_for_function("() => location.hash.includes('floor=1')")
    there.look_at(*MIDDLE, 13)
    expect(floors).to_have_count(0)


@each_once
def test_a_measure_colours_the_map_with_the_values_of_the_service(visit, estate, size, lang):
    there = visit(size).open(at(lang)).panel()
    told = next(m for m in ask(estate.origin, "/measures") if m["name"] == "usable_area_per_person")
    row = there.page.locator('li.layer[data-layer="rooms"]')
    row.locator("button.expand").click()
    row.get_by_text(told["title"][lang]).click()
    there.put_away().settle()
    answer = ask(estate.origin, f"/measures/{told['name']}")
    there.page.wait_for_function(
        "it => it.some(id => __map.getFeatureState("
        "{source: 'onemap-rooms', sourceLayer: 'rooms', id}).measure != null)",
        arg=answer["ids"],
    )
    states = there.on_map(
        "it.map(id => map.getFeatureState("
        "{source: 'onemap-rooms', sourceLayer: 'rooms', id}).measure)",
        answer["ids"],
    )
    assert states == answer["values"]
    assert any(value is not None for value in states)
    legend = there.page.get_by_role("region", name={"zh": "图例", "en": "Legend"}[lang])
    expect(legend).to_contain_text(told["title"][lang])
    expect(legend).to_contain_text(told["unit"][lang])
    expect(legend).to_contain_text({"zh": "无数据", "en": "No data"}[lang])
    assert f"measure={told['name']}" in there.page.evaluate("() => location.hash")
    # B03-102: 28.0 m² for one person has the colour that the legend gives its class.
    b03_102 = answer["values"][answer["ids"].index(estate.ids["rooms", "B03-102"])]
    assert b03_102 == 28.0
    index = sum(b03_102 > each for each in answer["breaks"])
    shown = (
        legend.locator("li .color").nth(index).evaluate("e => getComputedStyle(e).backgroundColor")
    )
    red, green, blue = (int(answer["colors"][index][i : i + 2], 16) for i in (1, 3, 5))
    assert shown == f"rgb({red}, {green}, {blue})"


@everywhere
def test_a_windowed_measure_asks_again_for_another_window(visit, estate, size):
    windowed = next(m for m in ask(estate.origin, "/measures") if m["windowed"])
    there = visit(size).open(f"#lang=zh&measure={windowed['name']}").panel()
    group = there.page.get_by_role("group", name="统计时段")
    asked = re.compile(rf"/measures/{windowed['name']}\?.*window=2026-09-01%2F2026-10-01")
    with there.page.expect_response(lambda answer: bool(asked.search(answer.url))):
        group.get_by_role("button", name="本月").click()
        group.get_by_role("button", name="上月").click()
    there.put_away()
    legend = there.page.get_by_role("region", name="图例")
    expect(legend).to_contain_text("2026-09-01 至 2026-09-30")


@each_once
def test_a_click_tells_the_facts_of_what_was_clicked(visit, estate, size, lang):
    there = visit(size).open(at(lang, more="&floor=1"))
    assert {each["number"] for each in there.drawn("rooms")} >= {"B03-412"}
    # A desk stands in the middle of the room; its corner is the room alone.
    there.click_at(*square_corner(2, 1))
    title = there.page.locator("#facts-title")
    expect(title).to_contain_text("B03-412")
    expect(there.page.locator("dd[data-field=usable_area_m2]")).to_have_text(
        re.compile(r"26\.4\s*m²")
    )
    expect(there.page.locator(".facts .path a")).to_have_text(["云汀区政府大院", "3号楼", "2层"])
    expect(there.page.locator(".facts .related")).not_to_have_count(0)
    expect(there.page.locator(".facts footer time")).to_be_visible()
    room = estate.ids["rooms", "B03-412"]
    there.page.wait_for_function(f"() => location.hash.includes('sel=rooms/{room}')")
    there.settle()
    assert there.drawn("selection-line")
    # The path is a way: up to the building, whose panel lists its floors.
    there.page.locator(".facts .path a", has_text="3号楼").click()
    expect(title).to_contain_text("3号楼")
    there.page.get_by_role("button", name={"zh": "关闭", "en": "Close"}[lang], exact=True).click()
    expect(title).to_have_count(0)


def test_a_click_moves_nothing_though_the_middle_of_what_is_clicked_is_out_of_sight(visit):
    there = visit("desktop").open(f"#map=19.5/{LAT - 0.0001}/{LON + 0.0005}&lang=zh&theme=light")
    before = there.on_map("[...map.getCenter().toArray(), map.getZoom()]")
    # Where the site alone lies, which is wider than the window.
    there.click_at(LON + 0.0005, LAT - 0.00015)
    expect(there.page.locator("#facts-title")).to_contain_text("云汀区政府大院")
    there.settle()
    assert there.on_map("[...map.getCenter().toArray(), map.getZoom()]") == pytest.approx(before)


@everywhere
def test_search_leads_to_a_room_on_another_floor(visit, size):
    there = visit(size).open("#lang=zh&theme=light")
    box = there.page.get_by_role("combobox", name="搜索")
    box.fill("B03-415")
    expect(there.page.get_by_role("option").first).to_contain_text("B03-415")
    box.press("Enter")
    expect(there.page.locator("#facts-title")).to_contain_text("B03-415")
    there.settle()
    assert "B03-415" in {each.get("number") for each in there.drawn("rooms")}
    checked = there.page.get_by_role("radiogroup", name="楼层").locator("[aria-checked=true]")
    expect(checked).to_have_text("2F")
    box.fill("没有这个")
    expect(there.page.get_by_role("status").filter(has_text="没有找到")).to_be_visible()


@everywhere
def test_a_permalink_brings_back_the_view(visit, estate, size):
    room = estate.ids["rooms", "B03-412"]
    more = f"&floor=1&measure=usable_area_per_person&off=sites&sel=rooms/{room}"
    there = visit(size).open(at("en", more=more).replace("theme=light", "theme=dark"))
    expect(there.page.locator("#facts-title")).to_contain_text("B03-412")
    assert there.on_map("map.getLayoutProperty('sites', 'visibility')") == "none"
    assert there.on_map("map.getPaintProperty('land', 'background-color')") == "#16191d"
    assert "dark" in (there.page.locator("html").get_attribute("class") or "")


@everywhere
def test_language_and_theme_change_without_losing_the_view(visit, size):
    there = visit(size).open(at("zh", more="&measure=usable_area_per_person"))
    centre = there.on_map("map.getCenter().toArray()")
    there.page.get_by_role("button", name="Switch to English").click()
    expect(there.page.get_by_role("combobox", name="Search")).to_be_visible()
    there.page.get_by_role("button", name="Dark").click()
    there.page.wait_for_function(
        "() => __map.getPaintProperty('land', 'background-color') === '#16191d'"
    )
    there.settle()
    assert there.on_map("map.getCenter().toArray()") == pytest.approx(centre)
    kept = there.on_map(
        "map.querySourceFeatures('onemap-rooms', {sourceLayer: 'rooms'})"
        ".filter(f => map.getFeatureState({source: 'onemap-rooms', sourceLayer: 'rooms', id: f.id})"
        ".measure !== undefined).length"
    )
    assert kept > 0


def test_the_keyboard_alone_reaches_search_layers_floors_and_map(visit):
    there = visit("desktop").open(at("zh", more="&space=layers"))
    reached = set()
    for _ in range(120):
        there.page.keyboard.press("Tab")
        reached.add(
            there.page.evaluate(
                "() => { const e = document.activeElement; "
                "return e.matches('.maplibregl-canvas') ? 'map' "
                ": e.getAttribute('role') || e.type || e.tagName }"
            )
        )
    assert {"combobox", "checkbox", "radio", "map"} <= reached
    # On the map, Enter selects what lies at its centre.
    there.look_at(*square_middle(5, 0), 19)
    there.on_map("map.getCanvas().focus()")
    there.page.keyboard.press("Enter")
    expect(there.page.locator("#facts-title")).to_contain_text("B03-102")
    there.page.keyboard.press("Escape")
    expect(there.page.locator("#facts-title")).to_have_count(0)


@everywhere
def test_a_service_that_is_away_is_told_and_found_again(browser, estate, size):
    from tests.e2e.browsing import visiting

    with visiting(browser, estate.origin, size) as there:
        page = there.page
        page.route("**/catalogue*", lambda route: route.fulfill(status=503, body=""))
        page.goto(f"{estate.origin}/#lang=zh")
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("连接不到服务")
        page.unroute("**/catalogue*")
        page.get_by_role("button", name="重试").click()
        expect(alert).to_have_count(0)
        page.wait_for_function("() => window.__map !== undefined")
        assert there.settle().drawn("buildings")


@everywhere
def test_a_browser_without_webgl2_is_told_so_and_can_still_search(browser, estate, size):
    from tests.e2e.browsing import visiting

    with visiting(browser, estate.origin, size) as there:
        there.page.add_init_script(
            "HTMLCanvasElement.prototype.getContext = function () { return null }"
        )
        there.page.goto(f"{estate.origin}/#lang=zh")
        expect(there.page.get_by_role("alert")).to_contain_text("WebGL2")
        box = there.page.get_by_role("combobox", name="搜索")
        box.fill("B03-412")
        expect(there.page.get_by_role("option").first).to_contain_text("B03-412")
        box.press("Enter")
        expect(there.page.locator("#facts-title")).to_contain_text("B03-412")
        there.assert_clean()

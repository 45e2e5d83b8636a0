"""The view on paper: what a printer is given."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.small_estate import LAT, LON

expect.set_options(timeout=20_000)
pytestmark = pytest.mark.browser

everywhere = pytest.mark.parametrize("size", ["desktop", "phone"])
in_both = pytest.mark.parametrize("lang", ["zh", "en"])
PRINT = {"zh": "打印当前视图", "en": "Print this view"}
MEASURE = {"zh": "人均使用面积", "en": "Usable area per person"}


def printed(visit: Any, size: str, lang: str, more: str = "", theme: str = "light") -> Any:
    there = visit(size)
    # The dialog of a browser without a window would never be closed.
    there.page.add_init_script(
        "window.print = () => { window.__asked = (window.__asked ?? 0) + 1 }"
    )
    there.open(
        f"#map=17.4/{LAT + 0.0002}/{LON + 0.0007}&lang={lang}&theme={theme}&floor=1"
        f"&measure=usable_area_per_person{more}"
    )
    there.page.get_by_role("button", name=PRINT[lang]).click()
    there.page.wait_for_function("() => window.__asked === 1")
    return there


@in_both
@everywhere
def test_a_print_has_the_map_its_title_legend_scale_and_marks(visit, size, lang):
    there = printed(visit, size, lang)
    page = there.page
    expect(page.locator(".print-sheet")).to_be_hidden()
    page.emulate_media(media="print")
    sheet = page.locator(".print-sheet")
    expect(sheet).to_be_visible()
    expect(page.locator("#app")).to_be_hidden()
    expect(sheet.locator("h1")).not_to_be_empty()
    subtitle = sheet.locator(".subtitle")
    expect(subtitle).to_contain_text("2F")
    expect(sheet.locator(".legend")).to_contain_text("m²")
    expect(subtitle).to_contain_text(sheet.locator(".legend h2").inner_text())
    expect(sheet.get_by_test_id("print-scale")).to_have_text(re.compile(r"^\d+ m$"))
    expect(sheet).to_contain_text({"zh": "虚构演示数据", "en": "Fictional demo data"}[lang])
    expect(sheet.locator("footer")).to_contain_text("2026")
    width, height = sheet.locator("figure img").evaluate("i => [i.naturalWidth, i.naturalHeight]")
    assert min(width, height) > 300
    # No button makes sense on paper.
    assert sheet.locator(".icon-button:visible, input:visible").count() == 0


def test_the_picture_shows_the_map_and_not_an_empty_frame(visit):
    there = printed(visit, "desktop", "zh")
    colors = there.page.locator(".print-sheet figure img").evaluate(
        "image => { const c = document.createElement('canvas');"
        " c.width = image.naturalWidth; c.height = image.naturalHeight;"
        " const paper = c.getContext('2d'); paper.drawImage(image, 0, 0);"
        " const {data} = paper.getImageData(0, 0, c.width, c.height); const seen = new Set();"
        " for (let i = 0; i < data.length; i += 404)"
        "  seen.add(`${data[i]},${data[i + 1]},${data[i + 2]},${data[i + 3]}`);"
        " return seen.size }"
    )
    assert colors > 10


def pixels(there: Any) -> dict[str, int]:
    """Count the light and the dark pixels of the picture that was printed, of a sample."""
    return dict(
        there.page.locator(".print-sheet figure img").evaluate(
            "image => { const c = document.createElement('canvas');"
            " c.width = image.naturalWidth; c.height = image.naturalHeight;"
            " const paper = c.getContext('2d'); paper.drawImage(image, 0, 0);"
            " const {data} = paper.getImageData(0, 0, c.width, c.height);"
            " const seen = {light: 0, dark: 0};"
            " for (let i = 0; i < data.length; i += 404) {"
            "  const sum = data[i] + data[i + 1] + data[i + 2];"
            "  if (sum > 600) seen.light += 1; if (sum < 180) seen.dark += 1 }"
            " return seen }"
        )
    )


def test_paper_is_light_though_the_page_is_dark(visit, estate):
    room = estate.ids["rooms", "B03-412"]
    more = f"&list=rooms&find=B03&sel=rooms/{room}"
    there = printed(visit, "desktop", "zh", more, theme="dark")
    seen = pixels(there)
    assert seen["light"] > 10 * seen["dark"]
    # The legend beside it has the colours of the map that was printed.
    colors = ".legend .color"
    there.page.emulate_media(media="print")
    told = there.page.locator(f".print-sheet {colors}").evaluate_all(
        "all => all.map(each => each.style.backgroundColor)"
    )
    there.page.emulate_media(media="screen")
    on_screen = there.page.locator(f".over {colors}").evaluate_all(
        "all => all.map(each => each.style.backgroundColor)"
    )
    assert told
    assert not set(told) & set(on_screen)
    # The dark page comes back.
    there.page.wait_for_function(
        "() => __map.getPaintProperty('land', 'background-color') === '#16191d'"
    )
    assert there.page.evaluate("() => location.hash").endswith("theme=dark")


def test_a_map_whose_light_style_is_slow_is_not_printed_before_it_is_there(visit):
    there = visit("desktop")
    there.page.add_init_script("window.print = () => { window.__asked = true }")
    there.open(f"#map=17.4/{LAT}/{LON}&lang=zh&theme=dark")

    def late(route: Any) -> None:
        there.page.wait_for_timeout(1500)
        assert there.page.evaluate("() => window.__asked") is None
        route.fallback()

    there.page.route(re.compile(r"style\.json.*theme=light"), late)
    there.page.get_by_role("button", name=PRINT["zh"]).click()
    there.page.wait_for_function("() => window.__asked")
    seen = pixels(there)
    assert seen["light"] > 10 * seen["dark"]


def test_the_scale_bar_is_as_long_as_it_says(visit):
    there = printed(visit, "desktop", "zh")
    share = float(
        there.page.get_by_test_id("print-scale").evaluate("bar => parseFloat(bar.style.width)")
    )
    told = float(there.page.get_by_test_id("print-scale").text_content().strip().split()[0])
    # Between the panel (56 + 320 + 32 px) and the controls (72 px); zoom 17.4 in tiles of 512.
    width = 1280 - 408 - 72
    expected = told / (40_075_016.686 * 0.77824 / (512 * 2**17.4)) / width * 100
    assert share == pytest.approx(expected, rel=0.01)


def test_a_print_is_one_page_of_a4_across(visit):
    there = printed(visit, "desktop", "zh")
    paper = there.page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", paper)) == 1
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", paper)
    assert box
    # 297 × 210 mm in points.
    assert float(box[1]) == pytest.approx(841.9, abs=1)
    assert float(box[2]) == pytest.approx(595.3, abs=1)


def test_the_browsers_print_keys_print_the_sheet(visit):
    there = visit("desktop")
    there.page.add_init_script(
        "window.print = () => { window.__asked = (window.__asked ?? 0) + 1 }"
    )
    there.open(f"#map=17.4/{LAT}/{LON}&lang=zh&theme=dark")
    there.page.keyboard.press("Control+p")
    there.page.wait_for_function("() => window.__asked === 1")
    there.page.emulate_media(media="print")
    expect(there.page.locator(".print-sheet h1")).to_be_visible()

"""A person edits on the page: a form, a shape, many rows; and takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import Visit, visiting
from tests.e2e.conftest import Served
from tests.e2e.serving import WEB, build_page, served
from tests.support import small_estate
from tests.support.small_estate import LAT, LON

expect.set_options(timeout=20_000)
pytestmark = pytest.mark.browser

FLOOR = f"map=19/{LAT + 0.00025}/{LON + 0.0008}&lang=zh&theme=light"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def estate(module_database: Any) -> Iterator[Served]:
    """The small estate, which anyone may edit."""
    ids = small_estate.fill(module_database.engine)
    with served(module_database.app_url, build_page(), edits=True) as origin:
        yield Served(origin, ids)


def feature(estate: Served, layer: str, key: int) -> dict[str, Any]:
    """Return a thing as the service tells it now, its facts by field."""
    answer = httpx.get(f"{estate.origin}/features/{layer}/{key}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found | {"values": {each["field"]: each["value"] for each in found["facts"]}}


def change(estate: Served, layer: str, key: int, **properties: Any) -> None:
    """Change a thing as another person does meanwhile."""
    revision = feature(estate, layer, key)["source"]["revision"]
    put = {"layer": layer, "id": key, "revision": revision, "properties": properties}
    answer = httpx.post(f"{estate.origin}/changes", json={"puts": [put]})
    assert answer.status_code == 200, answer.text


def refused(there: Visit, status: int) -> None:
    """Take note that the service refused, as the test wants it: that is no fault of the page."""
    before = len(there.faults)
    there.faults[:] = [
        f for f in there.faults if not f.startswith((f"{status} ", "Failed to load"))
    ]
    assert len(there.faults) < before, f"nothing was refused with {status}"


def form_of(visit: Any, estate: Served, layer: str, key: str, size: str = "desktop") -> Visit:
    """Open the form of a thing by its key."""
    there: Visit = visit(size).open(f"#{FLOOR}&sel={layer}/{estate.ids[layer, key]}")
    there.page.locator("[data-edit=form]").click()
    expect(there.page.get_by_test_id("edit-form")).to_be_visible()
    return there


def said(there: Visit, text: str) -> Any:
    """Wait until the page says that it was done, and keep it saying so: it waits for a pointer."""
    toast = there.page.get_by_test_id("toast")
    expect(toast).to_contain_text(text)
    toast.locator(".toast").hover()
    return toast


def breaches(there: Visit) -> list[str]:
    """Return the serious breaches of accessibility of what is shown now."""
    there.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = there.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {node['target']}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_room_is_edited_by_form_and_the_change_is_taken_back_and_made_again(
    visit: Any, estate: Served, size: str
) -> None:
    room = estate.ids["rooms", "B03-411"]
    there = form_of(visit, estate, "rooms", "B03-411", size)
    assert breaches(there) == []
    there.page.get_by_label("可容纳人数").fill("6")
    there.page.get_by_role("combobox", name="用途").click()
    there.page.get_by_role("option", name="会议室").click()
    there.page.get_by_role("button", name="保存", exact=True).click()
    toast = said(there, "已保存")
    expect(there.page.locator("dd[data-field=capacity]")).to_contain_text("6")
    assert feature(estate, "rooms", room)["values"]["capacity"] == 6

    toast.get_by_role("button", name="撤销").click()
    expect(there.page.locator("dd[data-field=capacity]")).to_contain_text("2")
    values = feature(estate, "rooms", room)["values"]
    assert (values["capacity"], values["use"]) == (2, "office")
    if size == "phone":
        return
    there.page.locator("body").press("Control+Shift+z")
    expect(there.page.locator("dd[data-field=capacity]")).to_contain_text("6")
    there.page.locator("body").press("Control+z")
    expect(there.page.locator("dd[data-field=capacity]")).to_contain_text("2")


def test_a_save_fetches_the_touched_tiles_and_no_others(visit: Any, estate: Served) -> None:
    there = form_of(visit, estate, "rooms", "B03-411")
    there.page.get_by_label("名称", exact=True).fill("档案")
    there.settle()
    there.requests.clear()
    with there.page.expect_response("**/tiles/rooms/**"):
        there.page.keyboard.press("Enter")
        expect(there.page.get_by_test_id("toast")).to_contain_text("已保存")
    there.page.wait_for_timeout(1000)
    tiles = {u.split("/tiles/")[1].split("/")[0] for u in there.requests if "/tiles/" in u}
    assert "rooms" in tiles
    assert not {"roads", "waters", "buildings", "sites"} & tiles


def test_a_value_that_cannot_be_is_told_beside_its_field(visit: Any, estate: Served) -> None:
    there = form_of(visit, estate, "rooms", "B03-415")
    there.page.get_by_label("可容纳人数").fill("2.5")
    there.page.keyboard.press("Enter")
    wrong = there.page.locator(".form-field.wrong")
    expect(wrong).to_contain_text("应为整数")
    expect(wrong.locator("input")).to_be_focused()
    assert breaches(there) == []
    refused(there, 422)


def test_two_who_change_the_same_field_choose_between_them(visit: Any, estate: Served) -> None:
    room = estate.ids["rooms", "B03-102"]
    there = form_of(visit, estate, "rooms", "B03-102")
    change(estate, "rooms", room, capacity=7, name="对方起的名")
    there.page.get_by_label("可容纳人数").fill("9")
    there.page.get_by_label("房间号").fill("B03-102甲")
    there.page.keyboard.press("Enter")
    dialog = there.page.get_by_role("dialog")
    expect(dialog.locator("[data-conflict=capacity]")).to_contain_text("9 人")
    expect(dialog).to_contain_text("对方起的名")
    assert breaches(there) == []
    dialog.get_by_label("对方的").check()
    dialog.get_by_role("button", name="按所选保存").click()
    expect(there.page.get_by_test_id("toast")).to_contain_text("已保存")
    values = feature(estate, "rooms", room)["values"]
    assert (values["capacity"], values["number"], values["name"]) == (7, "B03-102甲", "对方起的名")
    refused(there, 412)


def test_what_is_not_saved_is_not_lost_by_mistake(visit: Any, estate: Served) -> None:
    there = form_of(visit, estate, "rooms", "B03-408")
    there.page.get_by_label("可容纳人数").fill("3")
    held = "() => !dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    assert there.page.evaluate(held), "the browser would close the page without a word"
    there.page.keyboard.press("Escape")
    dialog = there.page.get_by_role("dialog")
    expect(dialog).to_contain_text("放弃未保存的修改")
    there.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    # Another room on the map: the old one stays until that is decided.
    there.click_at(LON + 2 * 0.0002 + 0.00002, LAT + 0.0002 + 0.00002)
    expect(dialog).to_be_visible()
    assert f"sel=rooms/{estate.ids['rooms', 'B03-408']}" in there.page.evaluate("location.hash")
    dialog.get_by_role("button", name="放弃修改").click()
    expect(there.page.get_by_test_id("edit-form")).to_have_count(0)
    wanted = estate.ids["rooms", "B03-412"]
    there.page.wait_for_function(f"() => location.hash.includes('sel=rooms/{wanted}')")


def test_a_person_is_found_and_chosen_as_who_keeps_an_asset(visit: Any, estate: Served) -> None:
    asset = estate.ids["assets", "ZC-2023-003417"]
    there = form_of(visit, estate, "assets", "ZC-2023-003417")
    field = there.page.locator(".form-field[data-field=custodian_id] input")
    field.fill("钱甲")
    there.page.get_by_role("option", name="钱甲").click()
    there.page.get_by_role("button", name="保存", exact=True).click()
    expect(there.page.get_by_test_id("toast")).to_contain_text("已保存")
    assert feature(estate, "assets", asset)["values"]["custodian_id"] == estate.ids["persons", "P3"]


def test_what_is_deleted_is_named_and_comes_back(visit: Any, estate: Served) -> None:
    there: Visit = visit("desktop").open(f"#{FLOOR}&sel=rooms/{estate.ids['rooms', 'B03-412']}")
    there.page.locator("[data-edit=delete]").click()
    dialog = there.page.get_by_role("dialog")
    expect(dialog).to_contain_text("B03-412")
    dialog.get_by_role("button", name="删除").click()
    expect(there.page.get_by_role("alert")).to_contain_text("房间占用属于它")
    refused(there, 422)

    asset = estate.ids["assets", "ZC-2023-000002"]
    there.open(f"#{FLOOR}&sel=assets/{asset}")
    there.page.locator("[data-edit=delete]").click()
    dialog.get_by_role("button", name="删除").click()
    toast = said(there, "已删除")
    with suppress(AssertionError):
        feature(estate, "assets", asset)
        pytest.fail("the asset is still there")
    toast.get_by_role("button", name="撤销").click()
    expect(toast).to_contain_text("已撤销")
    assert feature(estate, "assets", asset)["values"]["name"] == "办公桌"


def test_who_may_only_look_is_offered_no_edit(
    browser: Any, module_database: Any, estate: Served
) -> None:
    with (
        served(module_database.app_url, build_page()) as origin,
        visiting(browser, origin, "desktop") as there,
    ):
        there.open(f"#{FLOOR}&sel=rooms/{estate.ids['rooms', 'B03-408']}")
        expect(there.page.locator(".facts .chip").first).to_be_visible()
        expect(there.page.locator("[data-edit]")).to_have_count(0)
        there.assert_clean()


def shaping(visit: Any, estate: Served, kind: str, layer: str, key: str) -> Visit:
    """Select a thing and begin to change its shape."""
    there: Visit = visit("desktop").open(f"#{FLOOR}&sel={layer}/{estate.ids[layer, key]}")
    there.page.locator(f"[data-edit={kind}]").click()
    begun(there)
    return there


def begun(there: Visit) -> None:
    """Wait until the tool for shapes has what it needs."""
    expect(there.page.locator("[data-testid=shaping][aria-busy=false]")).to_be_visible()
    there.settle()


def click(there: Visit, lon: float, lat: float) -> None:
    """Click a place; two clicks at once would be a double one."""
    there.click_at(lon, lat)
    there.page.wait_for_timeout(400)


def save_shape(there: Visit) -> None:
    """Save what is drawn and wait until that is said."""
    there.page.get_by_test_id("shaping").get_by_role("button", name="保存").click()
    expect(there.page.get_by_test_id("toast")).to_contain_text("已")
    expect(there.page.get_by_test_id("shaping")).to_have_count(0)


def corners(found: dict[str, Any]) -> set[tuple[float, float]]:
    """Return the corners of a thing with one part."""
    [[ring]] = found["geometry"]["coordinates"]
    return {(round(x, 9), round(y, 9)) for x, y in ring}


def at(x: float, y: float) -> tuple[float, float]:
    """Return a corner of the small estate's squares, in their halves."""
    return round(LON + x * 0.0001, 9), round(LAT + y * 0.0001, 9)


def test_a_corner_that_is_dragged_near_a_neighbours_lies_on_it(visit: Any, estate: Served) -> None:
    room = estate.ids["rooms", "B03-101"]
    before = corners(feature(estate, "rooms", room))
    there = shaping(visit, estate, "reshape", "rooms", "B03-101")
    ends = there.on_map(
        "it.map(p => { const q = map.project(p); return [q.x, q.y] })", [at(9, 1), at(10, 1)]
    )
    (x, y), (to_x, to_y) = ends
    mouse = there.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 20, y - 10, steps=4)
    mouse.move(to_x - 6, to_y + 5, steps=4)
    mouse.up()
    expect(there.page.get_by_test_id("shape-size")).to_contain_text("m²")
    assert breaches(there) == []
    save_shape(there)
    assert corners(feature(estate, "rooms", room)) == before - {at(9, 1)} | {at(10, 1)}
    there.page.locator("body").press("Control+z")
    expect(there.page.get_by_test_id("toast")).to_contain_text("已撤销")
    assert corners(feature(estate, "rooms", room)) == before


def test_a_room_is_cut_in_two_and_made_one_again(visit: Any, estate: Served) -> None:
    room = estate.ids["rooms", "B03-101"]
    before = feature(estate, "rooms", room)
    there = shaping(visit, estate, "split", "rooms", "B03-101")
    click(there, *at(8.3, 0.02))
    click(there, *at(8.3, 0.98))
    card = there.page.get_by_test_id("shaping")
    card.get_by_role("button", name="完成").click()
    expect(card.get_by_label("新的一块叫")).to_have_value("B03-101-2")
    assert breaches(there) == []
    save_shape(there)
    after = feature(estate, "rooms", room)
    share = after["values"]["polygon_area_m2"] / before["values"]["polygon_area_m2"]
    assert share == pytest.approx(0.7, abs=0.02)
    assert after["values"]["usable_area_m2"] == pytest.approx(60 * share, abs=0.1)

    there.page.locator("[data-edit=merge]").click()
    begun(there)
    card.get_by_label("并入").select_option(label="B03-101-2")
    expect(card.get_by_role("button", name="保存")).to_be_enabled()
    save_shape(there)
    joined = feature(estate, "rooms", room)
    assert joined["values"]["polygon_area_m2"] == pytest.approx(
        before["values"]["polygon_area_m2"], rel=1e-3
    )
    assert corners(before) <= corners(joined)
    assert joined["values"]["usable_area_m2"] == pytest.approx(60, abs=0.1)


def test_a_new_room_lies_on_the_floor_in_view_and_belongs_to_its_neighbours_body(
    visit: Any, estate: Served
) -> None:
    there: Visit = visit("desktop").open(f"#{FLOOR}&floor=0")
    there.page.locator("[data-tool=draw]").click()
    begun(there)
    for corner in ((10, 1), (11, 1), (11, 2), (10, 2), (10, 1)):
        click(there, *at(*corner))
    form = there.page.get_by_test_id("edit-form")
    expect(form).to_be_visible()
    form.get_by_label("房间号").fill("B03-104")
    there.page.get_by_role("button", name="保存", exact=True).click()
    expect(there.page.get_by_test_id("toast")).to_contain_text("已新建")
    there.page.wait_for_function("() => location.hash.includes('sel=rooms/')")
    made = there.page.evaluate("() => Number(location.hash.match(/sel=rooms.(\\d+)/)[1])")
    found = feature(estate, "rooms", made)
    assert found["values"]["body_id"] == estate.ids["bodies", "017"]
    assert [p["id"] for p in found["path"] if p["layer"] == "levels"] == [
        estate.ids["levels", "B03-0"]
    ]
    assert {at(10, 1), at(11, 1)} <= corners(found)


def test_an_asset_is_put_into_a_room_by_a_click(visit: Any, estate: Served) -> None:
    asset = estate.ids["assets", "ZC-2023-003417"]
    there = shaping(visit, estate, "place", "assets", "ZC-2023-003417")
    click(there, *at(7, 4))  # outside of every room
    expect(there.page.get_by_test_id("shaping")).to_contain_text("这里没有房间")
    click(there, *at(2.5, 2.5))
    expect(there.page.get_by_test_id("toast")).to_contain_text("B03-411")
    found = feature(estate, "assets", asset)
    assert found["values"]["room_id"] == estate.ids["rooms", "B03-411"]
    assert found["geometry"]["coordinates"] == pytest.approx(at(2.5, 2.5), abs=1e-5)


def test_many_rows_are_changed_as_one_and_taken_back_as_one(visit: Any, estate: Served) -> None:
    there: Visit = visit("desktop").open(f"#{FLOOR}&floor=1&list=rooms&table=1")
    names = ("B03-408", "B03-411", "B03-415")
    before = [
        feature(estate, "rooms", estate.ids["rooms", n])["values"]["restriction"] for n in names
    ]
    for name in names[:2]:
        there.page.get_by_label(f"选择 {name}").check()
    bar = there.page.get_by_test_id("bulk")
    expect(bar).to_contain_text("已选 2 条")
    assert breaches(there) == []

    bar.get_by_role("button", name="在图上框选").click()
    (x, y), (to_x, to_y) = there.on_map(
        "it.map(p => { const q = map.project(p); return [q.x, q.y] })", [at(5.8, 3.2), at(7.2, 2.2)]
    )
    there.page.mouse.move(x, y)
    there.page.mouse.down()
    there.page.mouse.move(to_x, to_y, steps=5)
    there.page.mouse.up()
    expect(bar).to_contain_text("已选 3 条")

    bar.get_by_role("button", name="修改字段").click()
    dialog = there.page.get_by_role("dialog")
    dialog.get_by_label("修改哪个字段").select_option(label="限制")
    dialog.get_by_role("combobox", name="限制", exact=True).last.click()
    dialog.locator("li[role=option]").first.click()
    expect(dialog).to_contain_text("将修改 3 条")
    assert breaches(there) == []
    dialog.get_by_role("button", name="修改 3 条").click()
    toast = said(there, "已修改 3 条")
    values = [feature(estate, "rooms", estate.ids["rooms", n])["values"] for n in names]
    assert len({each["restriction"] for each in values}) == 1
    assert values[0]["restriction"] is not None
    toast.get_by_role("button", name="撤销").click()
    expect(toast).to_contain_text("已撤销")
    after = [
        feature(estate, "rooms", estate.ids["rooms", n])["values"]["restriction"] for n in names
    ]
    assert after == before


def test_a_phone_offers_the_form_and_placing_but_no_drawing(visit: Any, estate: Served) -> None:
    there: Visit = visit("phone").open(f"#{FLOOR}&sel=rooms/{estate.ids['rooms', 'B03-408']}")
    expect(there.page.locator("[data-edit=form]")).to_be_visible()
    expect(there.page.locator("[data-edit=reshape], [data-edit=split]")).to_have_count(0)

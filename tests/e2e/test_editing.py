"""A person edits on the page: a form, a shape, many rows; and takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import Visit
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
    there.faults[:] = [f for f in there.faults if not f.startswith((f"{status} ", "Failed to load"))]
    assert len(there.faults) < before, f"nothing was refused with {status}"


def form_of(visit: Any, estate: Served, layer: str, key: str, size: str = "desktop") -> Visit:
    """Open the form of a thing by its key."""
    there: Visit = visit(size).open(f"#{FLOOR}&sel={layer}/{estate.ids[layer, key]}")
    there.page.locator("[data-edit=form]").click()
    expect(there.page.get_by_test_id("edit-form")).to_be_visible()
    return there


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
    toast = there.page.get_by_test_id("toast")
    expect(toast).to_contain_text("已保存")
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
    there.page.keyboard.press("Enter")
    expect(there.page.get_by_test_id("toast")).to_contain_text("已保存")
    there.settle()
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
    toast = there.page.get_by_test_id("toast")
    expect(toast).to_contain_text("已删除")
    with suppress(AssertionError):
        feature(estate, "assets", asset)
        pytest.fail("the asset is still there")
    toast.get_by_role("button", name="撤销").click()
    expect(toast).to_contain_text("已撤销")
    assert feature(estate, "assets", asset)["values"]["name"] == "办公桌"


def test_who_may_only_look_is_offered_no_edit(browser: Any, module_database: Any, estate: Served) -> None:
    from tests.e2e.browsing import visiting

    with (
        served(module_database.app_url, build_page()) as origin,
        visiting(browser, origin, "desktop") as there,
    ):
        there.open(f"#{FLOOR}&sel=rooms/{estate.ids['rooms', 'B03-408']}")
        expect(there.page.locator(".facts .chip").first).to_be_visible()
        expect(there.page.locator("[data-edit]")).to_have_count(0)
        there.assert_clean()

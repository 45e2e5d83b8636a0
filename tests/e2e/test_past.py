"""The past on the page: versions of a thing, travel in time, what differs, what changes now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, expect

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


def ask(estate: Served, path: str) -> Any:
    answer = httpx.get(f"{estate.origin}{path}", timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def change(estate: Served, layer: str, key: int, reason: str = "", **put: Any) -> dict[str, Any]:
    """Change a thing as another person does; returns the change set."""
    revision = ask(estate, f"/features/{layer}/{key}")["source"]["revision"]
    body = {
        "reason": reason or None,
        "puts": [{"layer": layer, "id": key, "revision": revision} | put],
    }
    answer = httpx.post(f"{estate.origin}/changes", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def value(estate: Served, layer: str, key: int, field: str) -> Any:
    facts = ask(estate, f"/features/{layer}/{key}")["facts"]
    return next((fact["value"] for fact in facts if fact["field"] == field), None)


def breaches(there: Visit) -> list[str]:
    """Return the serious breaches of accessibility of what is shown now."""
    there.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = there.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def moved(estate: Served, key: int, by: float, up: float = 0) -> dict[str, Any]:
    shape: dict[str, Any] = ask(estate, f"/features/rooms/{key}")["geometry"]
    (polygon,) = shape["coordinates"]
    return shape | {"coordinates": [[[[x + by, y + up] for x, y in ring] for ring in polygon]]}


def history_of(visit: Any, estate: Served, key: str, size: str = "desktop") -> Visit:
    room = estate.ids["rooms", key]
    there: Visit = visit(size).open(f"#{FLOOR}&sel=rooms/{room}")
    there.raise_sheet().page.get_by_role("tab", name="历史").click()
    return there


def versions(there: Visit) -> Locator:
    return there.page.locator("[data-version]")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_versions_tell_who_changed_what_and_one_is_taken_back(
    visit: Any, estate: Served, size: str
) -> None:
    room = estate.ids["rooms", "B03-411"]
    was = value(estate, "rooms", room, "capacity")
    seats = {"desktop": 41, "phone": 42}[size]
    change(estate, "rooms", room, "会议室添置桌椅", properties={"capacity": seats})
    there = history_of(visit, estate, "B03-411", size)
    first = versions(there).first
    expect(first).to_contain_text("demo")
    expect(first).to_contain_text("会议室添置桌椅")
    expect(first.locator("ins")).to_contain_text(str(seats))
    assert breaches(there) == []
    first.locator("[data-act=undo]").click()
    there.page.get_by_role("dialog").get_by_role("button", name="撤销此修改").click()
    expect(versions(there).first).to_contain_text("撤销了 #")
    expect(versions(there).first.locator("del")).to_contain_text(str(seats))
    assert value(estate, "rooms", room, "capacity") == was
    there.page.get_by_test_id("toast").get_by_role("button", name="恢复").click()
    expect(versions(there).first.locator("ins")).to_contain_text(str(seats))


def test_a_version_shows_what_the_shape_was_and_became(visit: Any, estate: Served) -> None:
    room = estate.ids["rooms", "B03-412"]
    change(estate, "rooms", room, "隔墙移位", geometry=moved(estate, room, 0.00002))
    there = history_of(visit, estate, "B03-412")
    expect(versions(there).first).to_contain_text("图形或位置有变化")
    versions(there).first.locator("[data-act=shape]").click()
    expect(versions(there).first.locator(".key")).to_contain_text("修改前")
    there.settle()
    assert {each["side"] for each in there.drawn("ghost-before", "ghost-after")} == {
        "before",
        "after",
    }
    versions(there).first.locator("[data-act=shape]").click()
    there.settle()
    assert not there.on_map("map.getLayer('ghost-after')")


def test_what_was_never_changed_has_no_history_tab(visit: Any, estate: Served) -> None:
    site = next(id_ for (layer, _), id_ in estate.ids.ids.items() if layer == "sites")
    there = visit("desktop").open(f"#{FLOOR}&sel=sites/{site}")
    expect(there.page.locator(".facts .group").first).to_be_visible()
    there.settle()
    expect(there.page.get_by_role("tab", name="历史")).to_have_count(0)


def test_the_past_is_shown_whole_and_the_way_back_is_at_hand(visit: Any, estate: Served) -> None:
    room = estate.ids["rooms", "B03-415"]
    change(estate, "rooms", room, properties={"capacity": 5})
    then = change(estate, "rooms", room, properties={"capacity": 6})["recorded_at"]
    change(estate, "rooms", room, properties={"capacity": 7})
    there = visit("desktop").open(
        f"#{FLOOR}&sel=rooms/{room}&list=rooms&at={quote(then[:23] + then[26:])}"
    )
    page = there.page
    # The page counts in milliseconds, the record in microseconds: this is just before the second.
    expect(page.get_by_test_id("past")).to_contain_text("正在查看")
    expect(page.locator(".facts")).to_contain_text("5")
    expect(page.locator("[data-edit=form]")).to_have_count(0)
    reads = [
        url for url in there.requests if "/tiles/" in url or "/lists/" in url or "/features/" in url
    ]
    assert reads
    assert all("at=" in url for url in reads), [url for url in reads if "at=" not in url]
    there.requests.clear()
    page.get_by_test_id("past").get_by_role("button", name="返回现在").click()
    expect(page.get_by_test_id("past")).to_have_count(0)
    expect(page.locator("[data-edit=form]")).to_be_visible()
    expect(page.locator("#map")).to_have_attribute("data-drawing", "no")
    assert any("/tiles/" in url for url in there.requests)
    assert not any(
        "at=" in url for url in there.requests if "/tiles/" in url or "/features/" in url
    )


@pytest.mark.parametrize(("size", "dark"), [("desktop", True), ("phone", False)])
def test_the_slider_goes_from_mark_to_mark_by_keyboard(
    visit: Any, estate: Served, size: str, dark: bool
) -> None:
    room = estate.ids["rooms", "B03-408"]
    change(estate, "rooms", room, "腾退登记", properties={"capacity": 3})
    change(estate, "rooms", room, "重新启用", properties={"capacity": 4})
    theme = "dark" if dark else "light"
    there = visit(size, dark=dark).open(f"#{FLOOR.replace('light', theme)}").put_away()
    page = there.page
    if there.phone:
        page.locator("[data-tool=time]").click()
    else:
        page.keyboard.press("t")
    hand = page.locator("[data-hand=at]")
    expect(page.get_by_test_id("time-bar").locator("footer")).to_contain_text("次修改")
    page.get_by_text("只看当前视野").click()
    expect(page.get_by_test_id("time-bar")).to_have_attribute("aria-busy", "false")
    hand.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("told")).to_contain_text("重新启用")
    expect(page.get_by_test_id("past")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("told")).to_contain_text("腾退登记")
    assert "腾退登记" in (hand.get_attribute("aria-valuetext") or "")
    there.settle()
    assert breaches(there) == []
    page.keyboard.press("End")
    expect(page.get_by_test_id("past")).to_have_count(0)
    page.keyboard.press("Home")
    expect(page.get_by_test_id("past")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("PageDown")
    expect(page.get_by_test_id("past")).to_contain_text("记录始于")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("time-bar")).to_have_count(0)
    assert "at=" not in page.url


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_what_differs_between_two_moments_is_drawn_listed_and_told_as_it_was(
    visit: Any, estate: Served, size: str
) -> None:
    room, lost = estate.ids["rooms", "B03-412"], estate.ids["rooms", "B03-415"]
    start = change(estate, "rooms", room, properties={"capacity": 20 + len(size)})["recorded_at"]
    made = httpx.post(
        f"{estate.origin}/changes",
        json={
            "puts": [
                {
                    "layer": "rooms",
                    "like": lost,
                    "properties": {"number": f"B03-9{len(size)}"},
                    "geometry": moved(estate, lost, 0, 0.0002),
                }
            ]
        },
        timeout=60,
    )
    assert made.status_code == 200, made.text
    new = made.json()["puts"][0]
    middle = change(estate, "rooms", room, properties={"capacity": 30 + len(size)})["recorded_at"]
    gone = httpx.post(
        f"{estate.origin}/changes",
        json={"deletes": [{"layer": "rooms", "id": new["id"], "revision": new["revision"]}]},
        timeout=60,
    )
    assert gone.status_code == 200, gone.text
    there = visit(size).open(f"#{FLOOR}&since={quote(start)}&at={quote(middle)}")
    listed = there.raise_sheet().page.get_by_test_id("difference")
    expect(listed.locator("[data-differs=added]")).to_contain_text(f"B03-9{len(size)}")
    there.put_away().settle()
    assert new["id"] in {each["id"] for each in there.drawn("difference-line")}
    # The clock of the demo is not the one that the records of this test were written by.
    end = datetime.fromisoformat(gone.json()["recorded_at"]) + timedelta(seconds=1)
    there.page.goto(f"{there.origin}/#{FLOOR}&since={quote(middle)}&at={quote(end.isoformat())}")
    there.page.reload()
    there.page.wait_for_function("() => window.__map !== undefined")
    there.settle().raise_sheet()
    expect(listed.locator("[data-differs=gone]")).to_have_count(1)
    expect(listed.locator(".kind.gone")).to_contain_text("1")
    there.put_away().settle()
    assert [each["kind"] for each in there.drawn("difference-gone")][:1] == ["gone"]
    assert breaches(there) == []
    there.raise_sheet()
    listed.locator("[data-differs=gone]").click()
    expect(there.page.locator(".facts .note")).to_contain_text("已不存在")
    expect(there.page.locator(".facts")).to_contain_text(f"B03-9{len(size)}")


def test_what_another_changes_is_shown_at_once_and_said_to_who_has_it_open(
    visit: Any, estate: Served
) -> None:
    room = estate.ids["rooms", "B03-101"]
    there = visit("desktop").open(f"#{FLOOR}&sel=rooms/{room}")
    page = there.page
    expect(page.locator(".status .live")).to_have_text("实时")
    there.requests.clear()
    change(estate, "rooms", room, properties={"capacity": 77})
    expect(page.get_by_test_id("news")).to_contain_text("demo 刚刚修改了 可容纳人数")
    expect(page.locator(".facts .group", has_text="可容纳人数")).to_contain_text("77")
    there.settle()
    assert any("/tiles/rooms" in url for url in there.requests)
    assert not any("/tiles/waters" in url for url in there.requests)
    page.locator("[data-edit=form]").click()
    form = page.get_by_test_id("edit-form")
    seats = form.get_by_label("可容纳人数")
    seats.fill("80")
    change(estate, "rooms", room, properties={"capacity": 78})
    expect(page.get_by_test_id("news")).to_contain_text("您的修改还没有保存")
    expect(page.get_by_test_id("news")).to_contain_text("77 人 → 78 人")
    expect(seats).to_have_value("80")


def test_pages_of_one_browser_share_a_stream(visit: Any, estate: Served) -> None:
    there = visit("desktop").open(f"#{FLOOR}")
    second = there.page.context.new_page()
    second.goto(f"{there.origin}/#{FLOOR}")
    for page in (there.page, second):
        expect(page.locator(".status .live")).to_have_text("实时")
    assert not [url for url in there.requests if url.endswith("/events")], "the worker has it"
    room = estate.ids["rooms", "B03-103"]
    second.goto(f"{there.origin}/#{FLOOR}&sel=rooms/{room}")
    expect(second.locator("#facts-title")).to_contain_text("B03-103")
    change(estate, "rooms", room, properties={"capacity": 12})
    expect(second.get_by_test_id("news")).to_be_visible()
    second.close()


def test_a_conflict_of_file_and_hand_is_decided(
    visit: Any, estate: Served, module_database: Any
) -> None:
    rooms = [estate.ids["rooms", key] for key in ("B03-408", "B03-103")]
    for room, seats in zip(rooms, (14, 15), strict=True):
        change(estate, "rooms", room, properties={"capacity": seats})
    with module_database.engine.begin() as connection:
        for room in rooms:
            connection.execute(
                sa.text(
                    "UPDATE hand_edit SET offered = '{\"value\": 55}' "
                    "WHERE layer = 'room' AND row_id = :room AND field = 'capacity'"
                ),
                {"room": room},
            )
    there = visit("desktop").open(f"#{FLOOR}")
    page = there.page
    question = page.locator("[data-question=conflicts]")
    expect(question).to_contain_text("2")
    question.locator("button").click()
    rows = page.locator("[data-conflict]")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("14")
    expect(rows.first).to_contain_text("55")
    assert breaches(there) == []
    rows.first.locator("[data-take=file]").click()
    expect(rows).to_have_count(1)
    assert value(estate, "rooms", rooms[0], "capacity") == 55
    page.get_by_test_id("toast").get_by_role("button", name="撤销").click()
    expect(page.get_by_test_id("toast")).to_be_empty()
    rows.first.locator("[data-take=mine]").click()
    expect(page.locator(".mend")).to_contain_text("没有待定的差异")
    page.get_by_test_id("toast").get_by_role("button", name="撤销").click()
    expect(rows).to_have_count(1)
    expect(rows.first.locator(".file")).to_contain_text("55")
    rows.first.locator("[data-take=mine]").click()
    expect(page.locator(".mend")).to_contain_text("没有待定的差异")
    assert value(estate, "rooms", rooms[1], "capacity") == 15
    page.get_by_role("tab", name="导入待修").click()
    expect(page.locator(".mend .head")).to_be_visible()

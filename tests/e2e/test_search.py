"""The search box finds things however they are written, and the page's own questions."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_results_are_grouped_by_kind_with_counts_and_paths(visit, size) -> None:
    there = visit(size).open("#lang=zh&theme=light")
    box = there.page.get_by_role("combobox")
    box.fill("B03-4")
    group = there.page.get_by_role("group", name="房间 4")
    # B03-408, 411, 412 and 415 of the small estate.
    expect(group.get_by_role("option")).to_have_count(4)
    expect(group.get_by_role("option").first).to_contain_text("云汀区政府大院 › 3号楼")


@pytest.mark.parametrize(
    ("query", "found"),
    [("zhoushiyi", "周试一"), ("zsy", "周试一"), ("B03412", None), ("b03-412", "B03-412")],
)
def test_sounds_and_initials_are_found(visit, query, found) -> None:
    there = visit("desktop").open("#lang=zh&theme=light")
    there.page.get_by_role("combobox").fill(query)
    if found is None:
        expect(there.page.get_by_role("status").filter(has_text="没有找到")).to_be_visible()
    else:
        expect(there.page.get_by_role("option").first).to_contain_text(found)


def test_a_question_is_found_by_its_name_and_opens_its_list(visit) -> None:
    there = visit("desktop").open("#lang=zh&theme=light")
    there.page.keyboard.press("/")
    box = there.page.get_by_role("combobox")
    expect(box).to_be_focused()
    box.fill("失联")
    option = there.page.get_by_role("group", name="问题").get_by_role("option").first
    expect(option).to_contain_text("失联")
    box.press("Enter")
    there.page.wait_for_function(
        "() => decodeURIComponent(location.hash).includes('list=vehicles:silent_cars')"
    )


def test_searches_of_late_are_offered_and_can_be_forgotten(visit) -> None:
    there = visit("desktop").open("#lang=zh&theme=light")
    box = there.page.get_by_role("combobox")
    box.click()
    expect(there.page.get_by_role("group", name="可以这样搜")).to_be_visible()
    box.fill("B03-415")
    expect(there.page.get_by_role("option").first).to_contain_text("B03-415")
    box.press("Enter")
    expect(there.page.locator("#facts-title")).to_contain_text("B03-415")
    there.page.get_by_role("button", name="清除").click()
    late = there.page.get_by_role("group", name="最近搜索")
    expect(late.get_by_role("option")).to_have_text(["B03-415"])
    there.page.get_by_role("button", name="清空最近搜索").click()
    expect(late).to_have_count(0)

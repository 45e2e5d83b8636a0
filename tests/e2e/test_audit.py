"""The page of traces, as a security auditor uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from layers.audit.keys import Trail
from layers.policy import Role
from layers.signing_in import Rules
from tests.e2e.browsing import Visit, visiting
from tests.e2e.conftest import Served
from tests.e2e.serving import build_page, served
from tests.e2e.test_accessibility import breaches, settled
from tests.e2e.test_accounts import FORESEEN, came_in
from tests.support import accounts, small_estate

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def audited(module_database: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The small estate with some history of reads, refusals and sign-ins."""
    ids = small_estate.fill(module_database.engine)
    with module_database.engine.begin() as c:
        accounts.person(c, "admin", Role.ADMINISTRATOR)
        accounts.person(c, "audit", Role.AUDITOR)
        accounts.with_token(c, "robot", "om_robot", whole_estate=True)
    trail = Trail.of(tmp_path_factory.mktemp("keys") / "audit.key", "x")
    options = {
        "anonymous": "refuse",
        "accounts_url": module_database.accounts_url,
        "sign_in": Rules(second_factor=frozenset()),
        "trail": trail,
        "sealing_url": module_database.accounts_url,
    }
    with served(module_database.app_url, build_page(), **options) as origin:
        with httpx.Client(base_url=origin, headers={"Authorization": "Bearer om_robot"}) as client:
            for path in ("/lists/persons", "/lists/persons/export?format=csv", "/audit"):
                client.get(path)
            for login in ("audit", "nobody"):
                body = {"login": login, "password": "Wrong-Horse-7"}
                client.post("/sign-in", json=body)
        yield Served(origin, ids)


@pytest.fixture
def visit(browser: Browser, audited: Served) -> Iterator[Callable[..., Visit]]:
    """``visit("desktop")``; what is refused for want of a session is no fault."""
    with ExitStack() as stack:
        made: list[Visit] = []

        def start(size: str = "desktop", *, dark: bool = False) -> Visit:
            made.append(stack.enter_context(visiting(browser, audited.origin, size, dark=dark)))
            return made[-1]

        yield start
        for each in made:
            assert [said for said in each.faults if not any(c in said for c in FORESEEN)] == []


def opened(there: Visit) -> Visit:
    """Sign in as the auditor and open the records."""
    came_in(there, "audit")
    there.page.locator("[data-account]").click()
    there.page.get_by_role("button", name="审计与账号").click()
    expect(there.page.locator("[data-record]").first).to_be_visible()
    return there


def test_the_auditor_finds_a_record_by_its_kind_and_reads_all_of_it_by_keyboard(visit):
    page = opened(visit()).page
    expect(page.locator(".state")).to_contain_text("已封存至第")
    expect(page.locator(".state")).to_contain_text("从未校验")
    page.locator("select[name=kind]").select_option("refusal")
    page.locator("input[name=text]").fill("robot")
    page.locator("input[name=text]").press("Enter")
    row = page.locator("[data-record]")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("robot")
    expect(row).to_contain_text("无权限")
    row.locator("button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("term").filter(has_text="原因")).to_be_visible()
    expect(row.locator("button")).to_have_attribute("aria-expanded", "true")


def test_what_is_asked_in_vain_says_so_and_is_cleared(visit):
    page = opened(visit()).page
    page.locator("input[name=account]").fill("没有这个账号")
    page.locator("input[name=account]").press("Enter")
    expect(page.get_by_text("没有符合条件的记录")).to_be_visible()
    page.get_by_role("button", name="清除条件").click()
    expect(page.locator("[data-record]").first).to_be_visible()


def test_the_records_are_taken_along_as_a_file(visit):
    page = opened(visit()).page
    with page.expect_download() as taken:
        page.get_by_role("button", name="导出 CSV").click()
    assert taken.value.suggested_filename == "onemap-audit.csv"
    assert "robot" in taken.value.path().read_text("utf-8-sig")


def test_an_administrator_is_shown_no_records(visit):
    there = came_in(visit(), "admin")
    there.page.locator("[data-account]").click()
    there.page.get_by_role("button", name="账号与授权").click()
    expect(there.page.get_by_role("tab")).to_have_count(4)


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_hinders_nobody(visit, size, theme):
    there = opened(visit(size, dark=theme == "dark"))
    if theme == "dark":
        there.page.evaluate("location.hash = location.hash.replace('theme=light', 'theme=dark')")
        expect(there.page.locator("html.dark")).to_have_count(1)
    there.page.locator("[data-record] button").first.click()
    expect(there.page.locator(".opened")).to_be_visible()
    settled(there)
    assert breaches(there) == []
    assert there.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

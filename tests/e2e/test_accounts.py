"""Signing in, one's own account and administration, as people do it in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from layers.granting import Wanted
from layers.policy import Role
from layers.signing_in import Rules
from tests.e2e.browsing import Visit, visiting
from tests.e2e.conftest import Served
from tests.e2e.serving import build_page, served
from tests.e2e.test_accessibility import breaches, settled
from tests.support import accounts, small_estate
from tests.support.accounts import PASSWORD

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)
# Answers that a page meets when its session has ended are no faults of it.
FORESEEN = ("401", "403", "422")


@pytest.fixture(scope="module")
def guarded(module_database: Any) -> Iterator[Served]:
    """The small estate, shown to nobody who has not signed in."""
    ids = small_estate.fill(module_database.engine)
    with module_database.engine.begin() as c:
        accounts.person(c, "admin", Role.ADMINISTRATOR)
        accounts.person(c, "audit", Role.AUDITOR)
        accounts.person(c, "zhangsan", Wanted(Role.PLANNER, ids["bodies", "012"]))
        accounts.person(c, "lisi", Role.VIEWER, must_change=True)
        accounts.person(c, "wangwu", Role.ASSET_MANAGER)
    options = {
        "anonymous": "refuse",
        "accounts_url": module_database.accounts_url,
        "sign_in": Rules(second_factor=frozenset()),
    }
    with served(module_database.app_url, build_page(), **options) as origin:
        yield Served(origin, ids)


@pytest.fixture
def visit(browser: Browser, guarded: Served) -> Iterator[Callable[..., Visit]]:
    """``visit("desktop")``; what is refused for want of a session is no fault."""
    with ExitStack() as stack:
        made: list[Visit] = []

        def start(size: str = "desktop", *, dark: bool = False) -> Visit:
            made.append(stack.enter_context(visiting(browser, guarded.origin, size, dark=dark)))
            return made[-1]

        yield start
        for each in made:
            assert [said for said in each.faults if not any(c in said for c in FORESEEN)] == []


def sign_in(page: Page, login: str, password: str = PASSWORD, code: str | None = None) -> None:
    """Fill in the way in, and press Enter."""
    dialog = page.get_by_test_id("sign-in")
    dialog.locator("#sign-in-login").fill(login)
    dialog.locator("#sign-in-password").fill(password)
    dialog.locator("#sign-in-password").press("Enter")
    if code is not None:
        dialog.locator("#sign-in-code").fill(code)
        dialog.locator("#sign-in-code").press("Enter")


def came_in(there: Visit, login: str, more: str = "") -> Visit:
    """Open the page and sign in; the map is drawn."""
    there.page.goto(f"{there.origin}/#lang=zh&theme=light{more}")
    sign_in(there.page, login)
    there.page.wait_for_function("() => window.__map !== undefined")
    return there.settle()


def account_menu(there: Visit, entry: str) -> None:
    there.page.locator("[data-account]").click()
    there.page.locator(f'[data-desk="{entry}"]').click()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_nothing_is_shown_before_somebody_signed_in_and_the_view_is_kept(visit, guarded, size):
    there = visit(size)
    place = "#map=18.4/38.9002/119.6007&lang=zh&theme=light"
    there.page.goto(f"{guarded.origin}/{place}")
    expect(there.page.get_by_test_id("sign-in")).to_be_visible()
    expect(there.page.locator(".maplibregl-canvas")).to_have_count(0)
    there.page.keyboard.press("Escape")
    expect(there.page.get_by_test_id("sign-in")).to_be_visible()
    sign_in(there.page, "zhangsan", "Wrong-Horse-7")
    expect(there.page.get_by_role("alert")).to_contain_text("账号或口令不正确")
    sign_in(there.page, "zhangsan")
    there.page.wait_for_function("() => window.__map !== undefined")
    there.settle()
    assert "map=18.4/38.900200/119.600700" in there.page.url
    there.page.locator("[data-account]").click()
    menu = there.page.get_by_role("region", name="账号")
    expect(menu).to_contain_text("办公用房管理员")
    expect(menu).not_to_contain_text("账号与授权")
    there.page.locator("[data-sign-out]").click()
    expect(there.page.get_by_test_id("sign-in")).to_be_visible()
    expect(there.page.locator(".maplibregl-canvas")).to_have_count(0)


def test_a_session_that_was_ended_elsewhere_is_told_and_one_goes_on_where_one_was(visit, guarded):
    there, other = came_in(visit(), "wangwu", "&space=space"), visit()
    came_in(other, "admin", "&space=administration")
    other.page.get_by_role("tab", name="会话").click()
    other.page.locator('[data-session="wangwu"] button').click()
    other.page.get_by_test_id("confirm").get_by_role("button", name="结束").click()
    expect(other.page.locator('[data-session="wangwu"]')).to_have_count(0)
    there.page.locator('.rail [data-space="assets"]').click()
    there.page.evaluate("() => fetch('/me')")
    there.page.get_by_role("combobox", name="搜索").fill("B03")
    dialog = there.page.get_by_test_id("sign-in")
    expect(dialog).to_contain_text("已由管理员结束")
    expect(dialog.locator("#sign-in-login")).to_have_value("wangwu")
    there.page.evaluate("() => { window.__same = true }")
    sign_in(there.page, "wangwu")
    expect(dialog).to_have_count(0)
    assert there.page.evaluate("() => window.__same")  # nothing that was begun is lost
    assert "space=assets" in there.page.url


def test_a_session_that_nobody_uses_is_told_before_it_ends_and_again_when_it_has(visit):
    there = visit()
    there.page.clock.install()
    came_in(there, "wangwu", "&space=assets")
    warning = there.page.get_by_test_id("session-ending")
    there.page.clock.fast_forward("25:00")
    expect(warning).to_have_count(0)
    account_menu(there, "sessions")  # a dialogue makes inert what is beside it
    there.page.clock.fast_forward("27:30")
    expect(warning).to_contain_text("自动退出")
    warning.get_by_role("button", name="继续使用").click()
    expect(warning).to_have_count(0)
    there.page.keyboard.press("Escape")
    there.page.clock.fast_forward("28:00")
    expect(warning).to_be_visible()
    there.page.clock.fast_forward("02:30")
    expect(there.page.get_by_test_id("sign-in")).to_contain_text("已有一段时间没有操作")
    expect(warning).to_have_count(0)


def test_a_password_that_was_handed_over_is_changed_first(visit, guarded):
    there = visit()
    there.page.goto(f"{guarded.origin}/#lang=en&theme=light")
    sign_in(there.page, "lisi")
    dialog = there.page.get_by_test_id("password")
    expect(dialog).to_contain_text("An administrator set this password")
    there.page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    dialog.locator("#password-current").fill(PASSWORD)
    dialog.locator("#password-fresh").fill("Another-Horse-8")
    dialog.locator("#password-again").fill("Another-Horse-9")
    expect(dialog.get_by_role("alert")).to_contain_text("differ")
    for password in ("lisi-lisi-L1", "Another-Horse-8"):
        dialog.locator("#password-fresh").fill(password)
        dialog.locator("#password-again").fill(password)
        dialog.get_by_role("button", name="Save").click()
        if password.startswith("lisi"):
            expect(dialog.get_by_role("alert")).to_contain_text("account's name")
    there.page.wait_for_function("() => window.__map !== undefined")
    there.settle()
    expect(dialog).to_have_count(0)


def test_a_second_factor_is_set_up_from_the_picture_and_asked_for(visit, guarded):
    there = came_in(visit(), "audit")
    account_menu(there, "second_factor")
    dialog = there.page.get_by_test_id("factor")
    dialog.locator("#factor-password").fill(PASSWORD)
    dialog.get_by_role("button", name="开始设置").click()
    picture = dialog.get_by_alt_text("密钥的二维码")
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.complete && img.naturalWidth > 50")
    totp = pyotp.TOTP(dialog.locator("[data-secret]").inner_text())
    dialog.locator("#factor-code").fill(totp.at(datetime.now(UTC)))
    dialog.get_by_role("button", name="启用").click()
    expect(dialog).to_have_count(0)
    other = visit()
    other.page.goto(f"{guarded.origin}/#lang=zh&theme=light")
    sign_in(other.page, "audit", code=totp.at(datetime.now(UTC) + timedelta(seconds=30)))
    other.page.wait_for_function("() => window.__map !== undefined")
    other.settle()


def test_a_token_is_made_shown_once_and_revoked(visit, guarded):
    there = came_in(visit(), "wangwu")
    account_menu(there, "tokens")
    dialog = there.page.get_by_test_id("tokens")
    expect(dialog).to_contain_text("还没有令牌")
    dialog.get_by_role("button", name="新建令牌").click()
    dialog.locator("#token-name").fill("每月报表")
    dialog.locator("#token-name").press("Enter")
    secret = dialog.locator("[data-secret]").inner_text()
    assert secret.startswith("om_")
    bearer = {"Authorization": f"Bearer {secret}"}
    rooms = f"{guarded.origin}/ogc/collections/rooms/items"
    assert there.page.request.get(rooms, headers=bearer).status == 200
    dialog.get_by_role("button", name="关闭").click()
    expect(dialog.locator("[data-secret]")).to_have_count(0)
    line = dialog.locator('[data-token="每月报表"]')
    line.get_by_role("button", name="撤销").click()
    expect(line).to_contain_text("不能恢复")
    line.get_by_role("button", name="撤销").click()
    expect(line).to_contain_text("已撤销")
    assert there.page.request.get(rooms, headers=bearer).status == 401


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_an_administrator_makes_an_account_grants_a_role_and_takes_it_back(visit, guarded, size):
    there = came_in(visit(size), "admin")
    page, login = there.page, f"new-{size}"
    page.locator("[data-account]").click()
    page.get_by_role("button", name="账号与授权").click()
    page.locator("[data-new-account]").click()
    dialog = page.get_by_test_id("new-account")
    dialog.locator("#new-login").fill(login)
    dialog.locator("#new-name").fill(f"新人{size}")
    dialog.get_by_role("button", name="建立").click()
    assert len(dialog.locator("[data-secret]").inner_text()) > 12
    dialog.get_by_role("button", name="关闭").click()
    card = page.get_by_role("article", name=f"新人{size}")
    expect(card).to_contain_text("没有授权")
    card.locator("[data-grant]").click()
    form = page.get_by_test_id("grant")
    form.locator("#grant-role").select_option("energy_manager")
    submit = form.get_by_role("button", name="授予角色")
    expect(submit).to_be_disabled()
    name = page.evaluate(
        "async () => (await (await fetch('/administration/bodies')).json()).bodies"
        ".find(b => b.parent !== null).name"
    )
    form.get_by_role("searchbox").fill(name)
    form.locator(f'[data-body="{name}"]').first.click()
    submit.click()
    line = card.locator('[data-role="energy_manager"]')
    expect(line).to_contain_text(name)
    line.get_by_role("button", name="撤销").click()
    page.get_by_test_id("confirm").get_by_role("button", name="撤销授权").click()
    expect(line).to_have_count(0)
    card.locator('[data-act="disable"]').click()
    page.get_by_test_id("confirm").get_by_role("button", name="停用").click()
    expect(card).to_contain_text("已停用")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_who_audits_sees_administration_and_is_offered_no_change(visit, guarded):
    there = visit()
    there.page.goto(f"{guarded.origin}/#lang=zh&theme=light&space=administration")
    sign_in(there.page, "zhangsan")
    there.page.wait_for_function("() => window.__map !== undefined")
    expect(there.page.locator(".admin")).to_have_count(0)
    expect(there.page.locator('.rail [data-space="administration"]')).to_have_count(0)


@pytest.mark.parametrize(
    ("size", "theme", "lang"), [("desktop", "light", "zh"), ("phone", "dark", "en")]
)
def test_no_view_of_accounts_breaches_accessibility_seriously(visit, guarded, size, theme, lang):
    there = visit(size, dark=theme == "dark")
    page = there.page
    page.goto(f"{guarded.origin}/#lang={lang}&theme={theme}&space=administration")
    expect(page.get_by_test_id("sign-in")).to_be_visible()
    told = {"sign-in": breaches(there)}
    sign_in(page, "admin")
    expect(page.locator("[data-login=zhangsan]")).to_be_visible()
    told["accounts"] = breaches(there)
    page.locator("[data-login=zhangsan]").click()
    page.locator("[data-grant]").click()
    expect(page.locator("[data-body]").first).to_be_visible()
    told["grant"] = breaches(there)
    page.keyboard.press("Escape")
    for tab in ("bodies", "sessions", "tokens"):
        page.locator(f"#admin-tab-{tab}").click()
        settled(there)
        told[tab] = breaches(there)
    page.get_by_role("button", name="关闭" if lang == "zh" else "Close").click()
    page.locator("[data-account]").click()
    told["menu"] = breaches(there)
    for desk in ("password", "second_factor", "tokens", "sessions"):
        if not page.locator(f'[data-desk="{desk}"]').is_visible():
            page.locator("[data-account]").click()
        page.locator(f'[data-desk="{desk}"]').click()
        settled(there)
        told[desk] = breaches(there)
        page.keyboard.press("Escape")
    assert {name: found for name, found in told.items() if found} == {}

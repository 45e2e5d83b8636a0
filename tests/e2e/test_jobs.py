"""Importing a file on the page: upload, progress, rows; and taking it back in the midst."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from layers.policy import Role
from layers.signing_in import Rules
from tests.e2e.browsing import Visit, visiting
from tests.e2e.conftest import Served
from tests.e2e.serving import build_page, served
from tests.e2e.test_accessibility import breaches
from tests.e2e.test_accounts import FORESEEN, came_in
from tests.support import accounts, small_estate
from tests.support.working import held, working

pytestmark = pytest.mark.browser
expect.set_options(timeout=90_000)
SHEET = "工号,名称,所属机构\n" + "".join(f"J{n:03d},新人{n},\n" for n in range(1, 31))
WRONG = "工号,名称,所属机构\nK001,甲,没有这个单位\n"


@pytest.fixture(scope="module")
def guarded(module_database: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The small estate with a planner, and a worker over its data folder."""
    folder = tmp_path_factory.mktemp("data")
    ids = small_estate.fill(module_database.engine)
    with module_database.engine.begin() as connection:
        accounts.person(connection, "planner", Role.PLANNER)
        accounts.person(connection, "viewer", Role.VIEWER)
    options = {
        "anonymous": "refuse", "accounts_url": module_database.accounts_url,
        "sign_in": Rules(second_factor=frozenset()), "data_dir": str(folder),
    }  # fmt: skip
    with (
        served(module_database.app_url, build_page(), **options) as origin,
        working(module_database, folder),
    ):
        yield Served(origin, ids)


@pytest.fixture
def visit(browser: Browser, guarded: Served) -> Iterator[Callable[..., Visit]]:
    with ExitStack() as stack:
        made: list[Visit] = []

        def start(size: str = "desktop") -> Visit:
            made.append(stack.enter_context(visiting(browser, guarded.origin, size)))
            return made[-1]

        yield start
        for each in made:
            assert [said for said in each.faults if not any(c in said for c in FORESEEN)] == []


def upload(page: Page, folder: Path, name: str, text: str) -> None:
    """Choose a kind and a file, and send it."""
    (folder / name).write_text(text, "utf-8")
    page.get_by_label("文件里是什么").select_option(label="人员")
    page.get_by_label("文件", exact=True).set_input_files(folder / name)
    page.get_by_role("button", name="上传并导入").click()


def entered(there: Visit, login: str = "planner") -> Page:
    """Come in, and open the imports by the account menu."""
    page = came_in(there, login).page
    page.locator("[data-account]").click()
    page.locator(".popover [data-jobs]").click()
    return page


def test_a_file_is_uploaded_its_progress_is_seen_and_then_its_rows(
    visit: Callable[..., Visit], module_database: Any, tmp_path: Path
) -> None:
    there = visit()
    page = entered(there)
    expect(page.get_by_text("可读：.csv")).to_be_visible()
    with held(module_database, "person"):
        upload(page, tmp_path, "新人.csv", SHEET)
        running = page.locator("[data-state=running]")
        expect(running).to_contain_text("导入 新人.csv")
        expect(running).to_contain_text("写入人员")
        assert breaches(there) == []
    job = page.locator("[data-job]").first
    expect(job).to_have_attribute("data-state", "done")
    expect(job).to_contain_text("新增 30")
    page.goto(f"{there.origin}/#lang=zh&list=persons&q=新人30")
    expect(page.get_by_text("新人30").first).to_be_visible()


def test_one_that_runs_is_cancelled_after_a_question_and_nothing_of_it_is_there(
    visit: Callable[..., Visit], module_database: Any, tmp_path: Path
) -> None:
    page = entered(visit("phone"))
    with held(module_database, "person"):
        upload(page, tmp_path, "取消.csv", SHEET.replace("J", "C"))
        job = page.locator("[data-job]").first
        expect(job).to_contain_text("写入人员")
        job.get_by_role("button", name="取消任务").click()
        dialog = page.get_by_test_id("confirm")
        expect(dialog).to_contain_text("取消.csv")
        dialog.get_by_role("button", name="取消任务").click()
        expect(job).to_have_attribute("data-state", "cancelled")
    with module_database.engine.connect() as connection:
        found = connection.scalar(sa.text("SELECT count(*) FROM person WHERE source_key LIKE 'C%'"))
    assert found == 0


def test_rows_that_have_something_wrong_are_a_step_away_and_who_may_import_nothing_is_told(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    page = entered(visit())
    upload(page, tmp_path, "有误.csv", WRONG)
    job = page.locator("[data-job]").first
    expect(job).to_contain_text("待修 1")
    job.locator("[data-mend]").click()
    expect(page.get_by_text("有误.csv 第 2 行")).to_be_visible()
    other = entered(visit(), "viewer")
    expect(other.get_by_text("您没有可导入的种类")).to_be_visible()

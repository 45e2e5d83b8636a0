"""Docs fail like code: what they name exists."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from layers.named import NAMED, NamedFilter
from layers.workspaces import WORKSPACES

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide"
DUTIES = {"access.md", "audit.md"}
"""Of who administers and who audits: they have no workspace on the map."""
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = sorted(page.name for page in (GUIDE / "zh").glob("*.md"))


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_picture_and_page_that_is_linked_is_there(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_folder_that_is_named_is_there(page):
    tops = "geo|layers|api|importers|tiles|notebooks|tests|onemap|web|tools|docs|deploy"
    named = re.findall(rf"`((?:{tops})/[\w./-]*)`", page.read_text("utf-8"))
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == []


def test_every_library_of_the_project_has_its_line_in_the_map_of_the_house():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["server"]]
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8").lower()
    names = [re.split(r"[\[<>=]", each)[0] for each in named]
    assert [name for name in names if name.lower() not in page] == []


def test_every_command_and_flag_of_the_readme_exists():
    text = (ROOT / "README.md").read_text("utf-8")
    said = re.findall(r"(?:^ {4}|`|bin/)onemap ((?:db |token )?[a-z]+)", text, re.MULTILINE)
    commands = {tuple(each.split()) for each in said}
    assert ("import",) in commands
    for command in commands:
        ran = subprocess.run(
            [sys.executable, "-m", "onemap", *command, "--help"],
            capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, (command, ran.stdout, ran.stderr)


def _headings(page: Path) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", page.read_text("utf-8"), re.MULTILINE)]


def test_the_guide_has_the_same_pages_in_both_languages():
    assert sorted(page.name for page in (GUIDE / "en").glob("*.md")) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_guide_has_the_same_headings_and_pictures_in_both_languages(name):
    pages = {lang: GUIDE / lang / name for lang in ("zh", "en")}
    assert _headings(pages["zh"]) == _headings(pages["en"])
    pictures = {
        lang: re.findall(r"!\[[^\]]+\]\(\S+/([\w-]+)\.jpg\)", page.read_text("utf-8"))
        for lang, page in pages.items()
    }
    assert len(pictures["zh"]) >= 2
    assert [each.replace("-zh-", "-en-") for each in pictures["zh"]] == pictures["en"]


def test_pictures_are_small_and_none_is_kept_that_no_page_shows():
    shown = {
        (page.parent / target).resolve()
        for page in DOCS
        for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text("utf-8"))
    }
    kept = {path.resolve() for path in (ROOT / "docs" / "images").iterdir()}
    assert kept == shown
    assert [path.name for path in kept if path.stat().st_size > 250_000] == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_workspace_with_questions_has_a_guide(lang):
    asking = {f"{space.name}.md" for space in WORKSPACES if space.filters}
    assert asking | {"README.md"} | DUTIES == set(PAGES)
    index = (GUIDE / lang / "README.md").read_text("utf-8")
    for space in WORKSPACES:
        title = space.title.zh if lang == "zh" else space.title.en
        assert title in index
        assert not space.filters or f"({space.name}.md)" in index


def _space_of(each: NamedFilter) -> str:
    """Return the one workspace that asks a question."""
    (space,) = [s.name for s in WORKSPACES if each.name in s.filters + s.more]
    return space


def test_a_workspace_opens_on_few_questions():
    assert [s.name for s in WORKSPACES if s.filters and not 3 <= len(s.filters) <= 6] == []


@pytest.mark.parametrize("each", NAMED, ids=lambda each: each.name)
def test_every_counted_question_is_told_in_the_guide_of_its_workspace(each):
    name = f"{_space_of(each)}.md"
    # The page begins what it shows with a capital.
    for lang, title in (
        ("zh", each.title.zh),
        ("en", each.title.en[0].upper() + each.title.en[1:]),
    ):
        text = (GUIDE / lang / name).read_text("utf-8")
        assert re.search(rf"(\| |“|^- “){re.escape(title)}( \||”)", text), (lang, title)

"""Docs fail like code: what they name exists."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_picture_and_page_that_is_linked_is_there(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_file_and_folder_that_is_named_is_there(page):
    tops = "geo|layers|api|importers|tiles|notebooks|tests|onemap|web|tools|docs"
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

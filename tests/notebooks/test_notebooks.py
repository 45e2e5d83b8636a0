"""Every notebook runs from top to bottom against a listening service."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support import live, small_estate

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NOW = datetime(2026, 10, 12, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_a_small_estate(
    path: Path, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_estate.fill(database.engine)
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    with live.listening(database.app_url, now=lambda: NOW) as url:
        monkeypatch.setenv("ONEMAP_URL", url)
        monkeypatch.delenv("ONEMAP_TOKEN", raising=False)
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    printed = str([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])
    assert "B03-412" in printed
    assert "14.4" in printed
    assert "2014" in printed

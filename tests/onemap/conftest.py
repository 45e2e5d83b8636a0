"""The demo's files, written once for the tests that read them; the command in this process."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable

import pandas as pd
import pytest
from openpyxl import load_workbook

from onemap.cli import main
from onemap.demo.estate import make_estate
from onemap.demo.files import write_files


class Files:
    """The written files of one seed and scale, read back by other programs than wrote them."""

    def __init__(self, folder, seed, scale):
        self.folder = folder
        write_files(make_estate(seed, scale), folder)

    def sheet(self, name):
        book = load_workbook(self.folder / "台账" / f"{name}.xlsx", read_only=True)
        head, *rows = book.worksheets[0].iter_rows(values_only=True)
        # A row ends with its last filled cell.
        return pd.DataFrame([[*r, *[None] * (len(head) - len(r))] for r in rows], columns=head)

    def tracks(self, name="车辆轨迹_GCJ02.csv"):
        frame = pd.read_csv(self.folder / "轨迹" / name)
        frame["time"] = pd.to_datetime(frame["定位时间"])
        return frame


@pytest.fixture(scope="session")
def first(tmp_path_factory):
    """The files of the demo as it comes."""
    return Files(tmp_path_factory.mktemp("demo"), 1, 1.0)


@pytest.fixture(scope="session", params=[(1, 1.0), (20, 1.5)], ids=str)
def files(request, first, tmp_path_factory):
    """The files of two seeds and scales: what is planted must be in both."""
    if request.param == (1, 1.0):
        return first
    return Files(tmp_path_factory.mktemp("demo"), *request.param)


@pytest.fixture
def here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``here("token", "list")``: the same command in this process, two seconds sooner."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        for name, value in {"ONEMAP_LANGUAGE": "en", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["onemap", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code, said.out, said.err)

    return run

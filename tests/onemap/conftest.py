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
from tests.support.demo import written


class Files:
    """The written files of one seed and scale, read back by other programs than wrote them."""

    def __init__(self, folder):
        self.folder = folder
        self._read = {}

    def sheet(self, name):
        if name not in self._read:
            book = load_workbook(self.folder / "台账" / f"{name}.xlsx", read_only=True)
            head, *rows = book.worksheets[0].iter_rows(values_only=True)
            # A row ends with its last filled cell.
            rows = [[*r, *[None] * (len(head) - len(r))] for r in rows]
            self._read[name] = pd.DataFrame(rows, columns=head)
        return self._read[name].copy()

    def tracks(self, name="车辆轨迹_GCJ02.csv"):
        if name not in self._read:
            frame = pd.read_csv(self.folder / "轨迹" / name)
            frame["time"] = pd.to_datetime(frame["定位时间"])
            self._read[name] = frame
        return self._read[name].copy()


@pytest.fixture(scope="session")
def first(run_name):
    """The files of the demo as it comes."""
    return Files(written(run_name, 1, 1.0))


@pytest.fixture(scope="session", params=[(1, 1.0), (20, 1.5)], ids=str)
def files(request, run_name):
    """The files of two seeds and scales: what is planted must be in both."""
    return Files(written(run_name, *request.param))


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

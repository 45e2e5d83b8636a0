"""The service from the outside: it announces itself, answers, and ends in good order."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from onemap import cluster
from tests.support.databases import Clone, is_running


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """A data folder of the module's own; each test starts its cluster and finds it stopped."""
    folder = Path(tempfile.mkdtemp(prefix="onemap-serving-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    cluster.stop(folder)
    shutil.rmtree(folder)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(data_dir: Path, port: int, *flags: str) -> subprocess.Popen[str]:
    environment = {
        "ONEMAP_DATA_DIR": str(data_dir),
        "ONEMAP_LANGUAGE": "en",
        "ONEMAP_LOG_LEVEL": "error",
    }
    service = subprocess.Popen(
        [sys.executable, "-m", "onemap", "serve", "--port", str(port), *flags],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert service.stdout is not None
    line = service.stdout.readline()
    if line != f"The map is at http://127.0.0.1:{port}/\n":
        service.terminate()
        pytest.fail(line + service.communicate(timeout=30)[0])
    return service


@pytest.mark.parametrize(
    ("how", "status"), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, 0)]
)
def test_it_announces_itself_answers_and_stops_its_database_when_it_ends(
    data_dir: Path, port: int, how: signal.Signals, status: int
) -> None:
    service = start(data_dir, port)
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/openapi.json", trust_env=False)
        assert answer.status_code == 200
        assert is_running(data_dir)
    finally:
        service.send_signal(how)
        output, _ = service.communicate(timeout=30)
    assert service.returncode == status, output
    assert "Traceback" not in output
    assert not is_running(data_dir)


def test_two_processes_serve_one_port(data_dir: Path, port: int) -> None:
    service = start(data_dir, port, "--workers", "2")
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/openapi.json", trust_env=False)
        assert answer.status_code == 200
    finally:
        service.send_signal(signal.SIGTERM)
        output, _ = service.communicate(timeout=30)
    assert "Traceback" not in output
    assert not is_running(data_dir)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_service_that_cannot_start_ends_and_says_so(
    database: Clone, port: int, tmp_path: Path, workers: str
) -> None:
    (tmp_path / "isal.py").write_text("raise ImportError('isal is broken')")
    ended = subprocess.run(
        [sys.executable, "-m", "onemap", "serve", "--port", str(port), "--workers", workers],
        env=os.environ
        | {
            "ONEMAP_DATABASE_URL": database.owner_url,
            "ONEMAP_APP_DATABASE_URL": database.app_url,
            "ONEMAP_LANGUAGE": "en",
            "PYTHONPATH": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "isal is broken" in ended.stderr
    assert "The service ended before it answered" in ended.stderr
    assert "The map is at" not in ended.stdout

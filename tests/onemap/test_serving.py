"""The service from the outside: it announces itself, answers, and ends in good order."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from onemap import cluster
from onemap import database as databases
from tests.support.databases import Clone, is_running
from tests.support.working import children_of


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


def workers_of(service: subprocess.Popen[str]) -> list[int]:
    """Return the workers that a service has started."""
    return [
        pid
        for pid in children_of(service.pid)
        if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    ]


def soon(found: Callable[[], Any], patience_s: float = 90) -> Any:
    """Wait until something is found, and return it."""
    deadline = time.monotonic() + patience_s
    while not (made := found()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.1)
    return made


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_one_worker_does_the_jobs_of_all_serving_processes_and_comes_back_when_it_is_killed(
    data_dir: Path, port: int
) -> None:
    service = start(data_dir, port, "--workers", "2")
    try:
        (first,) = soon(lambda: workers_of(service))
        # Its own processes are none of the service's.
        assert len(children_of(service.pid)) > 1
        os.kill(first, signal.SIGKILL)
        (second,) = soon(lambda: [pid for pid in workers_of(service) if pid != first])
    finally:
        service.send_signal(signal.SIGTERM)
        output, _ = service.communicate(timeout=60)
    assert "Traceback" not in output
    assert not is_alive(second)
    assert not is_running(data_dir)


def test_a_worker_ends_with_its_service_however_that_ends(data_dir: Path, port: int) -> None:
    service = start(data_dir, port)
    try:
        (worker,) = soon(lambda: workers_of(service))
        # Until it has read who started it, it cannot be told of that one's end.
        soon(lambda: b"onemap-worker" in activity(data_dir))
    finally:
        service.kill()
        service.communicate(timeout=30)
    soon(lambda: not is_alive(worker))
    cluster.stop(data_dir)


def test_serving_processes_end_with_the_command_however_that_ends(
    data_dir: Path, port: int
) -> None:
    service = start(data_dir, port, "--workers", "2")
    children = children_of(service.pid)
    serving = [
        pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert len(serving) == 2
    service.kill()
    service.wait()
    soon(lambda: not any(is_alive(pid) for pid in serving))
    # Nobody was left to stop the database; the next start finds and stops it.
    cluster.stop(data_dir)


def activity(data_dir: Path) -> bytes:
    """Return the names of all who are connected to the estate's database."""
    private = cluster.start(data_dir)
    with psycopg.connect(private.url("postgres")) as link:
        found = link.execute("SELECT string_agg(application_name, ' ') FROM pg_stat_activity")
        return str(found.fetchone()).encode()


def test_without_jobs_there_is_no_worker(
    data_dir: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEMAP_JOBS", "off")
    service = start(data_dir, port)
    try:
        assert workers_of(service) == []
    finally:
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=60)


def test_it_waits_for_a_database_that_is_not_there_yet(data_dir: Path, port: int) -> None:
    with cluster.running(data_dir) as private:
        databases.ensure(private, databases.ESTATE)
        url = private.url(databases.ESTATE, databases.OWNER)
    service = subprocess.Popen(
        [sys.executable, "-m", "onemap", "serve", "--port", str(port), "--workers", "2"],
        env=os.environ
        | {
            "ONEMAP_DATABASE_URL": url, "ONEMAP_DATA_DIR": str(data_dir),
            "ONEMAP_LANGUAGE": "en", "ONEMAP_LOG_LEVEL": "error", "ONEMAP_JOBS": "off",
        },
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert service.stdout is not None
    try:
        assert "is not there yet" in service.stdout.readline()
        with cluster.running(data_dir):
            assert service.stdout.readline() == f"The map is at http://127.0.0.1:{port}/\n"
            handed = [Path(f"/proc/{pid}/environ").read_bytes() for pid in children_of(service.pid)]
            assert any(b"ONEMAP_SERVING" in each for each in handed)
            assert not any(b"ONEMAP_DATABASE_URL" in each for each in handed)
            service.send_signal(signal.SIGTERM)
            service.communicate(timeout=60)
    finally:
        # Its processes would outlive it if it were killed.
        service.terminate()
        service.wait(60)


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
            "ONEMAP_JOBS": "off",
            "PYTHONPATH": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ended.returncode == 1
    assert "isal is broken" in ended.stderr
    assert "The service ended before it answered" in ended.stderr
    assert "The map is at" not in ended.stdout

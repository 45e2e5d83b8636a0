"""The private cluster: made once, shared, stopped by the last, and back after a crash."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from onemap import cluster, postgres
from onemap.trouble import ExitCode, Trouble
from tests.support.databases import is_running


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder that the server's user can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="onemap-cluster-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    cluster.stop(folder)
    shutil.rmtree(folder)


def ask(running: cluster.Cluster, query: str) -> str:
    with psycopg.connect(running.url("postgres"), autocommit=True) as link:
        row = link.execute(query).fetchone()
    assert row is not None
    return str(row[0])


def kill_hard(running: cluster.Cluster) -> None:
    pid = int((running.data / "postmaster.pid").read_text().split()[0])
    for process in [pid, *postgres.processes_in(running.data)]:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + 10
    while postgres.processes_in(running.data) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_it_is_utf8_on_a_unix_socket_without_tcp(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.delenv("LANG", raising=False)
    with cluster.running(data_dir, unsafe=True) as running:
        assert ask(running, "SHOW server_encoding") == "UTF8"
        collation = "SELECT datcollate FROM pg_database WHERE datname = 'postgres'"
        assert ask(running, collation) == "C.UTF-8"
        assert ask(running, "SHOW listen_addresses") == ""
        assert running.socket_dir.stat().st_mode & 0o077 == 0


def test_a_second_user_attaches_and_the_last_one_stops_it(data_dir: Path) -> None:
    with cluster.running(data_dir, unsafe=True) as first:
        began = ask(first, "SELECT pg_postmaster_start_time()")
        with cluster.running(data_dir) as second:
            assert ask(second, "SELECT pg_postmaster_start_time()") == began
        assert is_running(data_dir)
    assert not is_running(data_dir)


def test_one_that_attaches_waits_for_the_server_of_another_and_makes_none(data_dir: Path) -> None:
    with pytest.raises(Trouble) as refused:
        cluster.attached(data_dir)
    assert refused.value.code is ExitCode.DATABASE
    assert "systemctl start onemap" in refused.value.en
    assert not cluster.is_made(data_dir)
    with ThreadPoolExecutor() as beside:
        waiting = beside.submit(cluster.attached, data_dir, 60)
        with cluster.running(data_dir, unsafe=True) as running:
            assert ask(waiting.result(60), "SHOW data_directory") == str(running.data)
    assert cluster.is_made(data_dir)
    # It holds nothing: the one that ran it has stopped it.
    assert not is_running(data_dir)


def test_its_rows_survive_a_stop_and_a_start(data_dir: Path) -> None:
    with cluster.running(data_dir, unsafe=True) as running:
        with psycopg.connect(running.url("postgres"), autocommit=True) as link:
            link.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with cluster.running(data_dir, unsafe=True) as running:
        assert ask(running, "SELECT n FROM kept") == "7"


def test_after_a_crash_the_stale_pid_is_cleared_and_it_starts(data_dir: Path) -> None:
    running = cluster.start(data_dir, unsafe=True)
    kill_hard(running)
    # Another process may have been given the number since: this one, for example.
    pid_file = running.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    again = cluster.start(data_dir, unsafe=True)
    assert ask(again, "SELECT 1") == "1"


def test_a_command_that_was_killed_leaves_a_server_that_the_next_one_attaches_to(
    data_dir: Path,
) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom onemap import cluster\n"
        "with cluster.running(Path(sys.argv[1]), unsafe=True):\n"
        "    print('up', flush=True)\n    time.sleep(60)\n"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", script, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    assert command.stdout.readline() == "up\n"
    command.kill()
    command.wait()
    command.stdout.close()
    assert is_running(data_dir)
    with cluster.running(data_dir) as running:
        assert ask(running, "SELECT 1") == "1"
    assert not is_running(data_dir)


def test_a_half_made_cluster_is_made_anew(data_dir: Path) -> None:
    half = data_dir / "postgres.tmp"
    half.mkdir()
    (half / "PG_VERSION").write_text("15\n")
    with cluster.running(data_dir, unsafe=True) as running:
        assert ask(running, "SELECT 1") == "1"
    assert not half.exists()


def test_two_commands_that_start_at_once_share_one_server(data_dir: Path) -> None:
    script = (
        "import sys, psycopg\nfrom pathlib import Path\nfrom onemap import cluster\n"
        "c = cluster.start(Path(sys.argv[1]), unsafe=True)\n"
        "with psycopg.connect(c.url('postgres')) as link:\n"
        "    print(link.execute('SELECT pg_postmaster_start_time()').fetchone()[0])\n"
    )
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(data_dir)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    answers = {command.communicate(timeout=60)[0] for command in commands}
    assert len(answers) == 1
    assert answers != {""}


def test_a_path_too_long_for_a_socket_gets_a_short_folder(data_dir: Path) -> None:
    deep = data_dir / ("long-" * 20)
    with cluster.running(deep, unsafe=True) as running:
        assert ask(running, "SELECT 1") == "1"
        assert not running.socket_dir.is_relative_to(data_dir)
    running.socket_dir.rmdir()


def test_a_folder_that_cannot_be_written_is_told_with_its_remedy(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(Trouble) as trouble:
        cluster.start(blocked / "data")
    assert trouble.value.code is ExitCode.STORAGE
    assert "ONEMAP_DATA_DIR" in trouble.value.zh


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_a_folder_the_servers_user_cannot_enter_is_told_with_its_remedy(data_dir: Path) -> None:
    data_dir.chmod(0o700)
    with pytest.raises(Trouble) as trouble:
        cluster.start(data_dir)
    assert trouble.value.code is ExitCode.STORAGE
    assert "/var/lib/onemap" in trouble.value.en


def test_missing_postgis_is_told_with_the_package_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres, "_SHARE", tmp_path)
    with pytest.raises(Trouble) as trouble:
        postgres.choose()
    assert trouble.value.code is ExitCode.MISSING_SOFTWARE
    assert "apt-get install postgresql-15-postgis-3" in trouble.value.en


def test_a_server_that_is_killed_while_it_is_used_comes_back_by_itself(data_dir: Path) -> None:
    with cluster.running(data_dir, unsafe=True) as running:
        with psycopg.connect(running.url("postgres"), autocommit=True) as link:
            link.execute("CREATE TABLE kept AS SELECT 7 AS n")
            link.execute("CHECKPOINT")  # in tests nothing else is written through
        kill_hard(running)
        deadline = time.monotonic() + 30
        while True:
            try:
                assert ask(running, "SELECT n FROM kept") == "7"
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "it did not come back"
                time.sleep(0.05)
            else:
                break
    assert not is_running(data_dir)

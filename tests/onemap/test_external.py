"""The core tests on a PostgreSQL somebody else runs, as an owner who is no superuser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from onemap import cluster, postgres
from onemap.connecting import EXTENSIONS
from tests.conftest import EXTERNAL, EXTERNAL_APP
from tests.support import databases

CORE = (
    "layers/test_access.py",
    "layers/test_changes.py",
    "layers/test_editing.py",
    "layers/test_history.py",
    "layers/test_measures.py",
    "layers/test_search.py",
    "api/test_changes.py",
    "api/test_lists.py",
    "api/test_ogc.py",
    "api/test_past.py",
    "api/test_tiles.py",
    "importers/test_edits.py",
    "importers/test_features.py",
    "importers/test_tracks.py",
    "onemap/test_database.py",
)
"""What must hold on any server: the tables, the way in and the way out."""

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(EXTERNAL in os.environ, reason="this run is on an external server already"),
]


@pytest.fixture
def external() -> Iterator[dict[str, str]]:
    """A server on TCP with passwords, where an administrator made roles and extensions."""
    folder = Path(tempfile.mkdtemp(prefix="onemap-external-", dir=databases.ROOT))
    folder.chmod(0o755)
    private = cluster.start(folder, unsafe=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    rules = "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    (private.data / "pg_hba.conf").write_text(rules)
    with psycopg.connect(private.url("postgres"), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET listen_addresses = '127.0.0.1'")
        admin.execute(sql.SQL("ALTER SYSTEM SET port = {}").format(port))
    program = postgres.choose().path("pg_ctl")
    log = str(folder / "postgres.log")

    def control(*arguments: str) -> None:
        user = postgres.server_user()
        ended = postgres.run(user, program, "-D", str(private.data), "-w", *arguments)
        assert ended.returncode == 0, ended.stdout

    control("-l", log, "-m", "fast", "restart")
    as_admin = {"host": str(private.socket_dir), "port": port, "user": "postgres"}
    with psycopg.connect(dbname="postgres", autocommit=True, **as_admin) as admin:
        admin.execute("CREATE ROLE estate_owner LOGIN CREATEDB PASSWORD 'for-the-test'")
        admin.execute("CREATE ROLE estate_app LOGIN PASSWORD 'for-the-test'")
        admin.execute(
            "CREATE DATABASE estate OWNER estate_owner TEMPLATE template0 "
            "ENCODING 'UTF8' LOCALE 'C.UTF-8'"
        )
    with psycopg.connect(dbname="estate", autocommit=True, **as_admin) as admin:
        for extension in EXTENSIONS:
            admin.execute(f"CREATE EXTENSION {extension}")
    at = f"for-the-test@127.0.0.1:{port}/estate"
    yield {
        EXTERNAL: f"postgresql://estate_owner:{at}",
        EXTERNAL_APP: f"postgresql://estate_app:{at}",
    }
    control("-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_the_core_tests_pass_there(external: dict[str, str]) -> None:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_XDIST")}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0",
         *(f"tests/{part}" for part in CORE)],
        cwd=ROOT,
        env=inherited | external,
        capture_output=True,
        text=True,
        timeout=900,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]
    assert " passed" in ended.stdout

"""The command line: what it prints, and the status with which it ends."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from tests.support.databases import Clone


def onemap(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "onemap", *arguments],
        env=os.environ | {"ONEMAP_LANGUAGE": "en", "COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def on(database: Clone) -> dict[str, str]:
    return {"ONEMAP_DATABASE_URL": database.owner_url, "ONEMAP_APP_DATABASE_URL": database.app_url}


def test_help_lists_the_commands_and_the_exit_codes() -> None:
    ended = onemap("--help")
    assert ended.returncode == 0
    for command in ("demo", "serve", "import", "template", "db", "layers", "settings", "token"):
        assert command in ended.stdout
    assert "5 the database cannot be reached or used" in " ".join(ended.stdout.split())


def test_help_speaks_chinese_unless_told_otherwise() -> None:
    assert "启动服务" in onemap("--help", ONEMAP_LANGUAGE="zh").stdout
    assert "启动服务" not in onemap("--help").stdout


def test_an_unknown_command_is_a_usage_error() -> None:
    assert onemap("fly").returncode == 2


def test_settings_are_listed_as_json_without_passwords() -> None:
    ended = onemap(
        "settings", "--json", ONEMAP_PORT="9000", ONEMAP_DATABASE_URL="postgresql://a:hunter2@h/d"
    )
    assert ended.returncode == 0, ended.stderr
    listed = {row["variable"]: row for row in json.loads(ended.stdout)}
    assert listed["ONEMAP_PORT"]["value"] == 9000
    assert listed["ONEMAP_PORT"]["source"] == "environment"
    assert "hunter2" not in ended.stdout


def test_layers_are_listed_with_their_rows(database: Clone) -> None:
    ended = onemap("layers", "--json", "--count", **on(database))
    assert ended.returncode == 0, ended.stderr
    listed = {row["name"]: row for row in json.loads(ended.stdout)}
    assert {"buildings", "rooms", "vehicles"} <= set(listed)
    assert listed["rooms"]["rows"] == 0


def test_the_state_of_the_database_is_told(database: Clone) -> None:
    ended = onemap("db", "status", "--json", **on(database))
    assert ended.returncode == 0, ended.stderr
    state = json.loads(ended.stdout)
    assert state["database"] == database.name
    assert state["revision"] == state["newest_revision"]
    assert state["tables"] == "current"


@pytest.mark.parametrize(("revision", "tables"), [("0001", "older"), ("9999", "newer")])
def test_it_is_told_whether_the_tables_are_of_this_program(
    database: Clone, revision: str, tables: str
) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = %s", (revision,))
    ended = onemap("db", "status", "--json", **on(database))
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["tables"] == tables


def test_a_private_database_is_not_made_by_asking_for_its_state(tmp_path: Path) -> None:
    ended = onemap("db", "status", "--json", ONEMAP_DATA_DIR=str(tmp_path / "data"))
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["tables"] == "none"
    assert not (tmp_path / "data").exists()


def test_a_worker_that_only_attaches_starts_no_database(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    ended = onemap(
        "worker", "--attach", ONEMAP_DATA_DIR=str(tmp_path / "data"), ONEMAP_WAIT_SECONDS="0"
    )
    assert ended.returncode == 5, ended.stderr
    assert "systemctl start onemap" in ended.stderr
    assert not (tmp_path / "data/postgres").exists()


def test_a_database_that_is_down_ends_with_its_own_status_and_a_remedy() -> None:
    ended = onemap("db", "status", ONEMAP_DATABASE_URL="postgresql://o@127.0.0.1:1/estate")
    assert ended.returncode == 5
    assert "ONEMAP_DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_the_database_cannot_hold_is_not_told_as_a_lost_connection(
    here: Callable[..., Any], database: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing() -> None:
        # Drawn at random: what can be packed small would fit after all.
        long = "".join(random.Random(1).choices("0123456789abcdef", k=20_000))
        with database.engine.begin() as connection:
            connection.execute(sa.text("CREATE TEMPORARY TABLE key (value text PRIMARY KEY)"))
            connection.execute(sa.text("INSERT INTO key VALUES (:value)"), {"value": long})

    monkeypatch.setattr("onemap.cli.app", failing)
    ended = here()
    assert ended.returncode == 4
    assert "index row" in ended.stderr
    assert "shorten" in ended.stderr


def test_a_port_in_use_ends_with_its_own_status_and_a_remedy(database: Clone) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = onemap("serve", "--port", port, **on(database))
    assert ended.returncode == 6
    assert f"Port {port} is taken" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_data_folder_that_cannot_be_written_ends_with_its_own_status(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    ended = onemap("db", "upgrade", ONEMAP_DATA_DIR=str(blocked / "data"))
    assert ended.returncode == 7
    assert "ONEMAP_DATA_DIR" in ended.stderr


def test_a_demo_open_to_the_network_is_refused(tmp_path: Path) -> None:
    ended = onemap("demo", "--host", "0.0.0.0", ONEMAP_DATA_DIR=str(tmp_path))
    assert ended.returncode == 2
    assert "this machine only" in ended.stderr


def test_a_token_is_shown_once_kept_as_a_digest_and_can_be_revoked(
    database: Clone, here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    made = onemap("token", "create", "auditor", "--estate", "--json", **on(database))
    assert made.returncode == 0, made.stderr
    secret = json.loads(made.stdout)["token"]
    again = here("token", "create", "auditor", "--estate", **on(database))
    assert again.returncode == 2
    assert here("token", "revoke", "auditor", **on(database)).returncode == 0
    assert here("token", "revoke", "auditor", **on(database)).returncode == 2
    listed = json.loads(here("token", "list", "--json", **on(database)).stdout)
    assert listed[0]["name"] == "auditor"
    assert listed[0]["revoked_at"]
    with psycopg.connect(database.owner_url) as link:
        kept = link.execute("SELECT api_token::text FROM api_token").fetchall()
    assert secret not in str(kept)


@pytest.mark.parametrize("scope", [[], ["--estate", "--body", "A01"]])
def test_a_token_needs_exactly_one_scope(
    scope: list[str], here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    assert here("token", "create", "nobody", *scope).returncode == 2


def test_psql_opens_the_database_as_its_owner(database: Clone) -> None:
    ended = onemap("db", "psql", "-Atc", "SELECT current_database()", **on(database))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == database.name


def test_the_help_names_every_kind_that_can_be_imported():
    from importers.registry import KINDS
    from onemap.commands.data import KINDS as SAID

    assert sorted(SAID) == sorted(each.kind for each in KINDS)


def test_history_is_forgotten_only_when_it_is_asked_for(
    here: Callable[..., Any], database: Clone
) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as link:
        link.execute("INSERT INTO vehicle (source, source_key) VALUES ('test', 'V-1')")
        link.execute("UPDATE vehicle SET name = 'x'")
        link.execute("UPDATE change_set SET recorded_at = recorded_at - interval '40 days'")
    ended = here("db", "prune", **on(database))
    assert ended.returncode == 2
    assert "--older-than" in ended.stderr
    ended = here("db", "prune", "--older-than", "50", **on(database))
    assert "0 changes" in ended.stdout
    ended = here("db", "prune", ONEMAP_KEEP_HISTORY_DAYS="30", **on(database))
    told = "Forgot what is older than 30 days: 2 changes, 1 former rows, 1 change sets\n"
    assert (ended.returncode, ended.stdout) == (0, told)


def test_the_events_of_meters_are_derived_anew(here: Callable[..., Any], database: Clone) -> None:
    with psycopg.connect(database.owner_url) as link:
        link.execute("SELECT onemap_partition('reading', '2026-06-18', '2026-06-19')")
        link.execute(
            "INSERT INTO meter (source, source_key, digits) VALUES ('test', 'E-1', 5);"
            "INSERT INTO reading (meter_id, time, value) SELECT id, day, register FROM meter, "
            "(VALUES ('2026-06-18'::timestamptz, 99942), ('2026-06-19', 47)) AS r (day, register)"
        )
    ended = here("db", "events", **on(database))
    assert (ended.returncode, ended.stdout) == (0, "events of meters: 1\n")
    with psycopg.connect(database.owner_url) as link:
        assert link.execute("SELECT kind, correction FROM meter_event").fetchall() == [
            ("roll_over", 100_000.0)
        ]

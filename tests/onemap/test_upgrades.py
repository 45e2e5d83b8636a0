"""An estate of every earlier version is found again whole by this one, with its past."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from layers import db
from layers.access import ESTATE, rows
from layers.registry import layer
from onemap import database as databases
from onemap.database import Database
from onemap.trouble import ExitCode, Trouble
from tests.support.databases import Clone
from tests.support.working import environment

EARLIER = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
ROWS = {
    "0001": (
        (
            "INSERT INTO body (id, source, source_key, name, path) OVERRIDING SYSTEM VALUE "
            "VALUES (1, 'x', '1', '县', '1'), (2, 'x', '2', '局', '1.2')"
        ),
        (
            "INSERT INTO building (id, source, source_key, name, body_id, geom) "
            "OVERRIDING SYSTEM VALUE VALUES (1, 'x', 'A', '甲楼', 2, ST_GeomFromEWKT("
            "'SRID=4326;MULTIPOLYGON(((116 40,116.001 40,116.001 40.001,116 40.001,116 40)))'))"
        ),
        (
            "INSERT INTO room (id, source, source_key, number, name, body_id) "
            "OVERRIDING SYSTEM VALUE VALUES (1, 'x', 'R1', '101', '旧名', 2), "
            "(2, 'x', 'R2', '102', '会被删除', 2)"
        ),
        (
            "INSERT INTO person (id, source, source_key, name, body_id) OVERRIDING SYSTEM VALUE "
            "VALUES (1, 'x', 'P1', '王一', 2)"
        ),
        (
            "INSERT INTO import_batch (kind, source, files, counts) "
            "VALUES ('rooms', 'x', '[]', '{\"read\": 2}')"
        ),
    ),
    "0002": (
        (
            "INSERT INTO purchase_request (id, source, source_key, body_id, quantity) "
            "OVERRIDING SYSTEM VALUE VALUES (1, 'x', 'Q1', 2, 3)"
        ),
        (
            "INSERT INTO meter_event (meter_id, time, kind, start) "
            "VALUES (7, '2026-02-01Z', 'gap', '2026-01-01Z')"
        ),
    ),
    "0003": (
        (
            "INSERT INTO hand_edit (layer, source, source_key, row_id, field, imported) "
            "VALUES ('room', 'x', 'R1', 1, 'name', '\"文件中的名\"')"
        ),
    ),
    "0005": (
        (
            "INSERT INTO account (id, login, display_name) OVERRIDING SYSTEM VALUE "
            "VALUES (1, 'zhang', '张')"
        ),
        (
            "INSERT INTO role_grant (account_id, role, whole_estate, body_id) "
            "VALUES (1, 'planner', false, 1)"
        ),
    ),
    "0007": (
        # What no later version would take any more, and none can seal as it is.
        "INSERT INTO audit_waiting (kind, outcome, at) VALUES ('read', 'x', 'infinity')",
    ),
}
"""What each version could hold beside what those before it held, as its tables were."""
TOKENS = "INSERT INTO actor (name, token_hash, body_id) VALUES ('旧令牌', 'digest', 1)"
LATER = (
    "UPDATE room SET name = '新名', revision = 2 WHERE id = 1",
    "DELETE FROM room WHERE id = 2",
)
GONE = {"actor", "alembic_version"}


def run(database: Clone, *statements: str) -> None:
    """Run statements in one transaction, as that version's service did."""
    with database.engine.begin() as connection:
        for each in statements:
            connection.execute(sa.text(each))


def everything(database: Clone, tables: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """Return the rows of all tables, or those columns of some tables alone."""
    found = sa.inspect(database.engine)
    if tables is None:
        tables = {
            name: [column["name"] for column in found.get_columns(name)]
            for name in found.get_table_names()
            if name not in GONE | {"spatial_ref_sys"}
        }
    told: dict[str, Any] = {}
    with database.engine.connect() as connection:
        for name, columns in tables.items():
            listed = sa.select(*(sa.cast(sa.column(c), sa.Text) for c in columns))
            told[name] = sorted(
                map(repr, connection.execute(listed.select_from(sa.table(name))).all())
            )
    return {"tables": tables, "rows": told}


def earlier(database: Clone, revision: str) -> datetime:
    """Make the estate of an earlier version; return a moment between its two change sets."""
    db.downgrade(database.owner_url, revision)
    filled = [one for since, each in ROWS.items() if since <= revision for one in each]
    if revision < "0005":
        filled.append(TOKENS)
    run(database, *filled)
    with database.engine.connect() as connection:
        between: datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    run(database, *LATER)
    database.engine.dispose()
    return between


def names(database: Clone, at: datetime | None) -> dict[int, str | None]:
    """Return the names of rooms as `rows` tells them of a moment."""
    seen = rows(layer("rooms"), ESTATE, at)
    with database.engine.connect() as connection:
        return {row.id: row.name for row in connection.execute(sa.select(seen.c.id, seen.c.name))}


@pytest.mark.parametrize("revision", EARLIER)
def test_rows_past_and_rights_are_there_after_the_upgrade(database: Clone, revision: str) -> None:
    between = earlier(database, revision)
    before = everything(database)
    assert len(before["rows"]["room"]) == 1
    assert len(before["rows"]["room_history"]) == 2

    databases.prepare(
        Database(database.owner_url, database.app_url, accounts_url=database.accounts_url)
    )
    database.engine.dispose()
    after = everything(database, before["tables"])
    assert after["rows"] == before["rows"]
    assert names(database, None) == {1: "新名"}
    assert names(database, between) == {1: "旧名", 2: "会被删除"}

    # What is changed from now on is recorded after what was.
    run(database, "UPDATE room SET name = '更新的名', revision = 3 WHERE id = 1")
    assert names(database, None) == {1: "更新的名"}
    assert names(database, between) == {1: "旧名", 2: "会被删除"}
    with database.engine.connect() as connection:
        order = connection.execute(sa.text("SELECT seq FROM change_set ORDER BY seq")).scalars()
        assert list(order) == [1, 2, 3]
        held = connection.execute(
            sa.text("SELECT login, role, body_id FROM role_grant g JOIN account a ON "
                    "a.id = account_id WHERE role = 'planner'")
        ).all()  # fmt: skip
    assert [tuple(each) for each in held] == [
        ("zhang" if revision >= "0005" else "旧令牌", "planner", 1)
    ]
    with database.app_engine.begin() as connection:
        connection.execute(sa.text("SELECT * FROM job"))
        connection.execute(sa.text("UPDATE room SET name = name"))
    for forbidden in ("DELETE FROM room_history", "UPDATE account SET login = 'x'"):
        with (
            pytest.raises(sa.exc.ProgrammingError, match="permission denied"),
            database.app_engine.begin() as connection,
        ):
            connection.execute(sa.text(forbidden))


def test_tables_of_a_newer_version_are_left_alone(database: Clone) -> None:
    run(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Trouble, match="9999"):
        databases.prepare(Database(database.owner_url, database.app_url))


@pytest.mark.parametrize(
    ("revision", "command", "said"),
    [
        ("0006", ["serve", "--port", "1"], "onemap db upgrade"),
        ("0006", ["worker"], "onemap db upgrade"),
        ("0006", ["user", "list"], "onemap db upgrade"),
        ("0006", ["audit", "verify"], "onemap db upgrade"),
        ("9999", ["db", "upgrade"], "Install the newer version"),
    ],
)
def test_whoever_meets_tables_of_another_version_says_what_to_do(
    database: Clone, tmp_path: Path, revision: str, command: list[str], said: str
) -> None:
    if revision == "9999":
        run(database, "UPDATE alembic_version SET version_num = '9999'")
    else:
        db.downgrade(database.owner_url, revision)
    ended = subprocess.run(
        [sys.executable, "-m", "onemap", *command],
        env=environment(database, tmp_path), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode != 0
    assert said in ended.stderr
    with database.engine.connect() as connection:
        assert db.current(connection) == revision, "nothing was changed"


def test_an_address_that_nothing_listens_at_is_waited_for_so_long_and_told(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "onemap", "worker"],
        env=os.environ
        | {
            "ONEMAP_DATABASE_URL": "postgresql://someone@127.0.0.1:1/none",
            "ONEMAP_DATA_DIR": str(tmp_path),
            "ONEMAP_LANGUAGE": "en",
            "ONEMAP_WAIT_SECONDS": "1",
        },
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode == ExitCode.DATABASE
    assert "is not there yet" in ended.stderr
    assert "cannot be reached" in ended.stderr

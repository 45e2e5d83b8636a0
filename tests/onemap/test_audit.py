"""``onemap audit``: what commands leave behind, and that whoever tampers with it is told where."""

from __future__ import annotations

import csv
import json
import shutil

import openpyxl
import psycopg
import pytest
import sqlalchemy as sa

from layers.audit import Kind
from layers.audit.keys import Trail
from onemap import traces
from onemap.database import Database, emptied
from onemap.settings import load
from onemap.trouble import Trouble
from tests.onemap.test_cli import on


@pytest.fixture
def audited(database, here, tmp_path):
    """``audited("verify")``: a command over a database with a data folder of its own."""

    def run(*arguments):
        return here(*arguments, ONEMAP_DATA_DIR=str(tmp_path / "data"), **on(database))

    return run


def test_commands_are_recorded_with_who_ran_them_and_verified(database, audited):
    assert audited("user", "create", "li", "--role", "viewer", "--estate").returncode == 0
    # It looks before it seals.
    told = json.loads(audited("audit", "verify", "--json").stdout)
    assert (told["records"], told["faults"]) == (0, 0)
    assert told["waiting"] >= 3
    ended = audited("audit", "verify", "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["faults"] == 0
    assert told["records"] >= 4
    with database.engine.connect() as c:
        rows = c.execute(sa.text("SELECT * FROM audit_record ORDER BY number")).mappings().all()
    acts = {row["details"].get("act"): row for row in rows}
    assert {"create", "grant", "reset", "password"} <= set(acts)
    assert acts["grant"]["details"]["role"] == "viewer"
    assert acts["grant"]["account"].startswith("os:")
    assert acts["grant"]["route"].endswith("user create")
    assert rows[-1]["kind"] == "verify"


@pytest.mark.parametrize("column", ["account", "details", "mac", "at", "outcome"])
def test_one_changed_byte_is_found_with_its_number_and_a_status_of_its_own(
    database, server, audited, column
):
    audited("user", "create", "li")
    audited("audit", "verify")
    change = {
        "account": "overlay(account placing 'X' from 1 for 1)",
        "details": "jsonb_set(details, '{act}', '\"creata\"')",
        "mac": "overlay(mac placing CASE left(mac, 1) WHEN '0' THEN '1' ELSE '0' END from 1 for 1)",
        "at": "at + interval '1 microsecond'",
        "outcome": "overlay(outcome placing 'D' from 1 for 1)",
    }[column]
    admin = server.admin_url.replace("/postgres?", f"/{database.name}?")
    with psycopg.connect(admin) as link:  # the superuser
        link.execute(f"UPDATE audit_record SET {column} = {change} WHERE number = 2")
    ended = audited("audit", "verify")
    assert ended.returncode == 9
    assert "record 2 in batch 1 was changed" in ended.stderr
    listed = json.loads(audited("audit", "verify", "--json").stdout)["found"]
    assert [(each["wrong"], each["first"]) for each in listed] == [("changed", 2)]


def test_a_cut_end_and_a_lost_key_are_found(database, audited, tmp_path):
    audited("user", "create", "li")
    audited("audit", "verify")
    with database.engine.begin() as c:
        last = c.scalar(sa.text("SELECT max(batch) FROM audit_seal"))
        for table in ("audit_record", "audit_seal"):
            c.execute(sa.text(f"DELETE FROM {table} WHERE batch = {last}"))
    assert audited("audit", "prune").returncode == 9
    # What was recorded and sealed since then does not hide it, and no command makes it good.
    audited("user", "create", "wang")
    for _ in range(2):
        ended = audited("audit", "verify")
        assert ended.returncode == 9
        assert f"up to batch {last}" in ended.stderr
    assert audited("audit", "prune").returncode == 9
    # Until somebody says that he knows, which is recorded.
    ended = audited("audit", "acknowledge", "从快照恢复过")
    assert ended.returncode == 0, ended.stderr
    assert audited("audit", "verify").returncode == 0
    with database.engine.connect() as c:
        told = c.scalar(
            sa.text("SELECT details FROM audit_record WHERE route = 'onemap audit acknowledge'")
        )
    assert (told["act"], told["batch"], told["reason"]) == ("acknowledge_cut", last, "从快照恢复过")
    assert audited("audit", "acknowledge", "再次").returncode == 2
    (tmp_path / "data" / "keys" / "audit.key").unlink()
    ended = audited("audit", "verify")
    assert ended.returncode == 9
    assert "a key that the key file lacks" in ended.stderr


def test_a_database_that_its_own_command_empties_begins_anew(database, tmp_path):
    trail = Trail.of(tmp_path / "keys" / "audit.key", "x")
    emptied_one = Database(
        database.owner_url, database.app_url, accounts_url=database.accounts_url, trail=trail
    )
    for _ in range(2):
        traces.noted(emptied_one, Kind.BACKUP)
        traces.sealed(emptied_one)
    assert trail.head.read().batch == 2
    database.engine.dispose()
    emptied(emptied_one)
    traces.noted(emptied_one, Kind.BACKUP)
    assert traces.sealed(emptied_one) == 1
    assert (trail.head.read().batch, trail.head.cuts()) == (1, ())


def test_the_record_is_exported_without_formulas_and_that_is_recorded(database, audited, tmp_path):
    audited("user", "create", "li", "--name", "=1+1")
    with database.engine.begin() as c:
        c.execute(
            sa.text(
                "INSERT INTO audit_waiting (kind, account, outcome) VALUES ('read', '=cmd()', 'ok')"
            )
        )
    file = tmp_path / "a.csv"
    ended = audited("audit", "export", str(file))
    assert ended.returncode == 0, ended.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    rows = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    accounts = {row[4] for row in rows[1:]}
    assert "'=cmd()" in accounts
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    assert f"{len(rows) - 1} records" in ended.stdout
    book = tmp_path / "a.xlsx"
    assert audited("audit", "export", str(book), "--from", "2020-01-01").returncode == 0
    sheet = openpyxl.load_workbook(book).worksheets[0]
    assert sheet.max_row > len(rows)  # with the export before
    assert not [c for row in sheet for c in row if c.data_type == "f"]
    assert audited("audit", "export", str(tmp_path / "a.pdf")).returncode == 2
    assert audited("audit", "export", str(file), "--to", "soon").returncode == 2


def test_pruning_keeps_half_a_year_and_refuses_to_remove_what_is_not_sound(database, audited):
    audited("user", "create", "li")
    ended = audited("audit", "prune")
    assert ended.returncode == 0
    assert "Forgot 0 records" in ended.stdout
    assert audited("audit", "prune", "--older-than", "179").returncode == 2
    with database.engine.begin() as c:
        c.execute(sa.text("DELETE FROM audit_record WHERE number = 1"))
    ended = audited("audit", "prune")
    assert ended.returncode == 9
    assert "nothing was pruned" in ended.stderr


def test_days_of_the_setting_are_no_fewer_than_180(monkeypatch):
    monkeypatch.setenv("ONEMAP_AUDIT_DAYS", "179")
    with pytest.raises(Trouble, match="AUDIT_DAYS"):
        load()


def test_a_restored_record_verifies_with_its_key_and_tells_of_the_restore(
    database, fresh_database, here, audited, tmp_path
):
    audited("user", "create", "li")
    audited("audit", "verify")
    backup = tmp_path / "backup.zip"
    assert audited("backup", str(backup)).returncode == 0
    audited("user", "create", "wang")
    keys, there = tmp_path / "data" / "keys", tmp_path / "there"
    (there / "keys").mkdir(parents=True)
    shutil.copy(keys / "audit.key", there / "keys" / "audit.key")
    with fresh_database() as other:

        def elsewhere(*arguments):
            return here(*arguments, ONEMAP_DATA_DIR=str(there), **on(other))

        ended = elsewhere("restore", str(backup))
        assert ended.returncode == 0, ended.stderr
        assert elsewhere("audit", "verify").returncode == 0
        with other.engine.connect() as c:
            told = c.execute(
                sa.text("SELECT details FROM audit_record WHERE kind = 'restore'")
            ).scalar_one()
        assert told["rows"] > 0
        with other.engine.begin() as c:
            c.execute(sa.text("UPDATE audit_record SET route = 'onemap demo' WHERE number = 1"))
        ended = elsewhere("audit", "verify")
        assert ended.returncode == 9
        assert "record 1 in batch 1" in ended.stderr
    # In its own place the record goes on from where it was left then, and says what came after.
    with database.engine.connect() as c:
        left = c.scalar(sa.text("SELECT max(batch) FROM audit_seal"))
    database.engine.dispose()  # a database in use is left alone
    ended = audited("restore", str(backup), "--replace")
    assert ended.returncode == 0, ended.stderr
    assert audited("audit", "verify").returncode == 0
    with database.engine.connect() as c:
        told = c.execute(
            sa.text("SELECT details FROM audit_record WHERE kind = 'restore'")
        ).scalar_one()
    assert told["batch_before"] >= left
    saved = (tmp_path / "data" / "audit" / told["replaced"]).read_text("utf-8-sig")
    assert "wang" in saved

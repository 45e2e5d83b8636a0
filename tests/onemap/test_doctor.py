"""The doctor finds what was really broken, says how it is mended, and ends with a status."""

from __future__ import annotations

import json
import os
import resource
import ssl
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from layers import administering, granting
from layers.accounts import Account
from layers.granting import Wanted
from layers.policy import Role
from onemap import database as databases
from onemap import rights
from onemap.doctor import Finding, State, examine, findings
from onemap.settings import load
from onemap.trouble import ExitCode
from tests.support.certificate import make
from tests.support.databases import Clone, Server, drop

machine = import_module("onemap.doctor.machine")
estate = import_module("onemap.doctor.estate")  # the package has a function of this name


@pytest.fixture
def here(database: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A sound estate: what these settings name lacks nothing."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o750)
    page = tmp_path / "page"
    page.mkdir()
    monkeypatch.setattr(machine, "page_dir", lambda: page)
    settings = {
        "ONEMAP_DATABASE_URL": database.owner_url,
        "ONEMAP_APP_DATABASE_URL": database.app_url,
        "ONEMAP_ACCOUNTS_DATABASE_URL": database.accounts_url,
        "ONEMAP_DATA_DIR": str(folder),
        "ONEMAP_PORT": "0",  # whichever is free
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings


def found() -> dict[str, Finding]:
    return {each.about: each for each in examine(load())}


def to_mend() -> dict[str, Finding]:
    return {name: each for name, each in found().items() if each.state is State.MEND}


def execute(url: str, statement: Any) -> None:
    with psycopg.connect(url, autocommit=True) as link:
        link.execute(statement)


def test_of_a_sound_estate_nothing_is_to_be_mended(here: dict[str, str]) -> None:
    everything = found()
    assert {n for n, each in everything.items() if each.state is State.MEND} == set()
    looked_at = {"python", "packages", "texts", "memory", "open-files", "port", "clock-kept",
                 "page", "fonts", "data-folder", "disk", "dates", "keys", "backup", "database",
                 "locale", "postgis", "clock", "time-zone", "connections", "schema", "rights",
                 "accounts", "record", "transport", "administrators", "auditor",
                 "second-factor"}  # fmt: skip
    assert looked_at == set(everything)
    for each in everything.values():
        assert each.zh
        assert each.en
        assert bool(each.mend_zh) == bool(each.mend_en) == (each.state is not State.OK)


def test_tables_of_an_older_revision_are_to_be_upgraded(
    here: dict[str, str], database: Clone
) -> None:
    execute(database.owner_url, "UPDATE alembic_version SET version_num = '0003'")
    bad = to_mend()
    assert set(bad) == {"schema"}
    assert "onemap db upgrade" in bad["schema"].mend_en


def test_tables_of_a_newer_program_want_that_program(here: dict[str, str], database: Clone) -> None:
    execute(database.owner_url, "UPDATE alembic_version SET version_num = '9999'")
    assert "newer" in to_mend()["schema"].mend_en


@pytest.mark.parametrize(
    ("taken", "table"), [("SELECT", "room"), ("UPDATE", "building"), ("DELETE", "hand_edit")]
)
def test_a_right_that_the_serving_role_lacks_is_named_and_granted_by_the_remedy(
    here: dict[str, str], database: Clone, taken: str, table: str
) -> None:
    role = databases.role_of(database.app_url)
    assert role is not None
    execute(
        database.owner_url,
        sql.SQL("REVOKE {} ON {} FROM {}").format(
            sql.SQL(taken), sql.Identifier(table), sql.Identifier(role)
        ),
    )
    bad = to_mend()
    assert set(bad) == {"rights"}
    assert f"{taken} {table}" in bad["rights"].en
    databases.prepare(databases.Database(database.owner_url, database.app_url))
    assert to_mend() == {}


def test_the_role_for_accounts_is_held_to_its_rights(
    here: dict[str, str], database: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = databases.role_of(database.accounts_url)
    assert role is not None
    taken = sql.SQL("REVOKE UPDATE ON sign_in_session FROM {}").format(sql.Identifier(role))
    execute(database.owner_url, taken)
    bad = to_mend()
    assert set(bad) == {"accounts"}
    assert "UPDATE sign_in_session" in bad["accounts"].zh
    rights.grant_accounts(database.owner_url, role)
    assert to_mend() == {}

    monkeypatch.delenv("ONEMAP_ACCOUNTS_DATABASE_URL")
    told = found()["accounts"]
    assert told.state is State.ADVICE
    assert "ONEMAP_ACCOUNTS_DATABASE_URL" in told.mend_zh


def test_a_role_that_cannot_come_in_is_told(
    here: dict[str, str], database: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database.accounts_url.replace("onemap_accounts", "nobody_of_that_name")
    monkeypatch.setenv("ONEMAP_ACCOUNTS_DATABASE_URL", url)
    assert set(to_mend()) == {"accounts"}


def test_a_record_ahead_of_the_servers_count_is_found(
    here: dict[str, str], database: Clone
) -> None:
    execute(
        database.owner_url,
        "INSERT INTO change_set (tx, actor) VALUES ('4000000000'::xid8, 'copied')",
    )
    bad = to_mend()
    assert set(bad) == {"record"}
    assert "4000000000" in bad["record"].zh
    # As a restore leaves it: numbered from above what was brought.
    execute(database.owner_url, "INSERT INTO meta VALUES ('tx_base', '4000000000')")
    assert to_mend() == {}


def test_a_database_without_its_extensions_names_the_statements_of_its_administrator(
    here: dict[str, str], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.admin_url, autocommit=True) as link:
        link.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 OWNER {}").format(
                sql.Identifier(name), sql.Identifier(databases.role_of(server.owner_url) or "")
            )
        )
        try:
            monkeypatch.setenv("ONEMAP_DATABASE_URL", databases.renamed(server.owner_url, name))
            bad = to_mend()
        finally:
            drop(link, name)
    assert set(bad) == {"database"}
    assert "CREATE EXTENSION IF NOT EXISTS postgis" in bad["database"].mend_en
    assert bad["database"].code is ExitCode.DATABASE


def test_a_database_that_cannot_hold_chinese_is_refused(
    here: dict[str, str], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.admin_url, autocommit=True) as link:
        link.execute(
            sql.SQL(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' OWNER {}"
            ).format(
                sql.Identifier(name), sql.Identifier(databases.role_of(server.owner_url) or "")
            )
        )
        try:
            monkeypatch.setenv("ONEMAP_DATABASE_URL", databases.renamed(server.owner_url, name))
            bad = to_mend()
        finally:
            drop(link, name)
    assert "LATIN1" in bad["database"].zh
    assert "ENCODING 'UTF8'" in bad["database"].mend_en


def test_a_server_that_is_down_is_told_without_its_password(
    here: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEMAP_DATABASE_URL", "postgresql://o:canary-7f3@127.0.0.1:9/onemap")
    bad = to_mend()
    assert set(bad) == {"database"}
    assert "canary-7f3" not in json.dumps([each.as_dict() for each in bad.values()])


@pytest.mark.parametrize("off", [timedelta(minutes=-3), timedelta(hours=8)])
def test_clocks_that_differ_are_told(
    here: dict[str, str], monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    monkeypatch.setattr(estate, "_now", lambda: datetime.now(UTC) + off)
    bad = to_mend()["clock"]
    told = float(bad.en.removeprefix("this clock and the database's differ by ").removesuffix(" s"))
    assert told == pytest.approx(abs(off.total_seconds()), abs=2)
    assert "chrony" in bad.mend_zh


def test_time_zone_data_of_another_edition_are_told(
    here: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (files("tzdata.zoneinfo.Asia") / "Urumqi").open("rb") as other:
        wrong = ZoneInfo.from_file(other, key="Asia/Shanghai")
    monkeypatch.setattr(type(load()), "zone", property(lambda _: wrong))
    bad = to_mend()
    assert set(bad) == {"time-zone"}
    assert "tzdata" in bad["time-zone"].mend_en


def test_a_clock_that_was_set_back_is_told_by_the_files(here: dict[str, str]) -> None:
    file = Path(here["ONEMAP_DATA_DIR"]) / "postgres.log"
    file.touch()
    assert to_mend() == {}
    ahead = datetime.now(UTC).timestamp() + 7200
    os.utime(file, (ahead, ahead))
    bad = to_mend()
    assert set(bad) == {"dates"}
    assert "postgres.log" in bad["dates"].zh


@pytest.mark.parametrize(("state", "wanted"), [(0, "ok"), (5, "advice"), (None, "advice")])
def test_whether_the_clock_is_kept_is_the_kernels_word(
    here: dict[str, str], monkeypatch: pytest.MonkeyPatch, state: int | None, wanted: str
) -> None:
    assert machine._clock_state() in range(6)
    monkeypatch.setattr(machine, "_clock_state", lambda: state)
    told = found()["clock-kept"]
    assert told.state == wanted
    assert ("could not be checked" in told.en) is (state is None)


def test_a_key_that_others_may_read_is_to_be_closed(
    here: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Path(here["ONEMAP_DATA_DIR"]) / "keys"
    keys.mkdir()
    near, far = keys / "other.key", tmp_path / "far.key"
    for key in (near, far):
        key.touch(mode=0o600)
    monkeypatch.setenv("ONEMAP_KEY_FILE", str(far))
    assert "far.key" in found()["keys"].en
    assert to_mend() == {}
    for key in (near, far):
        key.chmod(0o640)
        bad = to_mend()
        assert set(bad) == {"keys"}
        assert f"chmod 600 {key}" in bad["keys"].mend_zh
        key.chmod(0o600)


@pytest.mark.parametrize("tls", [False, True])
def test_a_port_that_another_program_holds_is_told_and_the_services_own_is_not(
    here: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tls: bool
) -> None:
    class Answer(BaseHTTPRequestHandler):
        told = b"another"

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.told)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as other:
        if tls:
            certificate, key = make(tmp_path)
            monkeypatch.setenv("ONEMAP_TLS_CERTIFICATE", str(certificate))
            monkeypatch.setenv("ONEMAP_TLS_KEY", str(key))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            other.socket = context.wrap_socket(other.socket, server_side=True)
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        try:
            monkeypatch.setenv("ONEMAP_PORT", str(other.server_port))
            bad = to_mend()
            Answer.told = b'{"status":"ok"}'
            own = to_mend()
        finally:
            other.shutdown()
            thread.join()
    assert set(bad) == {"port"}
    assert bad["port"].code is ExitCode.PORT_IN_USE
    assert own == {}


def test_a_look_that_the_system_refuses_says_so_and_the_others_go_on() -> None:
    def refused() -> list[Finding]:
        raise PermissionError(13, "Permission denied", "/srv/closed")

    def well() -> list[Finding]:
        return [findings.ok("next", "好", "well")]

    told = list(findings.looked(("first", refused), ("next", well)))
    assert [each.about for each in told] == ["first", "next"]
    assert told[0].state is State.ADVICE
    assert "/srv/closed: Permission denied" in told[0].en


def test_texts_in_another_encoding_are_told() -> None:
    script = "from onemap.doctor.machine import _texts; print(_texts().about, _texts().state)"
    ended = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", script],
        env=os.environ | {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stdout.split() == ["texts", "mend"]


def test_a_folder_that_anybody_may_write_into_is_to_be_closed(here: dict[str, str]) -> None:
    folder = Path(here["ONEMAP_DATA_DIR"])
    folder.chmod(0o777)
    assert "chmod o-w" in to_mend()["data-folder"].mend_en
    folder.chmod(0o755)
    assert to_mend() == {}


def test_a_file_in_the_place_of_the_data_folder_is_told(
    here: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ONEMAP_DATA_DIR", str(tmp_path / "file" / "data"))
    assert to_mend()["data-folder"].code is ExitCode.STORAGE


def test_a_disk_that_is_nearly_full_is_told(
    here: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a disk can be made by root alone")
    try:
        monkeypatch.setenv("ONEMAP_DATA_DIR", str(folder / "data"))
        bad = to_mend()
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert set(bad) == {"disk"}
    assert "4 MB" in bad["disk"].en


def test_too_few_open_files_are_told(here: dict[str, str]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        bad = to_mend()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert set(bad) == {"open-files"}
    assert "LimitNOFILE" in bad["open-files"].mend_zh


def test_more_connections_than_the_server_allows_are_told(
    here: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEMAP_WORKERS", "16")
    monkeypatch.setenv("ONEMAP_POOL_SIZE", "20")
    assert set(to_mend()) == {"connections"}


def test_a_page_that_is_not_built_is_told(
    here: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "page_dir", lambda: None)
    assert set(to_mend()) == {"page"}


def test_a_package_that_is_missing_or_too_old_is_named(
    here: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = ["numpy>=999", "onemap-no-such>=1", 'rich>=1; extra == "other"', "typer>=0"]
    monkeypatch.setattr(machine.metadata, "requires", lambda _: needs)
    told = to_mend()["packages"].en
    assert "numpy" in told
    assert "onemap-no-such" in told
    assert "rich" not in told
    assert "typer" not in told


def test_backups_that_are_due_and_missing_are_told(
    here: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEMAP_BACKUP_AT", "02:30")
    monkeypatch.setenv("ONEMAP_BACKUP_DIR", str(tmp_path))
    assert set(to_mend()) == {"backup"}
    (tmp_path / f"onemap-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip").touch()
    assert to_mend() == {}


def test_a_new_installation_owes_no_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEMAP_DATABASE_URL", raising=False)
    monkeypatch.setenv("ONEMAP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ONEMAP_BACKUP_DIR", str(tmp_path))
    monkeypatch.setenv("ONEMAP_BACKUP_AT", "02:30")
    told = found()
    assert told["backup"].state is State.OK
    assert told["database"].state is State.ADVICE
    assert "shared-memory" in told


def test_no_room_for_another_backup_is_told(
    here: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a disk can be made by root alone")
    try:
        monkeypatch.setenv("ONEMAP_BACKUP_DIR", str(folder))
        last = folder / f"onemap-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip"
        last.write_bytes(bytes(2_000_000))
        bad = to_mend()
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert set(bad) == {"backup-disk"}
    assert "2 MB" in bad["backup-disk"].en


def test_it_is_told_who_administers_and_audits_and_who_has_no_second_factor(
    here: dict[str, str], database: Clone
) -> None:
    now = datetime.now(UTC)
    told = found()
    assert "onemap user create" in told["administrators"].mend_en
    assert "onemap user create" in told["auditor"].mend_en
    with database.engine.begin() as c:
        for login, role in (("li", "administrator"), ("wang", "auditor"), ("zhao", "auditor")):
            account = administering.create(c, login, login)
            granting.grant(c, account, Wanted(Role(role), None), now)
            if login == "li":  # another grant of the same is no second person
                until = now + timedelta(days=9)
                granting.grant(c, account, Wanted(Role(role), None, None, until), now)
    told = found()
    assert "li" in told["administrators"].en  # one alone
    assert told["auditor"].state is State.OK
    assert "li, wang, zhao" in told["second-factor"].zh
    with database.engine.begin() as c:
        account = administering.create(c, "sun", "sun")
        granting.grant(c, account, Wanted(Role.ADMINISTRATOR, None), now)
        administering.disable(c, "zhao", now)
        c.execute(sa.update(Account).values(totp_confirmed_at=now))
    told = found()
    assert "2" in told["administrators"].en
    assert "1" in told["auditor"].en
    assert told["second-factor"].state is State.OK


def test_a_role_that_needs_no_second_factor_is_told(
    here: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEMAP_SECOND_FACTOR_ROLES", "administrator")
    assert "auditor" in found()["second-factor"].en


@pytest.mark.parametrize(("days", "state"), [(365, State.OK), (29, State.ADVICE), (-1, State.MEND)])
def test_a_certificate_that_ends_is_told_before(
    here: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, state: State
) -> None:
    for name, file in zip(
        ("CERTIFICATE", "KEY"), make(tmp_path, lasts=timedelta(days=days)), strict=True
    ):
        monkeypatch.setenv(f"ONEMAP_TLS_{name}", str(file))
    assert found()["transport"].state is state


def test_passwords_that_would_cross_the_network_in_the_clear_are_told(
    here: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found()["transport"].state is State.OK  # this machine alone
    monkeypatch.setenv("ONEMAP_HOST", "0.0.0.0")
    assert "ONEMAP_TLS_CERTIFICATE" in found()["transport"].mend_en
    monkeypatch.setenv("ONEMAP_PUBLIC_URL", "https://map.example.gov.cn/")
    assert found()["transport"].state is State.ADVICE  # the port is open beside the proxy
    monkeypatch.setenv("ONEMAP_HOST", "127.0.0.1")
    assert "proxy" in found()["transport"].en


def test_the_command_ends_with_the_status_of_what_must_be_mended(here: dict[str, str]) -> None:
    Path(here["ONEMAP_DATA_DIR"]).chmod(0o777)
    ended = subprocess.run(
        [sys.executable, "-m", "onemap", "doctor", "--json"],
        env=os.environ | here, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    told = json.loads(ended.stdout)
    assert not told["ok"]
    first = next(each for each in told["findings"] if each["state"] == "mend")
    assert first["about"] == "data-folder"
    assert first["remedy"]["zh"].startswith("请")
    assert ended.returncode == ExitCode.STORAGE

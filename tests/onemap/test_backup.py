"""A backup made under edits, restored into an empty server, and what is said of a bad one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from layers import db
from onemap import cluster
from onemap import database as databases
from onemap.backup import bundle, making, restoring, schedule
from onemap.cli import main
from onemap.settings import load
from onemap.trouble import ExitCode, Trouble
from tests.support.databases import Clone
from tests.support.life import Life
from tests.support.live import listening
from tests.support.small_estate import fill

PICTURES = {"imagery/0011aabb.tif": os.urandom(300_000), "imagery/ccdd2233.tif": b"once named"}


Command = Callable[..., subprocess.CompletedProcess[str]]


def silent(*_: Any) -> None:
    pass


def onemap(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onemap", *arguments],
        env=os.environ | {"ONEMAP_LANGUAGE": "en", "COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """``here("restore", file)``: the same command in this process, much sooner."""
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        for name, value in {"ONEMAP_LANGUAGE": "en", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["onemap", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code, said.out, said.err)

    return run


def contents(link: psycopg.Connection) -> dict[str, tuple[int, str]]:
    """Rows and a hash of all values of every table, asked of PostgreSQL itself."""
    names = link.execute(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE relkind = 'r' AND "
        "relnamespace = 'public'::regnamespace AND relname <> 'spatial_ref_sys'"
    ).fetchall()
    found = {}
    for (name,) in names:
        where = sql.SQL("WHERE key <> 'tx_base'" if name == "meta" else "")
        row = link.execute(
            sql.SQL(
                "SELECT count(*), coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text "
                "COLLATE \"C\")), '') FROM {} t {}"
            ).format(sql.Identifier(name), where)
        ).fetchone()
        assert row is not None
        found[name] = row
    return found


def without_traces(held: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a restore adds: its own trace, with which what waited is sealed."""
    return {name: told for name, told in held.items() if not name.startswith("audit_")}


def shape(link: psycopg.Connection) -> dict[str, list[Any]]:
    """Every column, index, constraint, trigger and function, and who may call it."""
    asked = {
        "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default, "
        "generation_expression, is_identity FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY 1, 2",
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) "
        "FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal "
        "ORDER BY 1",
        "functions": "SELECT pg_get_functiondef(oid), pg_get_userbyid(proowner), proacl::text "
        "FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'onemap%' "
        "ORDER BY 1",
        "rights": "SELECT oid::regclass::text, relacl::text FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        "AND relname <> 'spatial_ref_sys' ORDER BY 1",
        "partitions": "SELECT inhrelid::regclass::text, pg_get_expr(relpartbound, c.oid) "
        "FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid ORDER BY 1",
    }
    found = {what: link.execute(query).fetchall() for what, query in asked.items()}
    # The cast of a list is written as casts of its members once it has been read again.
    casts = re.compile(r"[()]|::(character varying|text)(\[\])?")
    found["constraints"] = [(t, n, casts.sub("", d)) for t, n, d in found["constraints"]]
    return found


@dataclass
class Kept:
    """A backup made under edits, and what the database held at the moment of it."""

    path: Path
    made: making.Made
    contents: dict[str, tuple[int, str]]
    shape: dict[str, list[Any]]
    source: Clone
    data_dir: Path
    edits: int
    acknowledged_before: set[int]


def settings_of(database: Clone) -> databases.Database:
    return databases.Database(database.owner_url, database.app_url)


@contextlib.contextmanager
def edited(database: Clone, base: str, body: int) -> Iterator[tuple[list[int], list[str]]]:
    """Edit without a pause: by the service, and by two writers of the database."""
    ended = threading.Event()
    acknowledged: list[int] = []
    failures: list[str] = []

    def by_http() -> None:
        with httpx.Client(base_url=base, trust_env=False, timeout=60) as http:
            revision = 1
            while not ended.is_set():
                put = {"layer": "bodies", "id": body, "revision": revision,
                       "properties": {"headcount": revision}}  # fmt: skip
                answer = http.post("/changes", json={"reason": "负荷", "puts": [put]})
                if answer.status_code != 200:
                    failures.append(answer.text)
                    return
                revision += 1
                acknowledged.append(answer.json()["seq"])

    def by_life(seed: int) -> None:
        life, dice = Life(seed), random.Random(seed)
        life.number = seed * 1_000_000
        engine = db.engine(database.owner_url)
        while not ended.is_set():
            with contextlib.suppress(sa.exc.DBAPIError), engine.begin() as c:
                # Two lives meet: one of them may have to give way.
                life.step(c)
                if dice.random() < 0.1:
                    time.sleep(0.01)
        engine.dispose()

    threads = [threading.Thread(target=by_http)]
    threads += [threading.Thread(target=by_life, args=(seed,)) for seed in (1, 2)]
    for each in threads:
        each.start()
    try:
        yield acknowledged, failures
    finally:
        ended.set()
        for each in threads:
            each.join()
    assert failures == []


@pytest.fixture(scope="module")
def kept(
    fresh_database: Callable[[], contextlib.AbstractContextManager[Clone]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Kept]:
    """A backup of a served estate, made while three writers edit it."""
    data_dir, folder = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("backups")
    for path, content in PICTURES.items():
        (data_dir / path).parent.mkdir(exist_ok=True)
        (data_dir / path).write_bytes(content)
    with fresh_database() as source:
        ids = fill(source.engine)
        insert = (
            "INSERT INTO imagery (source, source_key, name, path, geom) VALUES "
            "('t', %s, %s, %s, 'SRID=4326;MULTIPOLYGON(((0 0,0 1,1 1,0 0)))') RETURNING id"
        )
        with psycopg.connect(source.owner_url, autocommit=True) as link:
            # So that the other server, younger, counts its transactions below these.
            for _ in range(3000):
                link.execute("SELECT pg_current_xact_id()")
            for path in PICTURES:
                link.execute(insert, [path, path, path])
            link.execute("DELETE FROM imagery WHERE path = 'imagery/ccdd2233.tif'")
        seen: dict[str, Any] = {}
        dump = making._dump

        def spied(database: Any, connection: Any, snapshot: str, *rest: Any) -> None:
            """Look at the same moment by a connection of the test's own."""
            link = psycopg.connect(source.owner_url)
            link.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            link.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
            seen["link"], seen["done"] = link, len(seen["acknowledged"])
            dump(database, connection, snapshot, *rest)

        with listening(source.app_url, anonymous_edits=True) as base:
            with edited(source, base, ids["bodies", "012"]) as (acknowledged, failures):
                seen["acknowledged"] = acknowledged
                deadline = time.monotonic() + 60
                while len(acknowledged) < 5:
                    assert time.monotonic() < deadline, failures
                    time.sleep(0.02)
                before = set(acknowledged)
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(making, "_dump", spied)
                    made = making.make(
                        settings_of(source), data_dir, folder, demo=False, progress=silent
                    )
                edits = len(acknowledged) - seen["done"]
                with seen["link"] as link:
                    yield_contents, yield_shape = contents(link), shape(link)
        yield Kept(made.path, made, yield_contents, yield_shape, source, data_dir, edits, before)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="onemap-restore-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    cluster.stop(folder)
    shutil.rmtree(folder)


def test_edits_went_on_while_the_backup_was_made(kept: Kept) -> None:
    assert kept.edits > 0


@dataclass
class Restored:
    """The backup restored into a server that was empty, and what it held then."""

    said: dict[str, Any]
    owner_url: str
    app_url: str
    data_dir: Path
    contents: dict[str, tuple[int, str]]
    shape: dict[str, list[Any]]


@pytest.fixture(scope="module")
def restored(kept: Kept) -> Iterator[Restored]:
    """What ``onemap restore`` makes of it in a data folder that was empty."""
    folder = Path(tempfile.mkdtemp(prefix="onemap-restore-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        ended = onemap("restore", str(kept.path), "--json", ONEMAP_DATA_DIR=str(folder))
        assert ended.returncode == 0, ended.stderr
        with cluster.running(folder) as running:
            url = running.url(databases.ESTATE, databases.OWNER)
            app_url = running.url(databases.ESTATE, databases.APP)
            with psycopg.connect(url, autocommit=True) as link:
                held, formed = contents(link), shape(link)
            yield Restored(json.loads(ended.stdout), url, app_url, folder, held, formed)
    finally:
        cluster.stop(folder)
        shutil.rmtree(folder)


def test_a_restored_estate_equals_the_snapshot_table_by_table(
    kept: Kept, restored: Restored
) -> None:
    assert without_traces(restored.contents) == without_traces(kept.contents)
    assert sum(rows for rows, _ in restored.contents.values()) > 100
    for what, found in restored.shape.items():
        assert sorted(set(found) ^ set(kept.shape[what])) == [], what


def test_every_edit_that_was_acknowledged_before_the_backup_is_in_it(
    kept: Kept, restored: Restored
) -> None:
    with psycopg.connect(restored.owner_url) as link:
        known = {row[0] for row in link.execute("SELECT seq FROM change_set").fetchall()}
    assert kept.acknowledged_before <= known
    assert restored.said["seq"] == kept.made.manifest.seq


def test_the_pictures_are_restored_also_those_that_the_past_alone_names(
    restored: Restored,
) -> None:
    for path, content in PICTURES.items():
        assert (restored.data_dir / path).read_bytes() == content


def asked(url: str, query: str, *values: Any) -> list[Any]:
    with psycopg.connect(url) as link:
        return link.execute(query, values).fetchall()


def test_the_record_goes_on_above_the_numbers_that_were_brought(restored: Restored) -> None:
    highest = "SELECT tx::text::bigint FROM change_set ORDER BY tx DESC LIMIT 1"
    (top,), (last,) = *asked(restored.owner_url, highest), *asked(
        restored.owner_url, "SELECT max(seq) FROM change_set"
    )  # fmt: skip
    ((raw,),) = asked(restored.owner_url, "SELECT pg_current_xact_id()::text::bigint")
    assert raw < top, "the other server counts its transactions below those that were brought"
    past = "SELECT count(*) FROM change c JOIN change_set s USING (tx) WHERE s.seq <= %s"
    before = asked(restored.owner_url, past, last)
    engine, life = db.engine(restored.owner_url), Life(77)
    life.number = 77_000_000
    for _ in range(30):
        with engine.begin() as connection:
            life.step(connection)
    engine.dispose()
    fresh = asked(
        restored.owner_url,
        "SELECT tx::text::bigint, seq FROM change_set WHERE seq > %s ORDER BY seq", last,
    )  # fmt: skip
    assert len(fresh) > 20
    assert [seq for _, seq in fresh] == list(range(last + 1, last + 1 + len(fresh)))
    assert min(tx for tx, _ in fresh) > top
    assert asked(restored.owner_url, past, last) == before


def test_the_serving_role_has_its_rights_in_the_restored_estate_and_no_more(
    restored: Restored,
) -> None:
    with psycopg.connect(restored.app_url, autocommit=True) as link:
        link.execute("UPDATE building SET name = name")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            link.execute("UPDATE change_set SET actor = 'x'")


def test_an_estate_that_holds_rows_is_replaced_only_when_that_is_asked_for(
    kept: Kept, database: Clone, tmp_path: Path, here: Command
) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as link:
        link.execute("INSERT INTO body (source, source_key, name) VALUES ('t', '1', '原有')")
    there = {
        "ONEMAP_DATABASE_URL": database.owner_url,
        "ONEMAP_APP_DATABASE_URL": database.app_url,
        "ONEMAP_DATA_DIR": str(tmp_path),
    }
    database.dispose()
    refused = here("restore", str(kept.path), **there)
    assert refused.returncode == ExitCode.USAGE
    assert "--replace" in refused.stderr
    with psycopg.connect(database.owner_url) as link:
        assert link.execute("SELECT name FROM body").fetchall() == [("原有",)]
    assert here("restore", str(kept.path), "--replace", **there).returncode == 0
    with psycopg.connect(database.owner_url) as link:
        assert without_traces(contents(link)) == without_traces(kept.contents)


def test_a_database_in_use_is_left_alone(
    kept: Kept, database: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "LEAVING_S", 0.2)
    with psycopg.connect(database.app_url), pytest.raises(Trouble) as trouble:
        _restored(kept.path, database, tmp_path)
    assert trouble.value.code is ExitCode.USAGE
    assert "1 connections" in trouble.value.en


def _restored(path: Path, database: Clone, data_dir: Path, **options: Any) -> None:
    with bundle.opened(path, silent) as held:
        restoring.restore(
            settings_of(database), held, data_dir,
            **{"demo": False, "replace": False, "external": False, "progress": silent, **options},
        )  # fmt: skip


def test_wherever_one_byte_is_changed_it_is_found(kept: Kept, tmp_path: Path) -> None:
    whole = kept.path.read_bytes()
    dice = random.Random(5)
    ends = [0, 1, 7, len(whole) - 1, len(whole) - 64, len(whole) - 65, len(whole) - 90]
    places = [*ends, *(dice.randrange(len(whole)) for _ in range(60))]
    changed = tmp_path / "changed.zip"
    for place in places:
        data = bytearray(whole)
        data[place] ^= 1 << dice.randrange(8)
        changed.write_bytes(data)
        with pytest.raises(Trouble) as trouble, bundle.opened(changed, silent):
            pytest.fail(f"a changed byte at {place} of {len(whole)} was not found")
        assert trouble.value.code is ExitCode.UNUSABLE_INPUT


def test_a_file_that_was_changed_and_packed_anew_is_found_by_the_manifest(
    kept: Kept, tmp_path: Path
) -> None:
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(kept.path) as source, zipfile.ZipFile(forged, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, b"x" + data[1:] if name.endswith("0011aabb.tif") else data)
        target.comment = b"0" * 64
    written = forged.read_bytes()[:-64]
    forged.write_bytes(written + hashlib.sha256(written).hexdigest().encode())
    with pytest.raises(Trouble) as trouble, bundle.opened(forged, silent):
        pass
    assert "0011aabb.tif" in trouble.value.en


@pytest.mark.parametrize("left", [0, 10, 64, 5_000, -1])
def test_a_file_that_was_cut_off_is_refused(
    kept: Kept, database: Clone, tmp_path: Path, left: int
) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(kept.path.read_bytes()[:left])
    with pytest.raises(Trouble) as trouble:
        _restored(cut, database, tmp_path)
    assert trouble.value.code is ExitCode.UNUSABLE_INPUT
    assert "cut.zip" in trouble.value.zh


def packed_anew(path: Path, target: Path, **changed: Any) -> Path:
    """Write the backup at `path` again, saying something else of itself."""
    with zipfile.ZipFile(path) as source, target.open("wb") as file:
        manifest = bundle.Manifest.model_validate_json(source.read("manifest.json"))
        writer = bundle.Writer(file)
        for name in manifest.members:
            with source.open(name) as member:
                writer.add(name, member)
        writer.finish(manifest.model_copy(update=changed))
    return target


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"format": 2}, ExitCode.UNUSABLE_INPUT, "format 2"),
        ({"revision": "9999"}, ExitCode.UNUSABLE_INPUT, "revision 9999"),
        ({"server_version": 990000, "postgresql": "99.0"}, ExitCode.DATABASE, "PostgreSQL 99.0"),
        ({"demo": True}, ExitCode.USAGE, "--demo"),
        ({"size_bytes": 10**18}, ExitCode.STORAGE, "MB left"),
    ],
)
def test_a_backup_of_another_version_or_too_large_is_refused_before_anything_is_touched(
    kept: Kept, database: Clone, tmp_path: Path, changed: dict[str, Any], code: ExitCode, said: str
) -> None:
    other = packed_anew(kept.path, tmp_path / "other.zip", **changed)
    with pytest.raises(Trouble) as trouble:
        _restored(other, database, tmp_path)
    assert trouble.value.code is code
    assert said in trouble.value.en


def test_a_count_that_differs_from_the_manifest_takes_the_restore_back(
    kept: Kept, database: Clone, tmp_path: Path
) -> None:
    tables = kept.made.manifest.tables | {"public.room": 4711}
    other = packed_anew(kept.path, tmp_path / "other.zip", tables=tables)
    with psycopg.connect(database.owner_url) as link:
        before = contents(link)
    with pytest.raises(Trouble) as trouble:
        _restored(other, database, tmp_path)
    assert "public.room: 4711 rows in the manifest" in trouble.value.en
    with psycopg.connect(database.owner_url) as link:
        assert contents(link) == before


def test_a_dump_that_breaks_off_takes_the_restore_back(
    kept: Kept, database: Clone, tmp_path: Path
) -> None:
    whole, broken = kept.path, tmp_path / "broken.zip"
    with zipfile.ZipFile(whole) as source, broken.open("wb") as file:
        manifest = bundle.Manifest.model_validate_json(source.read("manifest.json"))
        writer = bundle.Writer(file)
        dump = source.read(bundle.DUMP)
        (tmp_path / "part").write_bytes(dump[: len(dump) * 3 // 4])
        with (tmp_path / "part").open("rb") as part:
            writer.add(bundle.DUMP, part)
        members = {n: m for n, m in manifest.members.items() if n != bundle.DUMP}
        for name in members:
            with source.open(name) as member:
                writer.add(name, member)
        writer.finish(manifest.model_copy(update={"members": writer.members}))
    with psycopg.connect(database.owner_url) as link:
        before = contents(link)
    with pytest.raises(Trouble) as trouble:
        _restored(broken, database, tmp_path)
    assert trouble.value.code is ExitCode.DATABASE
    with psycopg.connect(database.owner_url) as link:
        assert contents(link) == before


def test_a_file_named_outside_the_data_folder_is_not_written(
    kept: Kept, database: Clone, tmp_path: Path
) -> None:
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(kept.path) as source, evil.open("wb") as file:
        manifest = bundle.Manifest.model_validate_json(source.read("manifest.json"))
        writer = bundle.Writer(file)
        with source.open(bundle.DUMP) as member:
            writer.add(bundle.DUMP, member)
        with source.open("manifest.json") as member:
            writer.add("files/../../escaped", member)
        writer.finish(manifest.model_copy(update={"members": writer.members}))
    inner = tmp_path / "a" / "b"
    with pytest.raises(Trouble) as trouble:
        _restored(evil, database, inner)
    assert "escaped" in trouble.value.en
    assert not (tmp_path / "escaped").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("a disk can be made by root alone")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_nothing_is_left_on_it(kept: Kept, small_disk: Path) -> None:
    with pytest.raises(Trouble) as trouble:
        making.make(
            settings_of(kept.source), kept.data_dir, small_disk, demo=False, progress=silent
        )
    assert trouble.value.code is ExitCode.STORAGE
    assert list(small_disk.iterdir()) == []


def test_only_one_backup_is_made_at_a_time(kept: Kept, tmp_path: Path) -> None:
    with psycopg.connect(kept.source.owner_url) as link:
        link.execute("SELECT pg_advisory_xact_lock(hashtext('onemap.backup'))")
        with pytest.raises(Trouble, match="另一个备份正在进行"):
            making.make(
                settings_of(kept.source), kept.data_dir, tmp_path, demo=False, progress=silent
            )
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_is_missing_is_told_and_the_rest_is_kept(
    kept: Kept, tmp_path: Path, here: Command
) -> None:
    told = here(
        "backup", str(tmp_path), "--json",
        ONEMAP_DATABASE_URL=kept.source.owner_url, ONEMAP_DATA_DIR=str(tmp_path / "elsewhere"),
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["missing"] == sorted(PICTURES)
    assert "imagery/0011aabb.tif" in told.stderr


def test_only_its_owner_may_read_a_backup(kept: Kept) -> None:
    assert kept.path.stat().st_mode & 0o077 == 0
    assert list(kept.path.parent.glob("*.partial")) == []


def test_the_command_writes_a_file_of_a_name_and_replaces_one_only_by_force(
    kept: Kept, tmp_path: Path, here: Command
) -> None:
    file = tmp_path / "estate.zip"
    there = {"ONEMAP_DATABASE_URL": kept.source.owner_url, "ONEMAP_DATA_DIR": str(kept.data_dir)}
    first = here("backup", str(file), **there)
    assert first.returncode == 0, first.stderr
    assert "2 files" in first.stdout
    assert here("backup", str(file), **there).returncode == ExitCode.USAGE
    assert here("backup", str(file), "--force", **there).returncode == 0
    folder = tmp_path / "nightly"  # what is there no more than that is to be a folder
    assert here("backup", str(folder), **there).returncode == 0
    assert [stat.S_IMODE(folder.stat().st_mode), len(schedule.kept(folder))] == [0o700, 1]
    checked = here("restore", str(file), "--check", **there)
    assert checked.returncode == 0
    assert "is sound" in checked.stdout


def test_the_password_of_the_database_is_no_argument_of_the_programs_that_are_run() -> None:
    from onemap import postgres

    url, environment = postgres.client_environment("postgresql://o:p%40ss@db.example:5433/onemap")
    assert url == "postgresql://o@db.example:5433/onemap"
    assert environment["PGPASSWORD"] == "p@ss"


def test_a_backup_is_due_once_for_each_time_of_day_that_has_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEMAP_BACKUP_AT", "02:30")
    monkeypatch.setenv("ONEMAP_BACKUP_DIR", str(tmp_path))
    plan = schedule.Schedule(load())
    # 02:30 in Shanghai is 18:30 in UTC of the day before.
    at = datetime(2026, 3, 9, 18, 30, tzinfo=UTC)
    assert plan.is_due(at)
    (tmp_path / making.name_of(at + timedelta(seconds=4), demo=False)).touch()
    assert not plan.is_due(at + timedelta(minutes=1))
    assert not plan.is_due(at + timedelta(hours=23, minutes=59))
    assert plan.is_due(at + timedelta(hours=24))
    (tmp_path / making.name_of(at + timedelta(hours=24), demo=True)).touch()
    assert plan.is_due(at + timedelta(hours=24)), "the demo's is none of the estate's"
    (tmp_path / making.name_of(at + timedelta(days=300), demo=False)).touch()
    assert plan.is_due(at + timedelta(hours=24)), "made while the clock was wrong"


def test_a_folder_of_backups_that_is_away_for_a_while_ends_no_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEMAP_BACKUP_AT", "02:30")
    monkeypatch.setenv("ONEMAP_BACKUP_DIR", str(tmp_path))
    monkeypatch.setattr(schedule, "AGAIN_S", 0.0)
    plan, looked = schedule.Schedule(load()), 0

    def away(now: datetime) -> bool:
        nonlocal looked
        looked += 1
        if looked < 3:
            raise OSError(116, "Stale file handle", str(tmp_path))
        plan._ended.set()
        return False

    monkeypatch.setattr(plan, "is_due", away)
    plan.start()
    plan._thread.join(30)
    assert looked == 3


def test_the_oldest_backups_of_a_folder_go_and_nothing_else_of_it(tmp_path: Path) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    names = [making.name_of(start + timedelta(days=n), demo=False) for n in range(5)]
    for name in [*names, "notes.zip", "onemap-demo-20200101T000000Z.zip"]:
        (tmp_path / name).touch()
    schedule.forget(tmp_path, 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [*names[3:], "notes.zip", "onemap-demo-20200101T000000Z.zip"]
    )


@pytest.mark.slow
def test_the_service_makes_the_backup_that_is_due_by_itself(data_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "nightly"
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "onemap", "serve", "--port", "0"],
                env=os.environ
                | {
                    "ONEMAP_DATA_DIR": str(data_dir),
                    "ONEMAP_BACKUP_AT": "03:00",
                    "ONEMAP_BACKUP_DIR": str(folder),
                },
                stdout=subprocess.DEVNULL,
            )
        )
        stack.callback(service.wait, 60)
        stack.callback(service.terminate)
        deadline = time.monotonic() + 120
        while not schedule.kept(folder) and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1.5)  # a second one would begin at once, were it due
        assert len(schedule.kept(folder)) == 1
    with bundle.opened(schedule.kept(folder)[0][1], silent) as held:
        assert held.manifest.revision == db.head()


def test_a_time_of_day_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEMAP_BACKUP_AT", "25:00")
    with pytest.raises(Trouble) as trouble:
        load()
    assert "ONEMAP_BACKUP_AT" in trouble.value.zh


def test_restoring_a_file_that_is_not_there_names_it(here: Command) -> None:
    ended = here("restore", "/nowhere/estate.zip")
    assert ended.returncode == ExitCode.UNUSABLE_INPUT
    assert "/nowhere/estate.zip" in ended.stderr

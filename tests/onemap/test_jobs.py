"""The worker, as a process: jobs are done once, whatever ends it, and cancelled when it is told."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from importers import staging
from layers import job_queue, jobs
from layers.jobs import JOB, JobKind, State
from layers.policy import Role
from tests.support import accounts
from tests.support.databases import Clone, Server
from tests.support.working import (
    ask_import,
    away,
    children_of,
    ended,
    environment,
    held,
    job_of,
    synced,
    taken,
    until,
    working,
)

BODIES = "编码,名称,上级编码\n" + "".join(f"{n:03d},第{n}局,\n" for n in range(1, 41))


def count(database: Clone, statement: str) -> Any:
    with database.engine.connect() as connection:
        return connection.scalar(sa.text(statement))


def cancel(database: Clone, key: int) -> None:
    with database.engine.begin() as connection:
        jobs.cancel(connection, key)


def is_writing(row: Any) -> bool:
    """Whether an import is in the midst of its transaction."""
    return row.state == State.RUNNING and row.phase == "body"


def test_an_import_is_done_and_its_upload_removed(database: Clone, tmp_path: Path) -> None:
    key = ask_import(database, tmp_path, "bodies", "机构.csv", BODIES)
    with working(database, tmp_path):
        row = until(database, key, ended)
        assert (row.state, row.error) == (State.DONE, None)
        assert (row.result["loaded"], row.result["quarantined"]) == (40, 0)
        assert row.result["source"] == "机构"
        deadline = time.monotonic() + 5
        while staging.uploads(tmp_path, row.folder).exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert count(database, "SELECT count(*) FROM body") == 40
    assert count(database, "SELECT count(*) FROM queue.procrastinate_jobs") == 0
    assert count(database, "SELECT count(*) FROM queue.procrastinate_workers") == 0
    noted = "FROM audit_waiting WHERE kind = 'import'"
    assert count(database, f"SELECT account {noted}").startswith("os:")
    assert count(database, f"SELECT route {noted}") == "onemap import"


def test_a_file_that_cannot_be_used_fails_in_both_languages_and_is_kept(
    database: Clone, tmp_path: Path
) -> None:
    key = ask_import(database, tmp_path, "buildings", "楼.geojson", "{")
    with working(database, tmp_path):
        row = until(database, key, ended)
    assert row.state == State.FAILED
    assert "楼.geojson" in row.error["zh"]
    assert "楼.geojson" in row.error["en"]
    assert row.error["zh"] != row.error["en"]
    assert (staging.uploads(tmp_path, row.folder) / "楼.geojson").is_file()


def is_second(row: Any) -> bool:
    """Whether a job is being done a second time."""
    return row.attempt == 2


def is_gone(process: int) -> bool:
    """Whether a process has ended, waited for or not."""
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def done_once(database: Clone, row: Any) -> None:
    """See that an import that was taken up a second time was done once."""
    assert (row.state, row.attempt, row.result["loaded"]) == (State.DONE, 2, 40)
    assert count(database, "SELECT count(*) FROM body") == 40
    assert count(database, "SELECT count(*) FROM import_batch") == 1
    assert count(database, "SELECT count(*) FROM change_set") == 1


def test_a_worker_killed_in_mid_import_leaves_nothing_and_another_takes_it_up_in_half_a_minute(
    database: Clone, tmp_path: Path
) -> None:
    key = ask_import(database, tmp_path, "bodies", "机构.csv", BODIES)
    with working(database, tmp_path) as worker, working(database, tmp_path) as second:
        with held(database, "body"):
            until(database, key, is_writing)
            # Either may have been first.
            first = worker if children_of(worker.pid) else second
            process = children_of(first.pid)[0]
            first.kill()
            killed = time.monotonic()
            while not is_gone(process):
                assert time.monotonic() < killed + 5, "the process outlives its worker"
                time.sleep(0.05)
            assert count(database, "SELECT count(*) FROM body") == 0
            until(database, key, lambda r: r.attempt == 2 or r.state == State.WAITING, 40)
            taken_up_after = time.monotonic() - killed
            until(database, key, is_second, 120)
            assert count(database, "SELECT count(*) FROM body") == 0
        row = until(database, key, ended)
    assert taken_up_after < 30, taken_up_after
    done_once(database, row)


def test_a_process_killed_in_mid_import_is_started_again(database: Clone, tmp_path: Path) -> None:
    key = ask_import(database, tmp_path, "bodies", "机构.csv", BODIES)
    with working(database, tmp_path) as worker:
        with held(database, "body"):
            until(database, key, is_writing)
            child = children_of(worker.pid)[0]
            # It is what the kernel would kill for want of memory, before map and database.
            assert Path(f"/proc/{child}/oom_score_adj").read_text().strip() == "1000"
            os.kill(child, signal.SIGKILL)
            until(database, key, is_second, 120)
        row = until(database, key, ended)
    done_once(database, row)


def test_a_job_whose_database_is_away_for_a_while_waits_and_is_done(
    database: Clone, server: Server, tmp_path: Path
) -> None:
    key = ask_import(database, tmp_path, "bodies", "机构.csv", BODIES)
    with working(database, tmp_path) as worker:
        with held(database, "body"):
            until(database, key, is_writing)
            process = children_of(worker.pid)[0]
            with away(database, server.admin_url):
                deadline = time.monotonic() + 10
                while not is_gone(process):
                    assert time.monotonic() < deadline, "the process outlives its database"
                    time.sleep(0.05)
                time.sleep(3)
        database.dispose()  # what else was connected was thrown out
        # The worker may have ended, as it does when it finds no database: another is there.
        with working(database, tmp_path):
            row = until(database, key, ended)
    done_once(database, row)


def test_a_job_that_is_in_no_queue_any_more_is_queued_again_or_cancelled(
    database: Clone, tmp_path: Path
) -> None:
    asked = [ask_import(database, tmp_path, "bodies", f"{n}.csv", BODIES) for n in range(3)]
    running, unwanted, waiting = asked
    with database.engine.begin() as connection:
        for key in (running, unwanted):
            hold = taken(connection, key)
            jobs.begin(connection, key, hold)
            job_queue.end(connection, hold)
        wanted_no_more = sa.update(JOB).where(JOB.c.id == unwanted)
        connection.execute(wanted_no_more.values(cancel_asked_at=sa.func.now()))
        connection.execute(sa.text("DELETE FROM queue.procrastinate_jobs"))
    with working(database, tmp_path):
        rows = {key: until(database, key, ended) for key in asked}
    assert [(row.state, row.attempt) for row in rows.values()] == [
        (State.DONE, 2), (State.CANCELLED, 1), (State.DONE, 1),
    ]  # fmt: skip
    assert [rows[key].result["loaded"] for key in (running, waiting)] == [40, 40]


def test_a_job_whose_process_cannot_be_started_is_done_once_it_can(
    database: Clone, tmp_path: Path
) -> None:
    key = ask_import(database, tmp_path, "bodies", "机构.csv", BODIES)
    startless = "import sys; sys.executable = '/no/python'; from onemap.cli import main; main()"
    with working(database, tmp_path, ("-c", startless)) as worker:
        deadline = time.monotonic() + 60
        while count(database, "SELECT attempts FROM queue.procrastinate_jobs") == 0:
            assert time.monotonic() < deadline, "the job is never tried"
            time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
    row = job_of(database, key)
    assert (row.state, row.attempt) == (State.WAITING, 0)
    with working(database, tmp_path):
        row = until(database, key, ended)
    assert (row.state, row.attempt, row.result["loaded"]) == (State.DONE, 1, 40)


def test_a_worker_that_was_given_up_for_dead_leaves_its_successor_alone(
    database: Clone, server: Server, tmp_path: Path
) -> None:
    key = ask_import(database, tmp_path, "bodies", "机构.csv", BODIES)
    with working(database, tmp_path) as first:
        with held(database, "body"):
            until(database, key, is_writing)
            process = children_of(first.pid)[0]
            with working(database, tmp_path) as second:
                deadline = time.monotonic() + 60
                while count(database, "SELECT count(*) FROM queue.procrastinate_workers") < 2:
                    assert time.monotonic() < deadline, "the second worker never comes"
                    time.sleep(0.1)
                first.send_signal(signal.SIGSTOP)
                try:
                    until(database, key, is_second)
                    # The connection of the first one's process breaks.
                    count(
                        database,
                        "SELECT pg_terminate_backend((SELECT pid FROM pg_stat_activity "
                        "WHERE application_name = 'onemap-job' AND datname = current_database() "
                        "AND wait_event_type = 'Lock' ORDER BY backend_start LIMIT 1))",
                    )
                    deadline = time.monotonic() + 10
                    while not is_gone(process):
                        assert time.monotonic() < deadline, "the process outlives its connection"
                        time.sleep(0.05)
                    until(database, key, is_writing)
                finally:
                    first.send_signal(signal.SIGCONT)
                time.sleep(4)  # long enough for the first to say what it has to say
                row = job_of(database, key)
                assert (row.state, row.attempt) == (State.RUNNING, 2)
                assert count(database, "SELECT status FROM queue.procrastinate_jobs") == "doing"
                assert len(children_of(second.pid)) == 1
        row = until(database, key, ended)
    done_once(database, row)


def test_one_that_is_cancelled_at_the_very_end_is_cancelled(
    database: Clone, tmp_path: Path
) -> None:
    key = ask_import(database, tmp_path, "bodies", "机构.csv", BODIES)
    with working(database, tmp_path):
        with held(database, "body"):
            until(database, key, is_writing)
            # Its worker is not told in time.
            with database.engine.begin() as connection:
                asked = sa.update(JOB).where(JOB.c.id == key)
                connection.execute(asked.values(cancel_asked_at=sa.func.now()))
        row = until(database, key, ended, 30)
    assert (row.state, row.attempt) == (State.CANCELLED, 1)
    assert count(database, "SELECT count(*) FROM body") == 0
    assert not staging.uploads(tmp_path, row.folder).exists()


def test_a_job_that_waits_is_cancelled_at_once_and_never_done(
    database: Clone, tmp_path: Path
) -> None:
    key = ask_import(database, tmp_path, "bodies", "机构.csv", BODIES)
    cancel(database, key)
    assert job_of(database, key).state == State.CANCELLED
    after = ask_import(database, tmp_path, "bodies", "另.csv", BODIES.splitlines()[0] + "\n1,局,\n")
    with working(database, tmp_path):
        assert until(database, after, ended).state == State.DONE
    assert count(database, "SELECT count(*) FROM body") == 1


def test_one_that_runs_is_cancelled_within_seconds_and_nothing_of_it_is_visible(
    database: Clone, tmp_path: Path
) -> None:
    key = ask_import(database, tmp_path, "bodies", "机构.csv", BODIES)
    with working(database, tmp_path):
        with held(database, "body"):
            until(database, key, is_writing)
            asked = time.monotonic()
            cancel(database, key)
            row = until(database, key, ended, 10)
            assert time.monotonic() - asked < 5
        assert (row.state, row.result) == (State.CANCELLED, None)
        after = ask_import(database, tmp_path, "bodies", "另.csv", BODIES)
        assert until(database, after, ended).state == State.DONE
    assert count(database, "SELECT count(*) FROM import_batch") == 1
    assert not staging.uploads(tmp_path, row.folder).exists()


def test_a_worker_that_is_told_to_end_puts_its_job_back(database: Clone, tmp_path: Path) -> None:
    key = ask_import(database, tmp_path, "bodies", "机构.csv", BODIES)
    with held(database, "body"):
        # Longer than it takes for a worker to be given up for dead.
        with working(database, tmp_path, ONEMAP_STOP_SECONDS="14") as worker:
            until(database, key, is_writing)
            worker.send_signal(signal.SIGTERM)
            worker.wait(40)
        row = job_of(database, key)
        assert (row.state, row.attempt) == (State.WAITING, 0), "it is no fault of the job"
        assert count(database, "SELECT count(*) FROM queue.procrastinate_workers") == 0
    with working(database, tmp_path):
        row = until(database, key, ended)
    assert (row.state, row.attempt, row.result["loaded"]) == (State.DONE, 1, 40)


def test_an_attempt_that_was_given_up_for_dead_can_end_nothing_any_more(database: Clone) -> None:
    with database.engine.begin() as connection:
        key = jobs.ask(connection, JobKind.IMPORT, {}, "f", by_operator=True)
        lost = taken(connection, key)
        first = jobs.begin(connection, key, lost)
        assert jobs.take_back(connection, key, lost)
        assert not jobs.take_back(connection, key, lost), "another worker was sooner"
        hold = taken(connection, key)
        second = jobs.begin(connection, key, hold)
        assert (first, second) == (1, 2)

        assert not jobs.finish(connection, key, 1, {})
        assert not jobs.fail(connection, key, 1, {"zh": "", "en": ""})
        assert not jobs.put_back(connection, key, 1)
        assert not jobs.put_back(connection, key, 1, counts=False)
        assert jobs.begin(connection, key, lost) is None
        assert not job_queue.end(connection, lost)
        assert not job_queue.give_back(connection, lost, datetime.now(UTC))
        jobs.cancel(connection, key)
        assert not jobs.cancelled(connection, key, 1)
        connection.execute(sa.update(JOB).values(cancel_asked_at=None))

        assert jobs.finish(connection, key, 2, {"loaded": 1})
        assert jobs.begin(connection, key, hold) is None
        assert job_queue.end(connection, hold)


def test_a_job_that_breaks_its_worker_again_and_again_is_given_up(database: Clone) -> None:
    with database.engine.begin() as connection:
        key = jobs.ask(connection, JobKind.IMPORT, {}, "f", by_operator=True)
        hold = taken(connection, key)
        for number in range(jobs.MOST_ATTEMPTS):
            assert jobs.begin(connection, key, hold) == number + 1
            jobs.put_back(connection, key, number + 1)
        assert jobs.begin(connection, key, hold) is None
    row = job_of(database, key)
    assert (row.state, row.error["reason"]) == (State.FAILED, "gave_up")


def test_one_whose_worker_is_told_to_end_again_and_again_is_not_given_up(database: Clone) -> None:
    with database.engine.begin() as connection:
        key = jobs.ask(connection, JobKind.IMPORT, {}, "f", by_operator=True)
        hold = taken(connection, key)
        for _ in range(jobs.MOST_ATTEMPTS + 1):
            assert jobs.begin(connection, key, hold) == 1
            assert jobs.put_back(connection, key, 1, counts=False)
    assert job_of(database, key).state == State.WAITING


def test_an_upload_that_is_not_as_it_was_received_is_not_imported(
    database: Clone, tmp_path: Path
) -> None:
    cut, changed = (
        ask_import(database, tmp_path, "bodies", name, BODIES) for name in ("断.csv", "改.csv")
    )
    file = staging.uploads(tmp_path, job_of(database, cut).folder) / "断.csv"
    size = file.stat().st_size
    os.truncate(file, size // 2)
    file = staging.uploads(tmp_path, job_of(database, changed).folder) / "改.csv"
    file.write_bytes(file.read_bytes().replace(b"040", b"041"))
    with working(database, tmp_path):
        rows = [until(database, key, ended) for key in (cut, changed)]
    for row, name in zip(rows, ("断.csv", "改.csv"), strict=True):
        assert (row.state, row.attempt, row.error["reason"]) == (
            State.FAILED, 1, "broken_upload",
        )  # fmt: skip
        assert name in row.error["zh"]
        assert name in row.error["en"]
    assert f"{size} bytes then, {size // 2} now" in rows[0].error["en"]
    assert count(database, "SELECT count(*) FROM body") == 0


def test_what_the_command_queues_is_on_the_disk_with_its_digest_in_the_job(
    here: Callable[..., Any], database: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "机构.csv"
    file.write_text(BODIES, "utf-8")
    on_disk = synced(monkeypatch)
    said = here(
        "import", "bodies", str(file), "--queue", "--json",
        **environment(database, tmp_path / "data"),
    )  # fmt: skip
    row = job_of(database, json.loads(said.stdout)["job"])
    kept = staging.uploads(tmp_path / "data", row.folder) / "机构.csv"
    assert {kept, kept.parent, kept.parents[1], tmp_path / "data"} <= set(on_disk)
    content = BODIES.encode()
    assert row.arguments["sums"] == [
        {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    ]


def test_a_value_too_long_for_an_index_is_a_fault_of_the_file(
    database: Clone, tmp_path: Path
) -> None:
    # Digits drawn at random: what can be packed small would fit after all.
    long = "".join(random.Random(1).choices("0123456789abcdef", k=20_000))
    key = ask_import(database, tmp_path, "bodies", "长.csv", f"编码,名称,上级编码\n{long},局,\n")
    with working(database, tmp_path):
        row = until(database, key, ended)
    assert (row.state, row.attempt) == (State.FAILED, 1)
    assert "长.csv" in row.error["zh"]
    assert "too long for the database to index" in row.error["en"]


def test_what_was_revoked_meanwhile_counts_when_the_job_runs(
    database: Clone, tmp_path: Path
) -> None:
    with database.engine.begin() as connection:
        mine = accounts.person(connection, "planner", Role.PLANNER)
        other = accounts.person(connection, "viewer", Role.VIEWER)
        gone = accounts.person(connection, "gone", Role.PLANNER)
    persons = "工号,姓名,机构\n1,王一,\n"
    asked = [
        ask_import(
            database, tmp_path, "persons", f"{n}.csv", persons, by_operator=False, account_id=who
        )
        for n, who in enumerate((mine, other, gone, None))
    ]
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE account SET disabled_at = now() WHERE login = 'gone'"))
    with working(database, tmp_path):
        rows = [until(database, key, ended) for key in asked]
    assert [row.state for row in rows] == [State.DONE, *[State.FAILED] * 3], rows
    assert [row.error["reason"] for row in rows[1:]] == ["Forbidden", "asker", "asker"]
    actors = count(database, "SELECT string_agg(actor, ',') FROM import_batch")
    assert actors == "planner"

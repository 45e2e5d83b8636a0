"""The worker, as a process: jobs are done once, whatever ends it, and cancelled when it is told."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from importers import staging
from layers import jobs
from layers.jobs import JobKind, State
from layers.policy import Role
from tests.support import accounts
from tests.support.databases import Clone
from tests.support.working import (
    ask_import,
    children_of,
    ended,
    held,
    job_of,
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
            os.kill(children_of(worker.pid)[0], signal.SIGKILL)
            until(database, key, is_second, 120)
        row = until(database, key, ended)
    done_once(database, row)


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
        with working(database, tmp_path, ONEMAP_STOP_SECONDS="1") as worker:
            until(database, key, is_writing)
            worker.send_signal(signal.SIGTERM)
            worker.wait(20)
        assert job_of(database, key).state == State.WAITING
        assert count(database, "SELECT count(*) FROM queue.procrastinate_workers") == 0
    with working(database, tmp_path):
        row = until(database, key, ended)
    assert (row.state, row.result["loaded"]) == (State.DONE, 40)


def test_an_attempt_that_was_given_up_for_dead_can_end_nothing_any_more(database: Clone) -> None:
    with database.engine.begin() as connection:
        key = jobs.ask(connection, JobKind.IMPORT, {}, "f", by_operator=True)
        first = jobs.begin(connection, key)
        jobs.put_back(connection, key)
        second = jobs.begin(connection, key)
        assert not jobs.finish(connection, key, first.attempt, {})
        assert not jobs.fail(connection, key, first.attempt, {"zh": "", "en": ""})
        assert jobs.finish(connection, key, second.attempt, {"loaded": 1})
        assert jobs.begin(connection, key) is None


def test_a_job_that_breaks_its_worker_again_and_again_is_given_up(database: Clone) -> None:
    with database.engine.begin() as connection:
        key = jobs.ask(connection, JobKind.IMPORT, {}, "f", by_operator=True)
        for _ in range(jobs.MOST_ATTEMPTS):
            assert jobs.begin(connection, key) is not None
            jobs.put_back(connection, key)
        assert jobs.begin(connection, key) is None
    row = job_of(database, key)
    assert (row.state, row.error["reason"]) == (State.FAILED, "gave_up")


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

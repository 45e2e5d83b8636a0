"""Whatever is changed, removed, added or moved afterwards is found, and where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.audit.keys import Head, Reached, SealKeys
from layers.audit.pruning import SHORTEST, prune
from layers.audit.sealing import seal_all
from layers.audit.verifying import Verifier, Wrong
from layers.problems import Impossible
from tests.layers.audit.trail import noted, sealed, verified

RECORD = ("number", "batch", "at", "kind", "account_id", "account", "address", "request", "route",
          "layer", "outcome", "details", "mac")  # fmt: skip
SEAL = (
    "batch",
    "first",
    "last",
    "count",
    "sealed_at",
    "key",
    "previous",
    "mac",
    "pruned_at",
    "mark",
)
ANOTHER = {
    "number": "number + 1000", "batch": "batch + 1", "at": "at + interval '1 microsecond'",
    "account_id": "coalesce(account_id, 0) + 1", "details": "details || '{\"x\": 1}'",
    "first": "first + 1", "last": "last + 1", "count": "count + 1", "pruned_at": "now()",
    "sealed_at": "sealed_at - interval '1 microsecond'",
}  # fmt: skip
BATCHES = (3, 1, 4, 2)


@pytest.fixture(scope="module")
def keys() -> SealKeys:
    return SealKeys()


@pytest.fixture(scope="module")
def trail(module_database, keys, tmp_path_factory):
    """Four batches of ten records, and the head that was left."""
    made = sealed(module_database.engine, keys, *BATCHES)
    head = Head(tmp_path_factory.mktemp("head") / "head.json")
    head.write(made[-1].reached)
    return module_database, head


def faults_after(trail, keys, *statements: str) -> list[tuple]:
    """Return what verifying finds after some statements, which are taken back."""
    database, head = trail
    with database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as c:
        begun = c.begin()
        for each in statements:
            c.execute(sa.text(each))
        found = [(f.wrong, f.batch, f.first) for f in Verifier(c, keys, head).faults()]
        begun.rollback()
    return found


def test_what_nobody_touched_is_sound(trail, keys):
    database, head = trail
    faults, seen = verified(database.engine, keys, head)
    assert faults == []
    assert (seen.batches, seen.records, seen.first, seen.last) == (4, 10, 1, 10)
    assert not seen.headless


@pytest.mark.parametrize("column", [c for c in RECORD if c != "number"])
@pytest.mark.parametrize("number", [1, 4, 6, 10])
def test_a_changed_column_of_a_record_is_found_at_its_number(trail, keys, column, number):
    value = ANOTHER.get(column, f"coalesce({column}, '') || ' '")
    batch = next(b for b, end in enumerate((3, 4, 8, 10), 1) if number <= end)
    found = faults_after(
        trail, keys, f"UPDATE audit_record SET {column} = {value} WHERE number = {number}"
    )
    assert (Wrong.CHANGED, batch, number) in found
    assert {f[1] for f in found} == {batch}


@pytest.mark.parametrize("column", SEAL)
@pytest.mark.parametrize("batch", [1, 2, 4])
def test_a_changed_column_of_a_seal_is_found(trail, keys, column, batch):
    value = ANOTHER.get(column, f"coalesce({column}, '') || '0'")
    if column == "batch":
        value = "batch + 100"
    found = faults_after(
        trail, keys, f"UPDATE audit_seal SET {column} = {value} WHERE batch = {batch}"
    )
    assert found


@settings(deadline=None, max_examples=150,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    act=st.sampled_from(["change", "remove", "move", "repeat", "copy"]),
    number=st.integers(1, 10),
    other=st.integers(1, 10),
    column=st.sampled_from(RECORD[2:]),
    where=st.integers(0, 200),
)
def test_any_one_record_that_is_tampered_with_is_found(
    trail, keys, act, number, other, column, where
):
    no_text = {"at", "account_id", "details"}
    names = "at, kind, account_id, account, address, request, route, layer, outcome, details"
    one = f"WHERE number = {number}"
    broken = (
        f"overlay(coalesce({column}, '') placing '\u00b6' "
        f"from 1 + {where} % (1 + length(coalesce({column}, ''))) for 1)"
    )
    repeated = "SET outcome = b.outcome || 'x', mac = b.mac FROM audit_record b"
    copied = f"SELECT {names}, number + {10 + where}, batch, mac FROM audit_record {one}"
    statements = {
        "change": [f"UPDATE audit_record SET {column} = {ANOTHER[column]} {one}"]
        if column in no_text
        else [f"UPDATE audit_record SET {column} = {broken} {one}"],
        "remove": [f"DELETE FROM audit_record {one}"],
        "move": [
            f"UPDATE audit_record SET number = -1 {one}",
            f"UPDATE audit_record SET number = {number} WHERE number = {other}",
            f"UPDATE audit_record SET number = {other} WHERE number = -1",
        ],
        "repeat": [
            f"UPDATE audit_record a {repeated} WHERE b.number = {other} AND a.number = {number}"
        ],
        "copy": [f"INSERT INTO audit_record ({names}, number, batch, mac) {copied}"],
    }[act]  # fmt: skip
    found = faults_after(trail, keys, *statements)
    if act == "move" and number == other:
        assert found == []
        return
    assert found, (act, number, other)
    wanted = {"change": Wrong.CHANGED, "remove": Wrong.MISSING, "move": Wrong.CHANGED,
              "repeat": Wrong.CHANGED, "copy": Wrong.ADDED}[act]  # fmt: skip
    assert (wanted, number if act != "copy" else number + 10 + where) in {
        (f[0], f[2]) for f in found
    }


def test_a_batch_that_is_gone_with_its_seal_is_found(trail, keys):
    found = faults_after(
        trail,
        keys,
        "DELETE FROM audit_record WHERE batch = 2",
        "DELETE FROM audit_seal WHERE batch = 2",
    )
    assert (Wrong.SEAL_MISSING, 3, 2) in found


def test_a_record_put_in_with_a_seal_of_another_key_is_found(trail, keys, database):
    sealed(database.engine, SealKeys(), 2)
    with database.engine.connect() as c:
        record = dict(c.execute(sa.text("SELECT * FROM audit_seal")).mappings().one())
    values = f"(5, 11, 12, 2, now(), '{record['key']}', '{record['previous']}', '{record['mac']}')"
    found = faults_after(trail, keys, f"INSERT INTO audit_seal VALUES {values}")
    assert (Wrong.KEY, 5, 5) in found


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_cut_tail_is_found_by_the_head(trail, keys, after):
    found = faults_after(
        trail,
        keys,
        f"DELETE FROM audit_record WHERE batch > {after}",
        f"DELETE FROM audit_seal WHERE batch > {after}",
    )
    assert found == [(Wrong.CUT, 4, 4)]


def test_another_key_is_told_in_one_fault(trail):
    database, _ = trail
    faults, _ = verified(database.engine, SealKeys())
    assert [(f.wrong, f.first, f.last) for f in faults] == [(Wrong.KEY, 1, 4)]


def test_after_a_new_key_both_are_verified(database, tmp_path):
    keys = SealKeys(tmp_path / "audit.key")
    sealed(database.engine, keys, 2)
    with keys.path.open("a") as file:
        file.write("ab" * 32 + "\n")
    sealed(database.engine, keys, 2)
    assert verified(database.engine, keys)[0] == []
    keys.path.write_text("ab" * 32)
    faults, _ = verified(database.engine, keys)
    assert [(f.wrong, f.first, f.last) for f in faults] == [(Wrong.KEY, 1, 1)]


NOW = datetime(2026, 10, 12, tzinfo=UTC)


@pytest.fixture
def old(database, keys):
    """Three batches, of which the first two are pruned as if half a year had passed since."""
    sealed(database.engine, keys, 2, 3, 4)
    return database.engine


def test_pruning_drops_whole_batches_and_verifying_begins_at_the_mark(old, keys, tmp_path):
    with old.connect() as c:
        times = list(c.scalars(sa.text("SELECT sealed_at FROM audit_seal ORDER BY batch")))
    with old.begin() as c:
        done = prune(c, keys, times[2], times[2] + SHORTEST)
    assert (done.batches, done.records, done.last) == (2, 5, 5)
    seal_all(old, keys, None)
    faults, seen = verified(old, keys)
    assert faults == []
    assert (seen.pruned_to, seen.first, seen.records) == (5, 6, 5)  # and that it was pruned
    with old.begin() as c:
        assert prune(c, keys, times[2], times[2] + SHORTEST).records == 0


@pytest.mark.parametrize("column", SEAL)
def test_a_changed_column_of_the_mark_is_found(old, keys, column):
    with old.begin() as c:
        newest = c.scalar(sa.text("SELECT max(sealed_at) FROM audit_seal"))
        prune(c, keys, newest, newest + SHORTEST)
        value = ANOTHER.get(column, f"coalesce({column}, '') || '0'")
        if column == "batch":
            value = "batch - 1"
        c.execute(sa.text(f"UPDATE audit_seal SET {column} = {value} WHERE mark IS NOT NULL"))
    assert verified(old, keys)[0]


def test_what_is_removed_without_the_key_does_not_look_pruned(old, keys):
    with old.begin() as c:
        c.execute(sa.text("DELETE FROM audit_record WHERE batch <= 2"))
        c.execute(sa.text("DELETE FROM audit_seal WHERE batch < 2"))
        c.execute(sa.text("UPDATE audit_seal SET pruned_at = now(), mark = mac WHERE batch = 2"))
    faults, _ = verified(old, keys)
    assert [(f.wrong, f.batch) for f in faults] == [(Wrong.MARK_CHANGED, 2)]


def test_nothing_younger_than_half_a_year_is_pruned(old, keys):
    with old.begin() as c, pytest.raises(Impossible, match="180"):
        prune(c, keys, NOW - timedelta(days=179), NOW)


def test_a_head_that_was_pruned_past_is_no_cut(old, keys, tmp_path):
    head = Head(tmp_path / "head.json")
    with old.connect() as c:
        rows = c.execute(
            sa.text("SELECT batch, mac, sealed_at FROM audit_seal ORDER BY batch")
        ).all()
    head.write(Reached(rows[0].batch, rows[0].mac))
    with old.begin() as c:
        prune(c, keys, rows[2].sealed_at, rows[2].sealed_at + SHORTEST)
    assert verified(old, keys, head)[0] == []


def test_memory_does_not_grow_with_the_record(database, keys):
    import tracemalloc

    def peak() -> int:
        tracemalloc.start()
        faults, _ = verified(database.engine, keys)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert faults == []
        return most

    noted(database.engine, *("x" for _ in range(3000)))
    seal_all(database.engine, keys, None)
    peak()
    few = peak()
    for _ in range(4):
        noted(database.engine, *("x" for _ in range(3000)))
    seal_all(database.engine, keys, None)
    assert peak() < 1.5 * few

"""What waits is sealed whole, by one sealer, without a gap, whenever it is committed."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from datetime import UTC

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from layers.audit import Kind, note
from layers.audit.keys import Head, Reached, SealKeys
from layers.audit.sealing import seal, seal_all, try_lock
from layers.changes import ChangeSet
from layers.people import Person
from tests.layers.audit.trail import noted, numbers, sealed, verified
from tests.layers.support import put


@pytest.fixture
def keys(tmp_path) -> SealKeys:
    return SealKeys(tmp_path / "keys" / "audit.key")


def test_the_codes_are_what_the_standard_library_says_they_are(database, keys, tmp_path):
    sealed(database.engine, keys, 2, 1)
    secret = bytes.fromhex((tmp_path / "keys" / "audit.key").read_text().strip())
    with database.engine.connect() as c:
        records = c.execute(sa.text("SELECT * FROM audit_record ORDER BY number")).mappings().all()
        seals = c.execute(sa.text("SELECT * FROM audit_seal ORDER BY batch")).mappings().all()

    def code(name: str, values: list, more: str = "") -> str:
        text = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hmac.new(secret, (name + text + more).encode(), hashlib.sha256).hexdigest()

    def time(moment) -> str:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")

    for r in records:
        told = [r["number"], r["batch"], time(r["at"]), r["kind"], r["account_id"], r["account"],
                r["address"], r["request"], r["route"], r["layer"], r["outcome"],
                r["details"]]  # fmt: skip
        assert r["mac"] == code("record", told)
    previous = "0" * 64
    for s in seals:
        mine = "".join(r["mac"] for r in records if r["batch"] == s["batch"])
        head = [
            s["batch"],
            s["first"],
            s["last"],
            s["count"],
            time(s["sealed_at"]),
            s["key"],
            previous,
        ]
        assert s["mac"] == code("batch", head, mine)
        previous = s["mac"]


def test_the_key_is_its_owners_alone_and_is_not_in_the_database(database, keys, tmp_path):
    sealed(database.engine, keys, 1)
    file = tmp_path / "keys" / "audit.key"
    assert file.stat().st_mode & 0o777 == 0o600
    with database.engine.connect() as c:
        told = str(c.execute(sa.text("SELECT * FROM audit_seal")).all())
    assert file.read_text().strip() not in told


def test_a_record_that_is_committed_late_is_sealed_when_it_is_committed(database, keys):
    late = database.engine.connect()
    begun = late.begin()
    note(late, Kind.IMPORT, "late")
    sealed(database.engine, keys, 3)
    begun.commit()
    late.close()
    with database.engine.begin() as c:
        done = seal(c, keys)
    assert (done.first, done.last) == (4, 4)
    with database.engine.connect() as c:
        assert c.scalar(sa.text("SELECT outcome FROM audit_record WHERE number = 4")) == "late"
    assert verified(database.engine, keys)[0] == []


def test_many_writers_and_some_that_give_up_leave_no_gap(database, keys, tmp_path):
    ended = threading.Event()

    def write(who: int) -> None:
        for turn in range(40):
            with database.engine.connect() as connection:
                begun = connection.begin()
                note(connection, Kind.READ, f"{who}-{turn}")
                begun.rollback() if turn % 5 == 0 else begun.commit()

    def keep_sealing() -> None:
        while not ended.is_set():
            seal_all(database.engine, keys, Head(tmp_path / "head.json"))

    sealers = [threading.Thread(target=keep_sealing) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(each,)) for each in range(4)]
    for each in sealers + writers:
        each.start()
    for each in writers:
        each.join()
    ended.set()
    for each in sealers:
        each.join()
    seal_all(database.engine, keys, Head(tmp_path / "head.json"))
    assert numbers(database.engine) == list(range(1, 4 * 32 + 1))
    with database.engine.connect() as c:
        told = set(c.scalars(sa.text("SELECT outcome FROM audit_record")))
        assert told == {f"{w}-{t}" for w in range(4) for t in range(40) if t % 5}
        assert c.scalar(sa.text("SELECT count(*) FROM audit_waiting")) == 0
    assert verified(database.engine, keys, Head(tmp_path / "head.json"))[0] == []


def test_only_who_holds_the_lock_seals(database, keys):
    noted(database.engine, "a")
    with database.engine.connect() as one, database.engine.connect() as other:
        assert try_lock(one)
        assert not try_lock(other)
        one.commit()
        assert seal(other, keys) is None
        assert seal(one, keys).count == 1
        one.commit()
    # The lock ends with its connection, however that ends.
    database.engine.dispose()
    with database.engine.connect() as other:
        assert try_lock(other)


def test_a_change_set_leaves_its_number_and_counts_and_no_values(database, keys):
    with database.engine.begin() as c:
        ChangeSet(c, "zhangsan", "三楼")
        put(c, Person, name="王小明")
        put(c, Person, name="李四")
    with database.engine.connect() as c:
        row = c.execute(sa.text("SELECT * FROM audit_waiting")).mappings().one()
        seq = c.scalar(sa.text("SELECT seq FROM change_set"))
    assert (row["kind"], row["account"]) == ("change", "zhangsan")
    assert row["details"] == {
        "seq": seq, "tables": {"person": {"I": 2}}, "actor": "zhangsan", "reason": "三楼",
    }  # fmt: skip
    assert "王小明" not in str(row)


def test_a_change_that_is_taken_back_leaves_no_trace(database):
    with database.engine.connect() as c:
        begun = c.begin()
        put(c, Person, name="王小明")
        begun.rollback()
        assert c.scalar(sa.text("SELECT count(*) FROM audit_waiting")) == 0


@pytest.mark.parametrize("role", ["app", "accounts"])
@pytest.mark.parametrize("table", ["audit_waiting", "audit_record", "audit_seal"])
@pytest.mark.parametrize("act", ["UPDATE", "DELETE", "TRUNCATE", "INSERT", "ALTER"])
def test_no_role_of_the_service_alters_what_is_recorded(database, role, table, act):
    may = {("app", "audit_waiting", "INSERT")} | {
        ("accounts", "audit_waiting", each) for each in ("INSERT", "DELETE")
    } | {("accounts", sealed, "INSERT") for sealed in ("audit_record", "audit_seal")}  # fmt: skip
    statement = {
        "UPDATE": f"UPDATE {table} SET kind = kind"
        if table != "audit_seal"
        else "UPDATE audit_seal SET mac = mac",
        "DELETE": f"DELETE FROM {table}",
        "TRUNCATE": f"TRUNCATE {table}",
        "INSERT": {
            "audit_waiting": "INSERT INTO audit_waiting (kind, outcome) VALUES ('read', 'x')",
            "audit_record": "INSERT INTO audit_record (number, batch, kind, outcome, mac) "
            "VALUES (1, 1, 'read', 'x', 'x')",
            "audit_seal": "INSERT INTO audit_seal VALUES (1, 1, 1, 1, now(), 'x', 'x', 'x')",
        }[table],
        "ALTER": f"ALTER TABLE {table} DISABLE TRIGGER ALL",
    }[act]
    url = database.app_url if role == "app" else database.accounts_url
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        if (role, table, act) in may:
            connection.execute(sa.text(statement))
        else:
            with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
                connection.execute(sa.text(statement))
    engine.dispose()


def test_the_serving_role_reads_what_is_sealed_and_of_what_waits_the_number_alone(database):
    noted(database.engine, "a")
    with database.app_engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(id) FROM audit_waiting")) == 1
        assert connection.execute(sa.text("SELECT * FROM audit_record")).all() == []
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(sa.text("SELECT outcome FROM audit_waiting"))


def test_the_head_is_written_whole_and_read_again(tmp_path):
    head = Head(tmp_path / "a" / "head.json")
    assert head.read() is None
    head.write(Reached(3, "ab"))
    assert head.read() == Reached(3, "ab")
    head.path.write_text("{}")
    with pytest.raises(ValueError):
        head.read()


def test_a_text_that_no_database_holds_is_recorded_all_the_same(database, keys):
    noted(database.engine, "a\x00b"[:1], text="nul \x00 and \ud800 half", long="长" * 900)
    with database.engine.begin() as c:
        seal(c, keys)
    assert verified(database.engine, keys)[0] == []

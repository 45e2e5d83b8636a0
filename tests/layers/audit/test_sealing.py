"""What waits is sealed whole, by one sealer, without a gap, whenever it is committed."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from datetime import UTC

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, ProgrammingError

from layers.audit import Kind, note
from layers.audit.keys import Head, Reached, SealKeys
from layers.audit.pruning import SHORTEST, prune
from layers.audit.sealing import seal, seal_all, try_lock
from layers.audit.verifying import Wrong
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


def test_no_key_is_made_before_there_is_something_to_seal(database, keys, tmp_path):
    assert seal_all(database.engine, keys, Head(tmp_path / "head.json")) == 0
    assert not keys.path.exists()


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


def test_a_head_never_goes_back_but_over_a_cut_and_tells_each_cut_once(tmp_path):
    head = Head(tmp_path / "head.json")
    head.advance(Reached(5, "e"))
    head.advance(Reached(4, "d"))  # another process was slower to say so
    assert head.read() == Reached(5, "e")
    head.advance(Reached(3, "c"), cut=Reached(5, "e"))
    head.advance(Reached(4, "x"), cut=Reached(5, "e"))
    assert (head.read(), head.cuts()) == (Reached(4, "x"), (Reached(5, "e"),))
    head.write(None)  # restored from before the first batch
    assert (head.read(), head.cuts()) == (None, (Reached(5, "e"),))
    head.write(Reached(2, "b"))
    head.acknowledge([Reached(5, "e")])
    assert (head.read(), head.cuts()) == (Reached(2, "b"), ())
    head.forget()
    assert head.read() is None


def cut(engine, after: int) -> None:
    """Remove all batches after one, as the owner may."""
    with engine.begin() as c:
        for table in ("audit_record", "audit_seal"):
            c.execute(sa.text(f"DELETE FROM {table} WHERE batch > {after}"))


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("filled", [False, True], ids=["shorter", "as_long_again"])
def test_what_is_sealed_after_a_cut_does_not_hide_it(database, keys, tmp_path, after, filled):
    engine, head = database.engine, Head(tmp_path / "head.json")
    for each in "abc":
        noted(engine, each)
        seal_all(engine, keys, head)
    reached = head.read()
    assert reached.batch == 3
    cut(engine, after)
    if filled:  # a host that knows nothing of it goes on in the meantime
        sealed(engine, keys, *(1 for _ in range(4 - after)))
    noted(engine, "d")
    seal_all(engine, keys, head)
    noted(engine, "e")
    seal_all(engine, keys, head)
    for _ in range(2):
        faults, _ = verified(engine, keys, head)
        assert [(f.wrong, f.batch) for f in faults] == [(Wrong.WAS_CUT, 3)]
    with engine.connect() as c:
        told = c.execute(sa.text("SELECT details FROM audit_record WHERE kind = 'verify'"))
        assert [each["mac"] for (each,) in told] == [reached.mac]
        outcomes = list(c.scalars(sa.text("SELECT outcome FROM audit_record ORDER BY number")))
    assert outcomes[-3:] == ["faults", "d", "e"]
    head.acknowledge(head.cuts())
    assert verified(engine, keys, head)[0] == []


def test_a_head_that_lags_or_was_pruned_past_is_no_cut(database, keys, tmp_path):
    engine, head = database.engine, Head(tmp_path / "head.json")
    first = sealed(engine, keys, 1)[0]
    head.write(first.reached)  # killed before it could say more, or another host went on
    sealed(engine, keys, 2, 3)
    noted(engine, "x")
    seal_all(engine, keys, head)
    head.write(first.reached)
    with engine.begin() as c:
        newest = c.scalar(sa.text("SELECT max(sealed_at) FROM audit_seal"))
        assert prune(c, keys, newest, newest + SHORTEST).batches == 3
    seal_all(engine, keys, head)
    assert verified(engine, keys, head)[0] == []
    assert head.cuts() == ()


def test_what_was_made_to_look_pruned_is_a_cut(database, keys, tmp_path):
    engine, head = database.engine, Head(tmp_path / "head.json")
    head.write(sealed(engine, keys, 1)[0].reached)
    sealed(engine, keys, 2, 3)
    with engine.begin() as c:
        c.execute(sa.text("DELETE FROM audit_record WHERE batch < 3"))
        c.execute(sa.text("DELETE FROM audit_seal WHERE batch < 2"))
        c.execute(sa.text("UPDATE audit_seal SET pruned_at = now(), mark = mac WHERE batch = 2"))
    noted(engine, "x")
    seal_all(engine, keys, head)
    assert [each.batch for each in head.cuts()] == [1]


POISON = {
    "infinity": ("at", "'infinity'"),
    "before_christ": ("at", "'0044-03-15 BC'"),
    "deep": ("details", "(repeat('[', 2000) || repeat(']', 2000))::jsonb"),
    "endless_number": ("details", "'{\"x\": 1e5000}'"),
    "long_name": (
        "account",
        "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500) i)",
    ),
    "large": ("details", "jsonb_build_object('x', repeat('x', 100000))"),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_a_row_that_cannot_be_sealed_is_set_aside_and_the_others_are_sealed(
    database, keys, tmp_path, poison
):
    column, value = poison
    statement = (
        f"INSERT INTO audit_waiting (kind, outcome, {column}) VALUES ('read', 'poison', {value})"
    )
    noted(database.engine, "before")
    # As one of an earlier version may be there already.
    with database.engine.begin() as c:
        for each in ("at", "texts", "details"):
            c.execute(sa.text(f"ALTER TABLE audit_waiting DROP CONSTRAINT ck_audit_waiting_{each}"))
        c.execute(sa.text(statement))
    noted(database.engine, "after")
    assert seal_all(database.engine, keys, Head(tmp_path / "head.json")) == 3
    assert verified(database.engine, keys)[0] == []
    with database.engine.connect() as c:
        rows = c.execute(sa.text("SELECT kind, outcome, details FROM audit_record ORDER BY number"))
        told = [tuple(each) for each in rows]
    assert [told[0][1], told[2][1]] == ["before", "after"]
    kind, outcome, details = told[1]
    if value == POISON["large"][1]:  # one of them can be sealed, only not many at a time
        assert (kind, outcome) == ("read", "poison")
    else:
        assert (kind, outcome) == ("dropped", "failed")
        assert details["raw"]["outcome"] == "poison"
        assert details["raw"][column]


@pytest.mark.parametrize("name", [each for each in POISON if each != "endless_number"])
def test_what_no_sealer_could_read_cannot_be_recorded_in_the_first_place(database, name):
    column, value = POISON[name]
    with database.app_engine.connect() as connection:
        with pytest.raises(IntegrityError, match="ck_audit_waiting_"):
            connection.execute(
                sa.text(
                    f"INSERT INTO audit_waiting (kind, outcome, {column}) "
                    f"VALUES ('read', 'x', {value})"
                )
            )


def test_what_is_told_at_length_is_recorded_in_short(database, keys):
    files = [f"轨迹-{each}-{'长' * 40}.csv" for each in range(5_000)]
    noted(database.engine, "a", files=files, of="tracks", text="长" * 900)
    with database.engine.begin() as c:
        assert seal(c, keys).count == 1
        details = c.scalar(sa.text("SELECT details FROM audit_record"))
    assert details["of"] == "tracks"
    assert details["files"].startswith('["轨迹-0-')
    assert len(details["files"]) <= 500


def test_a_text_that_no_database_holds_is_recorded_all_the_same(database, keys):
    noted(database.engine, "a\x00b"[:1], text="nul \x00 and \ud800 half", long="长" * 900)
    with database.engine.begin() as c:
        seal(c, keys)
    assert verified(database.engine, keys)[0] == []

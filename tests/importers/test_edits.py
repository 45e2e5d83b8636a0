"""Imports meet edits by hand: who changed what decides what stays."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from layers.access import Actor
from layers.base import table_of
from layers.editing import Delete, Edit, Put, apply, undo
from layers.editing.decide import decide
from layers.energy import METERS
from layers.fleet import VEHICLES
from layers.policy import all_business
from layers.problems import NotFound, Stale, Unconditional
from layers.records import HandEdit
from tests.support.databases import Clone

HEADS = ["车牌号", "车辆类别", "品牌型号", "购置价格", "固定停放点"]
EDITOR = Actor("li", all_business(None))
ZONE = ZoneInfo("Asia/Shanghai")


def sheet(folder: Path, *rows: tuple[str, ...]) -> Path:
    """Write a register of vehicles, always under one name: one dataset."""
    path = folder / "车辆台账.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([HEADS, *rows])
    return path


A = ("演A·T0001", "机要通信", "甲型", "100000", "南院")
B = ("演A·T0002", "机要通信", "乙型", "200000", "南院")


def with_(row: tuple[str, ...], **values: str) -> tuple[str, ...]:
    """Return a row of the sheet with other values."""
    names = {"model": 2, "price": 3, "parking": 4}
    made = list(row)
    for name, value in values.items():
        made[names[name]] = value
    return tuple(made)


@pytest.fixture
def edit(database: Clone, rows: Any) -> Any:
    """Set fields of the vehicle with a plate, as a person does, and return the change's place."""

    def made(plate: str, **properties: Any) -> int:
        [row] = rows("vehicle", plate=plate)
        put = Put(VEHICLES, row["id"], row["revision"], properties=properties)
        with database.engine.begin() as connection:
            done = apply(connection, EDITOR, Edit([put]), zone=ZONE)
        assert done.seq is not None
        return done.seq

    return made


def conflicts(report: Any) -> list[Any]:
    """Return the issues of a report that tell of a conflict with an edit."""
    return [each for each in report.issues if each.reason == "conflict_with_edit"]


def kept(database: Clone) -> list[tuple[str, Any, Any]]:
    """Return what is kept of the files: field, last said, offered."""
    edits = table_of(HandEdit)
    with database.engine.connect() as link:
        query = sa.select(edits.c.field, edits.c.imported, edits.c.offered).order_by(edits.c.id)
        return [tuple(row) for row in link.execute(query)]


def test_what_the_file_did_not_change_stays_as_the_person_set_it(
    run: Any, rows: Any, edit: Any, tmp_path: Path
) -> None:
    run("vehicles", sheet(tmp_path, A, B))
    edit(A[0], model="手改型")
    report = run("vehicles", sheet(tmp_path, with_(A, parking="北院"), B))
    [row] = rows("vehicle", plate=A[0])
    assert (row["model"], row["parking"]) == ("手改型", "北院")
    assert (report.updated, report.unchanged, conflicts(report)) == (1, 1, [])
    again = run("vehicles", sheet(tmp_path, with_(A, parking="北院"), B))
    assert (again.updated, again.unchanged) == (0, 2)
    assert rows("vehicle", plate=A[0])[0]["model"] == "手改型"


def test_a_conflict_is_an_issue_keeps_the_persons_value_and_is_asked_once(
    run: Any, rows: Any, edit: Any, database: Clone, tmp_path: Path
) -> None:
    run("vehicles", sheet(tmp_path, A, B))
    edit(A[0], price_cny=123456.5)
    newer = sheet(tmp_path, with_(A, price="150000"), B)
    report = run("vehicles", newer)
    [issue] = conflicts(report)
    assert (issue.reason, issue.field, issue.row) == ("conflict_with_edit", "price_cny", 2)
    assert float(rows("vehicle", plate=A[0])[0]["price_cny"]) == 123456.5
    edits = table_of(HandEdit)
    with database.engine.begin() as link:
        key = link.scalar(sa.select(edits.c.id))
        # Who sees some bodies alone learns of none: what a file says may be of any.
        with pytest.raises(NotFound):
            decide(link, Actor("wang", all_business((1,))), key, "mine")
        assert decide(link, EDITOR, key, "mine") is None
    assert conflicts(run("vehicles", newer)) == [], (
        "decided once, not asked again for the same value"
    )
    assert float(rows("vehicle", plate=A[0])[0]["price_cny"]) == 123456.5
    newest = sheet(tmp_path, with_(A, price="160000"), B)
    assert len(conflicts(run("vehicles", newest))) == 1


def test_keeping_the_persons_value_is_taken_back(
    run: Any, rows: Any, edit: Any, database: Clone, tmp_path: Path
) -> None:
    run("vehicles", sheet(tmp_path, A))
    edit(A[0], model="手改型")
    newer = sheet(tmp_path, with_(A, model="新型"))
    run("vehicles", newer)
    asked = kept(database)
    edits = table_of(HandEdit)
    with database.engine.begin() as link:
        key = link.scalar(sa.select(edits.c.id))
        with pytest.raises(NotFound):
            decide(link, EDITOR, key, "ask")
        decide(link, EDITOR, key, "mine")
        with pytest.raises(NotFound):
            decide(link, EDITOR, key, "mine")
    with database.engine.begin() as link:
        assert decide(link, EDITOR, key, "ask") is None
    assert kept(database) == asked == [("model", "甲型", {"value": "新型"})]
    assert len(conflicts(run("vehicles", newer))) == 1, "it waits for a decision as before"
    with database.engine.begin() as link:
        assert decide(link, EDITOR, key, "file", 2) is not None
    assert rows("vehicle", plate=A[0])[0]["model"] == "新型"


def test_what_the_file_says_newly_is_asked_whatever_was_kept(
    run: Any, edit: Any, database: Clone, tmp_path: Path
) -> None:
    run("vehicles", sheet(tmp_path, A))
    edit(A[0], model="手改型")
    run("vehicles", sheet(tmp_path, with_(A, model="新型")))
    edits = table_of(HandEdit)
    with database.engine.begin() as link:
        key = link.scalar(sa.select(edits.c.id))
        decide(link, EDITOR, key, "mine")
    run("vehicles", sheet(tmp_path, with_(A, model="更新型")))
    assert kept(database) == [("model", "新型", {"value": "更新型"})]
    with database.engine.begin() as link, pytest.raises(NotFound):
        decide(link, EDITOR, key, "ask")


def test_taking_the_files_value_is_a_change_and_ends_the_conflict(
    run: Any, rows: Any, edit: Any, database: Clone, tmp_path: Path
) -> None:
    run("vehicles", sheet(tmp_path, A))
    edit(A[0], model="手改型")
    run("vehicles", sheet(tmp_path, with_(A, model="新型")))
    edits = table_of(HandEdit)
    with database.engine.begin() as link:
        key = link.scalar(sa.select(edits.c.id))
        with pytest.raises(Unconditional):
            decide(link, EDITOR, key, "file")
        with pytest.raises(Stale):
            decide(link, EDITOR, key, "file", 1)
        assert decide(link, EDITOR, key, "file", 2) is not None
    assert rows("vehicle", plate=A[0])[0]["model"] == "新型"
    assert kept(database) == []
    run("vehicles", sheet(tmp_path, with_(A, model="更新型")))
    assert rows("vehicle", plate=A[0])[0]["model"] == "更新型", "nobody's edit stands against it"


def test_what_both_set_alike_is_no_conflict(
    run: Any, rows: Any, edit: Any, database: Clone, tmp_path: Path
) -> None:
    run("vehicles", sheet(tmp_path, A))
    edit(A[0], model="新型")
    assert conflicts(run("vehicles", sheet(tmp_path, with_(A, model="新型")))) == []
    assert kept(database) == []


def test_an_undone_edit_leaves_the_row_to_the_file(
    run: Any, rows: Any, edit: Any, database: Clone, tmp_path: Path
) -> None:
    run("vehicles", sheet(tmp_path, A))
    seq = edit(A[0], model="手改型")
    with database.engine.begin() as link:
        undo(link, EDITOR, seq)
    report = run("vehicles", sheet(tmp_path, with_(A, model="新型")))
    assert conflicts(report) == []
    assert rows("vehicle", plate=A[0])[0]["model"] == "新型"


def test_a_row_deleted_by_hand_stays_away_until_the_file_says_something_new(
    run: Any, rows: Any, database: Clone, tmp_path: Path
) -> None:
    run("vehicles", sheet(tmp_path, A, B))
    [row] = rows("vehicle", plate=A[0])
    gone = Edit(deletes=[Delete(VEHICLES, row["id"], row["revision"])])
    with database.engine.begin() as connection:
        apply(connection, EDITOR, gone, zone=ZONE)
    report = run("vehicles", sheet(tmp_path, A, B))
    assert (rows("vehicle", plate=A[0]), conflicts(report)) == ([], [])
    report = run("vehicles", sheet(tmp_path, with_(A, model="新型"), B))
    assert len(conflicts(report)) == 1
    assert rows("vehicle", plate=A[0]) == []
    edits = table_of(HandEdit)
    with database.engine.begin() as link:
        decide(link, EDITOR, link.scalar(sa.select(edits.c.id)), "file")
    [back] = rows("vehicle", plate=A[0])
    assert back["model"] == "新型"
    assert run("vehicles", sheet(tmp_path, with_(A, model="新型"), B)).unchanged == 2


def test_what_points_to_a_row_deleted_by_hand_is_told_and_the_rest_is_imported(
    run: Any, rows: Any, database: Clone, tmp_path: Path
) -> None:
    path = tmp_path / "计量表.csv"
    heads = ["表号", "能源种类", "上级表"]
    lines = [["E-1", "电", ""], ["E-2", "电", "E-1"], ["E-3", "电", ""]]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([heads, *lines])
    run("meters", path)
    [main] = rows("meter", number="E-1")
    gone = Edit(deletes=[Delete(METERS, main["id"], main["revision"])])
    with database.engine.begin() as connection:
        apply(connection, EDITOR, gone, zone=ZONE)
    report = run("meters", path)
    assert rows("meter", number="E-1") == []
    assert {each.field for each in report.issues if each.reason == "unknown_reference"} == {
        "parent_id"
    }
    assert len(rows("meter")) == 2

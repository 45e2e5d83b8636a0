"""The rows that wait in quarantine, as the page lists and exports them."""

from __future__ import annotations

import csv
import io

import jsonschema
import pytest

from api.routes import quarantine
from api.schemas import QUARANTINE
from importers import pipeline
from layers.accounts import new_token
from tests.api.test_problems import assert_problem
from tests.support import accounts

# Six bad rows, of which the last is bad twice, and one good one.
SHEET = (
    "资产编号,名称,标签号,所在房间,取得日期,原值\n"
    "ZC-1,好的,T1,,2023-05-12,100\n"
    "ZC-2,=HYPERLINK(1),T2,B99-101,2023-05-12,100\n"
    "ZC-3,@房间,T3,B99-102,2023-05-12,100\n"
    "ZC-4,标签重复,T1,,2023-05-12,100\n"
    "ZC-5,日期不对,T5,,二〇二三年春,100\n"
    "ZC-6,负数,T6,,2023-05-12,-1\n"
    "ZC-7,两处不对,T7,,不详,-2\n"
)


@pytest.fixture
def filled(database, tmp_path):
    """A database that took in the sheet."""
    path = tmp_path / "资产.csv"
    path.write_text(SHEET, encoding="utf-8")
    report = pipeline.run("assets", [path], engine=database.engine)
    assert (report.loaded, report.quarantined) == (1, 6)
    return database


async def test_rows_are_counted_by_reason_and_say_what_to_mend(filled, serve):
    async with serve(filled) as client:
        answer = (await client.get("/quarantine")).json()
    jsonschema.validate(answer, QUARANTINE)
    assert answer["total"] == 6
    counts = {each["reason"]: each["count"] for each in answer["by_reason"]}
    assert counts == {
        "unknown_reference": 2, "duplicate_value": 1, "not_a_date": 2, "out_of_range": 2,
    }  # fmt: skip
    titles = {each["reason"]: each["title"] for each in answer["by_reason"]}
    assert titles["not_a_date"] == {"zh": "日期有误", "en": "Not a date"}
    first = answer["rows"][0]
    assert (first["kind"], first["source"], first["file"]) == ("assets", "资产", "资产.csv")
    # The heading is row 1, as a spreadsheet counts.
    assert [row["row"] for row in answer["rows"]] == [3, 4, 5, 6, 7, 8]
    assert first["values"]["number"] == "ZC-2"
    (reason,) = first["reasons"]
    assert (reason["field"], reason["value"]) == ("room_id", "B99-101")
    assert "B99-101" in reason["zh"]
    assert len(answer["rows"][-1]["reasons"]) == 2


async def test_pages_follow_each_other_without_gap_or_repetition(filled, serve):
    seen, after = [], ""
    async with serve(filled) as client:
        for _ in range(4):
            answer = (await client.get(f"/quarantine?limit=2{after}")).json()
            seen += [row["values"]["number"] for row in answer["rows"]]
            if answer["next"] is None:
                break
            after = f"&after={answer['next']}"
    assert seen == ["ZC-2", "ZC-3", "ZC-4", "ZC-5", "ZC-6", "ZC-7"]


async def test_another_kind_has_nothing_to_mend(filled, serve):
    async with serve(filled) as client:
        answer = (await client.get("/quarantine?kind=bodies")).json()
    assert (answer["total"], answer["by_reason"], answer["rows"]) == (0, [], [])


async def test_the_export_is_a_sheet_with_a_bom_and_without_formulas(filled, serve):
    async with serve(filled) as client:
        answer = await client.get(
            "/quarantine/export?kind=assets", headers={"Accept-Language": "zh"}
        )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["行"] for row in rows] == ["3", "4", "5", "6", "7", "8"]
    assert [row["name"] for row in rows[:2]] == ["'=HYPERLINK(1)", "'@房间"]
    assert "B99-101" in rows[0]["原因"]
    assert not any(
        cell.startswith(("=", "+", "@", "-")) for row in rows for cell in row.values() if cell
    )


async def test_the_export_has_the_columns_of_all_files_whatever_comes_in_one_piece(
    filled, serve, tmp_path, monkeypatch
):
    more = tmp_path / "机构.csv"
    more.write_text("机构编码,机构名称,上级机构,层级\n017,甲局,没有,县级\n", encoding="utf-8")
    report = pipeline.run("bodies", [more], engine=filled.engine)
    assert report.quarantined == 1
    zh = {"Accept-Language": "zh"}
    async with serve(filled) as client:
        whole = await client.get("/quarantine/export", headers=zh)
        monkeypatch.setattr(quarantine, "CHUNK", 1)
        pieces = await client.get("/quarantine/export", headers=zh)
        nothing = await client.get("/quarantine/export?kind=vehicles", headers=zh)
    assert whole.content == pieces.content
    rows = list(csv.DictReader(io.StringIO(whole.content.decode("utf-8-sig"))))
    assert len(rows) == 7
    # Headings in the order in which they came up: the columns of assets, then those of bodies.
    assert list(rows[0])[:3] == ["文件", "行", "原因"]
    names = list(rows[0])
    assert names.index("value_cny") < names.index("parent_id")
    assert (rows[0]["parent_id"], rows[-1]["number"], rows[-1]["parent_id"]) == ("", "", "没有")
    assert nothing.content == "\ufeff文件,行,原因\r\n".encode()


async def test_who_does_not_see_the_whole_estate_is_refused_with_the_reason(filled, serve):
    token = new_token()
    with filled.engine.begin() as link:
        accounts.with_token(link, "a", token)
    known = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    async with serve(filled) as client:
        for path in ("/quarantine", "/quarantine/export"):
            body = assert_problem(await client.get(path, headers=known), 403)
            assert "the whole of their layer" in body["detail"]
    async with serve(filled, anonymous="public") as client:
        assert_problem(await client.get("/quarantine"), 403)
        assert_problem(await client.get("/quarantine/export"), 403)

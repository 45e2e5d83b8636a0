"""Rows to mend, sheets to fill in, databases that will not do: each with its remedy."""

from __future__ import annotations

import csv

from tests.onemap.test_cli import on, onemap


def test_a_row_is_written_out_mended_and_imported(database, tmp_path):
    bodies = tmp_path / "机构.csv"
    bodies.write_text("机构编码,名称,层级\n001,甲局,县级\n002,乙局,县太爷级\n", "utf-8")
    first = onemap("import", "bodies", str(bodies), **on(database))
    assert first.returncode == 3, first.stderr
    listed = onemap("quarantine", **on(database))
    assert "bodies" in listed.stdout

    waiting = tmp_path / "待修.csv"
    assert onemap("quarantine", "-o", str(waiting), **on(database)).returncode == 0
    text = waiting.read_text("utf-8-sig")
    assert waiting.read_bytes().startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(text.splitlines())
    assert (row["文件"], row["name"]) == ("机构.csv", "乙局")
    assert "县太爷级" in row["原因"]

    waiting.write_text(text.replace(",县太爷级", ",县级"), "utf-8")
    again = onemap("import", "bodies", str(waiting), "--source", "机构", **on(database))
    assert again.returncode == 0, again.stdout + again.stderr
    left = onemap("quarantine", "--json", **on(database))
    assert left.stdout.strip() == "[]"


def test_nothing_in_quarantine_is_told_as_an_empty_list(database):
    ended = onemap("quarantine", "--json", **on(database))
    assert (ended.returncode, ended.stdout.strip()) == (0, "[]")


def test_a_sheet_that_was_filled_in_is_not_written_over(tmp_path):
    sheet = tmp_path / "房间.xlsx"
    assert onemap("template", "rooms", "-o", str(sheet)).returncode == 0
    sheet.write_bytes(b"filled in")
    refused = onemap("template", "rooms", "-o", str(sheet))
    assert refused.returncode == 2
    assert sheet.read_bytes() == b"filled in"
    assert onemap("template", "rooms", "-o", str(sheet), "--force").returncode == 0
    assert sheet.read_bytes()[:2] == b"PK"


def test_an_address_that_is_none_and_a_database_that_cannot_hold_chinese_are_told(server):
    import psycopg

    from onemap import database as front

    ended = onemap("db", "status", ONEMAP_DATABASE_URL="mysql://x")
    assert (ended.returncode, "Traceback" in ended.stderr) == (5, False)
    with psycopg.connect(server.admin_url, autocommit=True) as link:
        link.execute(
            "CREATE DATABASE ascii_only TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"
        )
    try:
        url = front.renamed(server.owner_url, "ascii_only")
        told = onemap("db", "status", ONEMAP_DATABASE_URL=url)
    finally:
        with psycopg.connect(server.admin_url, autocommit=True) as link:
            link.execute("DROP DATABASE ascii_only WITH (FORCE)")
    assert told.returncode == 5
    assert "SQL_ASCII" in told.stderr

"""What could not be loaded is kept, can be written out, mended and imported again."""

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


def test_nothing_in_quarantine_is_told_as_an_empty_list(database):
    ended = onemap("quarantine", "--json", **on(database))
    assert (ended.returncode, ended.stdout.strip()) == (0, "[]")

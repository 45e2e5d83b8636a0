"""The demo goes through the importers, whole or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from onemap.clock import DEMO_START
from onemap.demo import build, builder, mark
from onemap.trouble import Trouble
from tests.support.demo import silent


@pytest.mark.slow
def test_the_importers_take_every_file_and_quarantine_just_the_seventeen_bad_rows(demo):
    waiting = {r.kind: r.quarantined for r in demo.reports if r.quarantined}
    assert waiting == {"assets": 17}
    with demo.database.engine.connect() as link:
        unplaced = link.scalar(
            sa.text(
                "SELECT count(*) FROM person p WHERE state = 'active' AND NOT EXISTS "
                "(SELECT FROM occupancy o WHERE o.person_id = p.id)"
            )
        )
        shared = link.scalars(
            sa.text(
                "SELECT l.name FROM duct d JOIN link_duct x ON x.duct_id = d.id "
                "JOIN network_link l ON l.id = x.link_id WHERE d.name = 'GD-014' ORDER BY 1"
            )
        ).all()
        km = link.scalar(
            sa.text(
                "SELECT sum(length_km) FROM trip t JOIN vehicle v ON v.id = t.vehicle_id "
                "WHERE plate = '演A·D0017' AND started_at >= '2026-10-11 00:00+08' "
                "AND started_at < '2026-10-12 00:00+08'"
            )
        )
        recorded = link.scalar(sa.text("SELECT min(recorded_at) FROM change_set"))
        contradictory = link.scalar(
            sa.text(
                "SELECT count(*) FROM room r JOIN occupancy o ON o.room_id = r.id "
                "WHERE r.state = 'vacant' AND o.valid_to IS NULL"
            )
        )
        known = mark.found(link)
    assert known is not None
    assert (known.seed, known.scale, known.version) == (1, 1.0, builder.VERSION)
    # The imports are recorded by the demo's own clock, in the hour before its first morning.
    assert timedelta(0) < DEMO_START - recorded <= timedelta(hours=1)
    # However long they took, it is nine o'clock when they end.
    since = datetime.now(UTC) - demo.ended
    assert abs(known.clock.now() - DEMO_START - since) < timedelta(seconds=10)
    assert contradictory == 0
    assert unplaced == 7
    assert shared == ["LK-021", "LK-022"]
    assert km == pytest.approx(41.6, abs=0.05)


def test_a_demo_that_is_served_again_begins_again_but_never_before_what_is_recorded(database):
    with database.engine.begin() as link:
        mark.start_clock(link)
        mark.finish(link, seed=1, scale=1.0, version=builder.VERSION, label="")
        link.execute(sa.text("UPDATE meta SET value = to_jsonb(0) WHERE key = 'clock_offset_s'"))
    with database.engine.begin() as link:
        mark.start_clock(link)
        assert abs(mark.found(link).clock.now() - DEMO_START) < timedelta(seconds=30)
    late = DEMO_START + timedelta(days=2)
    with database.engine.begin() as link:
        link.execute(
            sa.text("INSERT INTO change_set (tx, seq, recorded_at) VALUES ('7', 99, :late)"),
            {"late": late},
        )
    with database.engine.begin() as link:
        link.execute(sa.text("UPDATE change_set SET recorded_at = :late"), {"late": late})
        mark.start_clock(link)
        assert abs(mark.found(link).clock.now() - late) < timedelta(seconds=30)


def test_files_of_another_seed_are_replaced_and_a_half_written_folder_is_not_believed(
    tmp_path, monkeypatch
):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "left over.txt").write_text("of a build that was broken off")
    made = []
    monkeypatch.setattr(builder, "make_estate", lambda seed, scale: (seed, scale))
    monkeypatch.setattr(builder, "write_files", lambda estate, *_: made.append(estate))
    builder.write(folder, seed=1, scale=1.0, progress=silent)
    builder.write(folder, seed=1, scale=1.0, progress=silent)
    builder.write(folder, seed=2, scale=1.0, progress=silent)
    assert made == [(1, 1.0), (2, 1.0)]
    assert [p.name for p in folder.iterdir()] == ["已生成.json"]
    assert json.loads((folder / "已生成.json").read_text())["seed"] == 2


def test_too_small_a_scale_is_refused_in_plain_words(tmp_path):
    with pytest.raises(Trouble, match="--scale"):
        build("postgresql://nowhere/none", tmp_path, seed=1, scale=0.5, progress=silent)


@pytest.mark.slow
def test_some_edits_are_in_the_log_after_the_imports_and_one_is_taken_back(demo):
    with demo.database.engine.connect() as link:
        log = link.execute(
            sa.text(
                "SELECT reason, actor, undoes - lag(seq) OVER (ORDER BY seq) AS undone, "
                "(SELECT count(*) FROM change c WHERE c.tx = s.tx) AS touched "
                "FROM change_set s WHERE reason LIKE '演示%' OR undoes IS NOT NULL ORDER BY seq"
            )
        ).all()
        last = link.scalar(sa.text("SELECT max(seq) FROM change_set WHERE reason LIKE 'import%'"))
        first = link.scalar(sa.text("SELECT min(seq) FROM change_set WHERE reason LIKE '演示%'"))
    assert [row.touched for row in log] == [1, 1, 1, 1]
    assert {row.actor for row in log} == {"demo"}
    assert [row.undone for row in log] == [None, None, None, 0]
    assert last < first

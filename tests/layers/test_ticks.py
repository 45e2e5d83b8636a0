"""The counter of commits that the processes of a host share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from layers.base import table_of
from layers.committing import committing
from layers.estate import Building
from layers.ticks import Ticks
from tests.layers.support import put


def test_what_one_counts_the_others_read_at_once(tmp_path):
    one, other = Ticks.of(tmp_path / "run" / "ticks"), Ticks.of(tmp_path / "run" / "ticks")
    start = one.read()
    assert other.read() == start
    assert one.tick() == start + 1
    assert other.read() == start + 1
    assert (other.tick(), one.read()) == (start + 2, start + 2)


def test_no_tick_of_many_processes_is_lost(tmp_path):
    file = tmp_path / "ticks"
    program = (
        "import sys; from layers.ticks import Ticks; t = Ticks.of(sys.argv[1])\n"
        "for _ in range(500): t.tick()"
    )
    start = Ticks.of(file).read()
    command = [sys.executable, "-c", program, str(file)]
    root = Path(__file__).parents[2]
    running = [subprocess.Popen(command, cwd=root) for _ in range(4)]
    assert [each.wait(30) for each in running] == [0] * 4
    assert Ticks.of(file).read() == start + 2000


def test_without_a_file_it_counts_by_itself():
    one, other = Ticks.of(None), Ticks.of(None)
    assert (one.tick(), one.read(), other.read()) == (1, 1, 0)
    assert not one.renewed()


def test_who_still_counts_in_a_removed_file_finds_the_new_one(tmp_path):
    file = tmp_path / "ticks"
    reader, writer = Ticks.of(file), Ticks.of(file)
    before = writer.tick()
    file.unlink()
    after = writer.tick()
    assert after > before == reader.read()
    assert reader.renewed()
    assert reader.read() == after
    writer.tick()
    assert reader.read() == after + 1


def test_a_commit_is_counted_and_what_is_taken_back_is_not(database, tmp_path):
    ticks = Ticks.of(tmp_path / "ticks")
    start, seen = ticks.read(), []

    class Watching(Ticks):
        def tick(self):
            with database.engine.connect() as link:
                seen.append(link.scalar(sa.select(sa.func.count()).select_from(table_of(Building))))
            return super().tick()

    watching = Watching(tmp_path / "ticks")
    with committing(database.engine, watching) as connection:
        put(connection, Building, name="甲")
        assert ticks.read() == start
    # When it is raised, everybody can see the row.
    assert (ticks.read(), seen) == (start + 1, [1])
    with pytest.raises(sa.exc.ProgrammingError), committing(database.engine, watching) as link:
        link.execute(sa.text("wrong"))
    assert (ticks.read(), seen) == (start + 1, [1])


def test_a_refused_commit_is_counted_too_for_nobody_knows_how_it_ended(database):
    ticks = Ticks.of(None)
    wrong = sa.text(
        "SET CONSTRAINTS ALL DEFERRED; "
        "INSERT INTO building (source, source_key, body_id) VALUES ('test', 'a', 4711)"
    )
    with pytest.raises(sa.exc.IntegrityError), committing(database.engine, ticks) as connection:
        connection.execute(wrong)
    assert ticks.read() == 1


def test_a_block_may_take_everything_back_itself(database):
    with committing(database.engine, Ticks.of(None)) as connection:
        put(connection, Building, name="甲")
        connection.rollback()
    with database.engine.connect() as link:
        assert link.scalar(sa.select(sa.func.count()).select_from(table_of(Building))) == 0

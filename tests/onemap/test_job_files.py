"""The files of jobs go when they are no longer wanted, and no sooner."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from importers import staging
from layers import jobs
from layers.jobs import JOB, JobKind
from onemap.jobs import files
from tests.support.databases import Clone


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\台账\\资产.xlsx", "资产.xlsx"),
        ("...", "file"),
        (".ssh", "ssh"),
        ("a\x00b\n.csv", "a_b_.csv"),
        ("楼.osm.pbf", "楼.osm.pbf"),
    ],
)
def test_an_upload_is_kept_under_a_name_without_folders(name: str, kept: str) -> None:
    assert staging.safe_name(name) == kept


def test_a_long_name_is_cut_and_keeps_its_ending() -> None:
    kept = staging.safe_name("资" * 500 + ".xlsx")
    assert kept.endswith(".xlsx")
    assert len(kept.encode()) <= 150


def test_uploads_of_failed_jobs_and_results_stay_for_so_many_days(
    database: Clone, tmp_path: Path
) -> None:
    ended = {
        "waiting": (None, None), "failed": ("failed", 6), "long failed": ("failed", 8),
        "done": ("done", 6), "long done": ("done", 8), "cancelled": ("cancelled", 1),
    }  # fmt: skip
    with database.engine.begin() as connection:
        for folder, (state, days) in ended.items():
            key = jobs.ask(connection, JobKind.IMPORT, {}, folder, by_operator=True)
            if state is not None:
                ago = sa.func.now() - sa.func.make_interval(0, 0, 0, days)
                connection.execute(
                    sa.update(JOB).where(JOB.c.id == key).values(state=state, finished_at=ago)
                )
            for kind in (staging.uploads, staging.results):
                (staging.made(kind(tmp_path, folder)) / "file").touch()
        for folder, age in (("under way", 0), ("broken off", 2)):
            place = staging.made(staging.uploads(tmp_path, folder))
            os.utime(place, (time.time() - age * 86_400,) * 2)
        files.sweep(connection, tmp_path, 7)
    left = {
        kind: {each.name for each in (tmp_path / kind).iterdir()} for kind in ("uploads", "results")
    }
    assert left == {
        "uploads": {"waiting", "failed", "under way"}, "results": {"waiting", "done"},
    }  # fmt: skip

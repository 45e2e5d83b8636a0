"""The files of jobs: when they go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from importers import staging
from layers.jobs import JOB, OPEN, State

_STRAY = timedelta(days=1)
"""A folder that no job names belongs to an upload that is under way, or was broken off."""


def after(data_dir: Path, row: Any) -> None:
    """Remove what a job leaves that has ended: its uploads unless it failed, and half a result."""
    if row.state in (State.DONE, State.CANCELLED):
        staging.clear(staging.uploads(data_dir, row.folder))
    if row.state in (State.FAILED, State.CANCELLED):
        staging.clear(staging.results(data_dir, row.folder))


def sweep(connection: sa.Connection, data_dir: Path, days: int) -> None:
    """Remove the files of jobs that ended long ago, and those that no job names."""
    known = {
        row.folder: row
        for row in connection.execute(sa.select(JOB.c.folder, JOB.c.state, JOB.c.finished_at))
    }
    now = datetime.now(UTC)
    for kind in (staging.uploads, staging.results):
        parent = kind(data_dir, "")
        for folder in parent.iterdir() if parent.is_dir() else ():
            row = known.get(folder.name)
            if row is None:
                born = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
                old = now - born > _STRAY
            elif row.state in OPEN:
                old = False
            else:
                after(data_dir, row)
                old = now - row.finished_at > timedelta(days=days)
            if old:
                staging.clear(folder)

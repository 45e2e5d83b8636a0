"""Imports as jobs: the files that were uploaded, in one transaction with the end of the job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from importers import pipeline, staging
from importers.base import Options
from importers.registry import importer_of
from importers.report import Report
from importers.rights import refuse_import
from layers.ticks import Ticks
from onemap.jobs.asking import actor_of

if TYPE_CHECKING:
    from onemap.jobs.child import Task

SHOWN = 200
"""So many issues stand in the result; all of them are kept with the batch."""


def do(task: Task) -> None:
    """Import the files of a job."""
    asked = task.arguments
    importer = importer_of(asked["kind"])
    actor = actor_of(task)
    refuse_import(actor, importer)
    paths = staging.uploaded(staging.uploads(task.data_dir, task.row.folder), asked)
    ticks = task.handed["ticks"]
    options = Options(
        **asked["options"],
        timezone=task.handed["settings"]["timezone"],
        data_dir=task.data_dir,
        actor=None if task.row.by_operator else actor.name,
        progress=task.progress,
        ticks=Ticks.of(Path(ticks) if ticks else None),
    )

    def recorded(connection: sa.Connection, report: Report) -> None:
        task.progress("commit", 0, None)
        task.finish(connection, result_of(report))

    if not options.dry_run:
        options.recorded = recorded
    report = pipeline.run(importer, paths, engine=task.engine, options=options)
    if options.dry_run:
        task.finished(result_of(report))


def result_of(report: Report) -> dict[str, Any]:
    """Return what a job keeps of the report of an import."""
    whole = report.as_dict()
    return {
        **whole,
        "issues": whole["issues"][:SHOWN],
        "more_issues": max(0, len(whole["issues"]) - SHOWN),
        "absent": {table: len(keys) for table, keys in whole["absent"].items()},
    }

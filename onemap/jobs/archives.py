"""Tile archives as jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.jobs import refuse_archive
from importers import staging
from layers.registry import layer
from onemap.archive import make
from onemap.jobs.asking import actor_of

if TYPE_CHECKING:
    from onemap.jobs.child import Task

NAME = "estate.pmtiles"


def do(task: Task) -> None:
    """Write the archive that a job asks for."""
    refuse_archive(actor_of(task))
    asked, settings = task.arguments, task.handed["settings"]
    folder = staging.made(staging.results(task.data_dir, task.row.folder))
    written = make(
        task.handed["owner_url"],
        folder / NAME,
        [layer(name) for name in asked["layers"]],
        last=asked["max_zoom"],
        attribution=asked["attribution"],
        timezone=settings["timezone"],
        say=lambda text: text.in_language(settings["language"]),
        progress=task.progress,
    )
    task.finished(
        {
            "file": NAME,
            "name": NAME,
            "media_type": "application/vnd.pmtiles",
            "bytes": written.bytes,
            "tiles": written.tiles,
            "moment": written.snapshot.moment.isoformat(),
        }
    )

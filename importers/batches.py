"""What is kept of an import: the batch, its issues, and the rows that wait in quarantine."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa

from importers.base import FILE, ROW
from importers.checks import Inspection
from importers.files import described
from importers.report import COUNTS, Report
from layers.base import table_of
from layers.records import ImportBatch, ImportIssue, Quarantine


def record(
    connection: sa.Connection,
    report: Report,
    paths: Sequence[Path],
    started: datetime,
    actor: str | None,
    quarantined: Sequence[Inspection],
    read: Mapping[str, Collection[str]],
) -> None:
    """Write the batch of a finished import and set the report's `batch_id`.

    Parameters
    ----------
    read : for each table the keys of the rows that the files hold, loaded or not.
    """
    counts: dict[str, Any] = {name: getattr(report, name) for name in COUNTS}
    counts["tables"] = {name: dict(each.__dict__) for name, each in report.tables.items()}
    counts["absent"] = {name: len(keys) for name, keys in report.absent.items()}
    report.batch_id = connection.scalar(
        sa.insert(table_of(ImportBatch))
        .values(
            kind=report.kind,
            source=report.source,
            files=described(paths),
            crs=report.crs,
            crs_decided=report.crs_decided,
            counts=counts,
            actor=actor,
            started_at=started,
            finished_at=datetime.now(UTC),
        )
        .returning(table_of(ImportBatch).c.id)
    )
    if report.issues:
        rows = [{**each.as_dict(), "batch_id": report.batch_id} for each in report.issues]
        connection.execute(sa.insert(table_of(ImportIssue)), rows)
    _release(connection, report, read)
    waiting = [row for each in quarantined for row in _waiting(each, report)]
    if waiting:
        connection.execute(sa.insert(table_of(Quarantine)), waiting)


def _release(
    connection: sa.Connection, report: Report, read: Mapping[str, Collection[str]]
) -> None:
    """Let go the rows of earlier imports that were read again: mended, or set aside anew.

    Those are the rows of a file of the same name, and those of the same key in any file of the
    dataset; the issues of the earlier imports stay.
    """
    row, batch = table_of(Quarantine), table_of(ImportBatch)
    earlier = sa.select(batch.c.id).where(
        batch.c.kind == report.kind,
        batch.c.source == report.source,
        batch.c.id != report.batch_id,
    )
    again = [row.c.file == sa.func.any(sa.literal(list(report.files), sa.ARRAY(sa.Text)))]
    for table, keys in read.items():
        mine = sa.literal(sorted(keys), sa.ARRAY(sa.Text))
        key = row.c["values"]["source_key"].astext
        again.append(sa.and_(row.c.layer == table, key == sa.func.any(mine)))
    connection.execute(sa.delete(row).where(row.c.batch_id.in_(earlier), sa.or_(*again)))


def first_files(connection: sa.Connection, kind: str, source: str) -> list[dict[str, Any]]:
    """Return the files of a kind that first made a dataset: as recorded, with ``on``, the day."""
    t = table_of(ImportBatch)
    row = connection.execute(
        sa.select(t.c.files, t.c.started_at)
        .where(t.c.kind == kind, t.c.source == source)
        .order_by(t.c.id)
        .limit(1)
    ).first()
    return [] if row is None else [{**each, "on": row.started_at.date()} for each in row.files]


def _waiting(found: Inspection, report: Report) -> list[dict[str, Any]]:
    made = []
    for position in np.flatnonzero(found.bad):
        reasons = found.reasons.get(int(position))
        if not reasons:
            continue  # a link to a row that is itself in quarantine
        row = found.raw.iloc[position]
        values = {
            str(name): _plain(value)
            for name, value in row.items()
            if name not in (FILE, ROW, "geom") and not _missing(value)
        }
        shape = row.get("geom")
        known = isinstance(shape, shapely.Geometry)
        made.append(
            {
                "batch_id": report.batch_id,
                "layer": found.table.name,
                "file": str(row[FILE]),
                "row": None if pd.isna(row[ROW]) else int(row[ROW]),
                "values": values,
                "geometry": shapely.to_wkt(shape, rounding_precision=-1) if known else None,
                "reasons": [each.as_dict() for each in reasons],
            }
        )
    return made


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str | int | float | bool):
        return value
    return str(value)

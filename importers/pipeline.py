"""From files to rows, the same way for every kind.

Coordinate system → validity → row checks → references → issues and quarantine → binary COPY and
one merge. Everything of one run is one transaction: nothing is ever half-loaded.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import sqlalchemy as sa

from importers.base import FILE, ROW, Importer, Issue, Options, Progress, Target
from importers.batches import first_files, record
from importers.checks import Inspection, inspect
from importers.edits import deleted_keys, meet
from importers.files import dataset_of, gather
from importers.messages import bad_input
from importers.places import Placed, check_places, extent, place
from importers.references import References
from importers.remarks import other_files, public_rows
from importers.report import LayerCounts, Report
from layers import db
from layers.audit import Kind, note
from layers.base import Entity, Series, table_of
from layers.changes import ChangeSet, Counts
from layers.committing import committing
from layers.links import Link
from layers.problems import BadInput
from layers.registry import LAYERS

MANY = 200
"""So many issues of one reason are listed one by one; the rest is counted."""


def run(
    importer: Importer | str,
    files: Sequence[Path | str],
    *,
    engine: sa.Engine,
    options: Options | None = None,
    progress: Progress | None = None,
    **given: Any,
) -> Report:
    """Import files and return the report; nothing is loaded when it raises.

    Parameters
    ----------
    importer : an importer or its kind (``"buildings"``).
    files : paths; ``"builtin"`` is the edition that ships with the service, where there is one.
    engine : of the database's owner.
    options : see `Options`; further keywords (``crs=``, ``source=``, ``mapping=`` …) replace its
        fields where they are not None.

    Raises
    ------
    BadInput : a file cannot be used at all.
    NotFound : there is no importer of that kind.
    """
    if isinstance(importer, str):
        from importers.registry import importer_of  # noqa: PLC0415 - it names every importer

        importer = importer_of(importer)
    importer = copy(importer)  # what a run notes on its importer is its own
    options = replace(options or Options(), **{k: v for k, v in given.items() if v is not None})
    options.progress = options.progress if progress is None else progress
    started, clock = datetime.now(UTC), time.perf_counter()
    shipped = importer.builtin
    paths = gather([shipped if shipped and str(f) == "builtin" else f for f in files])
    unnamed = options.source is None
    options.source = options.source or dataset_of(paths[0])
    with committing(engine, options.ticks) as connection:
        work = _Run(importer, options, connection, options.source, [p.name for p in paths])
        if unnamed:
            first = first_files(connection, importer.kind, options.source)
            work.report.issues += other_files(options.source, paths, first)
        _loaded(work, paths)
        report = work.report
        report.seconds = time.perf_counter() - clock
        if options.dry_run:
            connection.rollback()
        else:
            record(connection, report, paths, started, options.actor, work.quarantined, work.read)
            counts = {name: asdict(each) for name, each in report.tables.items()}
            note(
                connection, Kind.IMPORT, of=importer.kind, source=report.source,
                files=report.files, counts=counts,
            )  # fmt: skip
            if options.recorded is not None:
                options.recorded(connection, report)
    return report


def _loaded(work: _Run, paths: Sequence[Path]) -> None:
    """Load the files; what the database refuses is told as a problem of the file.

    The binary COPY goes past SQLAlchemy, so that its errors are psycopg's own. Errors that are
    no fault of the rows (a lost connection, a full disk) are left as they are.
    """
    refused = (
        sa.exc.IntegrityError, sa.exc.DataError, psycopg.IntegrityError, psycopg.DataError,
    )  # fmt: skip
    try:
        work.load(paths)
    except refused as error:
        raise _refused(paths[0], error) from error
    except db.LOST as error:
        if not db.is_limit(error):
            raise
        raise bad_input(
            paths[0],
            f"有的值过长，数据库无法编入索引：{db.first_line(error)}；未写入任何内容，请缩短后重试",
            f"a value is too long for the database to index: {db.first_line(error)}; nothing was "
            "loaded. Shorten it and try again",
        ) from error


def _refused(path: Path, error: Exception) -> BadInput:
    said = db.first_line(error)
    return bad_input(
        path,
        f"数据库拒绝了这些数据：{said}；未写入任何内容",
        f"the database refused the rows: {said}; nothing was loaded",
    )


@dataclass
class _Run:
    importer: Importer
    options: Options
    connection: sa.Connection
    source: str
    files: list[str]
    quarantined: list[Inspection] = field(default_factory=list)
    before: dict[type[Entity], set[str]] = field(default_factory=dict)
    here: dict[type[Entity], set[str]] = field(default_factory=dict)
    read: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.options.estate is None:
            self.options.estate = extent(self.connection)
        self.report = Report(self.importer.kind, self.source, self.files)
        self.report.dry_run = self.options.dry_run
        self.references = References(self.connection, self.source)
        reason = f"import {self.importer.kind} {self.source}"
        self.changes = ChangeSet(self.connection, self.options.actor, reason)

    def load(self, paths: Sequence[Path]) -> None:
        self.options.progress("读取 | read", 0, None)
        found = self.importer.read(paths, self.options)
        self.report.mapping, self.report.unmapped = found.mapping, found.unmapped
        self.report.issues += found.issues
        body = self._default_body()
        for target in self.importer.expand(found, self.changes, self.references):
            self._target(target, body)
        self._absent()
        self.report.issues += list(self.importer.finish(self.changes, self.source))
        self.changes.refresh_search()
        self.report.issues = _shortened(self.report.issues)

    def _default_body(self) -> int | None:
        if self.options.body is None:
            return None
        body = self.references.one("body", self.options.body)
        if body is None:
            raise BadInput(
                zh=f"没有机构“{self.options.body}”；请先导入机构，或改用其代码",
                en=f"There is no body '{self.options.body}'; import bodies first, or use its code",
                field="body",
                value=self.options.body,
            )
        return body

    def _target(self, target: Target, body: int | None) -> None:
        _rows_numbered(target, self.files[0])
        table = table_of(target.model).name
        placed = place(target, self.options, self.files[0])
        self._decided(placed)
        found = inspect(target, self.options.timezone)
        check_places(found)
        if issubclass(target.model, Entity):
            found.frame["source"] = self.source
            self._own_ids(found)
            keys = found.frame["source_key"].dropna().map(str)
            self.read.setdefault(table, set()).update(keys)
            if target.complete:
                self._known(target.model, found)
        self.references.resolve(found)
        rows = self._owned(found, body)
        rows = self.importer.resolve(target, rows, self.changes)
        counts = self._write(target, rows)
        self.importer.written(target, counts)
        self._count(found, counts)
        if found.bad.any():
            self.quarantined.append(found)
        self.references.forget(table)
        self.report.issues += found.issues
        if issubclass(target.model, Entity):
            keys, file = rows["source_key"], str(target.frame[FILE].iloc[0]) if len(rows) else ""
            self.report.issues += public_rows(
                self.connection, target.model, self.source, keys, file
            )

    def _owned(self, found: Inspection, body: int | None) -> pd.DataFrame:
        """Return the rows that can be loaded; those that name no body get the default one."""
        rows = found.good()
        if body is None or not issubclass(found.target.model, Entity):
            return rows
        rows = rows.copy(deep=False)
        own = rows["body_id"] if "body_id" in rows else pd.Series(pd.NA, index=rows.index)
        rows["body_id"] = own.astype("Int64").fillna(body)
        return rows

    def _own_ids(self, found: Inspection) -> None:
        """Give rows that may point at each other (bodies, meters) their ids before the write."""
        own = found.table.name
        refers = [c.name for c in found.table.c if c.info.get("reference") == own]
        if any(name in found.frame for name in refers) and "id" not in found.frame:
            keys, model = found.frame["source_key"], found.target.model
            assert issubclass(model, Entity)
            made = self.changes.reserve(model, self.source, keys)
            # What points to a row that a person deleted points to nothing, and is told so.
            gone = deleted_keys(self.connection, found.table, self.source)
            found.frame["id"] = made.mask(keys.isin(gone))

    def _write(self, target: Target, rows: pd.DataFrame) -> Counts:
        model, name = target.model, table_of(target.model).name
        total = len(rows)

        def step(share: float) -> None:
            self.options.progress(name, int(share * total), total)

        step(0)
        if issubclass(model, Series):
            return self.changes.append(model, rows, step)
        if issubclass(model, Link):
            return self.changes.link(model, rows)
        if issubclass(model, Entity):
            met = meet(self.changes, model, self.source, rows, target.frame)
            self.report.issues += met.issues
            counts = self.changes.upsert(model, met.rest, progress=step)
            return counts.with_edited(met.counts)
        raise TypeError(f"{model.__name__} cannot be imported")

    def _decided(self, placed: Placed | None) -> None:
        if placed is not None and self.report.crs is None:
            self.report.crs, self.report.crs_decided = placed.crs, placed.how
            self.report.crs_reason = placed.reason

    def _count(self, found: Inspection, counts: Counts) -> None:
        made = LayerCounts(
            read=len(found.raw),
            loaded=counts.inserted,
            updated=counts.updated,
            unchanged=counts.unchanged,
            repaired=found.repaired,
            quarantined=int(found.bad.sum()),
        )
        name = found.table.name
        if issubclass(found.target.model, Link):
            self.report.links.setdefault(name, LayerCounts()).add(made)
            return
        self.report.count(name).add(made)
        first = next((each for each in LAYERS if each.name in self.importer.layers[:1]), None)
        if issubclass(found.target.model, Entity) and (
            self.report.key_rule is None or (first is not None and first.table is found.table)
        ):
            self.report.key_rule = found.target.key_rule

    def _known(self, model: type[Entity], found: Inspection) -> None:
        """Note what the source held before the first write, and what the files hold of it."""
        if model not in self.before:
            self.before[model] = set(map(str, self.changes.ids(model, self.source).index))
        keys = found.frame["source_key"].dropna().map(str)
        self.here.setdefault(model, set()).update(keys)

    def _absent(self) -> None:
        for model, before in self.before.items():
            if gone := sorted(before - self.here[model]):
                self.report.absent[table_of(model).name] = gone


def _rows_numbered(target: Target, file: str) -> None:
    frame = target.frame
    if ROW in frame.columns and FILE in frame.columns:
        return
    frame = frame.copy(deep=False)
    if ROW not in frame.columns:
        frame[ROW] = np.arange(1, len(frame) + 1)
    if FILE not in frame.columns:
        frame[FILE] = file
    target.frame = frame


def _shortened(issues: list[Issue]) -> list[Issue]:
    """List the first of many alike one by one and count the rest; quarantine keeps every row."""
    seen: dict[tuple[str, str | None, str], int] = {}
    last: dict[tuple[str, str | None, str], Issue] = {}
    kept: list[Issue] = []
    for issue in issues:
        key = (issue.reason, issue.field, str(issue.action))
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= MANY:
            kept.append(issue)
        last[key] = issue
    for key, count in seen.items():
        if count > MANY:
            rest, one = count - MANY, last[key]
            kept.append(
                replace(
                    one, row=None, value=None, zh=f"另有 {rest} 行同类问题：{one.zh}",
                    en=f"{rest} more rows alike: {one.en}",
                )
            )  # fmt: skip
    return kept

"""Observations: rows keyed by thing and time, in partitions; the latest of each stands aside."""

from __future__ import annotations

from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from layers.base import Series, table_of
from layers.changes.frames import Counts, Step, merged, raw, staged, writable
from layers.changes.rows import any_of
from layers.copy import copy_rows


def append(
    connection: sa.Connection,
    model: type[Series],
    frame: pd.DataFrame,
    progress: Step | None = None,
) -> Counts:
    """Insert or correct observations by (thing, time); partitions are made as needed.

    Of several rows for one moment the last one counts. The latest row of each thing is kept
    in the model's `latest` table.
    """
    table = table_of(model)
    key = model.thing_key
    rows = frame.drop_duplicates(subset=[key, "time"], keep="last")
    _partitions(connection, table.name, model.partition, rows["time"])
    names = writable(table, rows)
    known = sa.select(
        sa.exists().where(
            table.c[key] == any_of(list(pd.unique(rows[key]))),
            table.c.time.between(rows["time"].min(), rows["time"].max()),
        )
    )
    if connection.scalar(known):
        counts = merged(connection, table, rows, names, [table.c[key], table.c.time], (), progress)
    else:
        copy_rows(raw(connection), table.name, [table.c[n] for n in names], rows, progress)
        counts = Counts(inserted=len(rows))
    if model.latest is not None:
        _latest(connection, table_of(model.latest), key, rows)
    return counts


def _partitions(connection: sa.Connection, series: str, step: str, times: pd.Series[Any]) -> None:
    utc = pd.to_datetime(times, utc=True).dt.tz_localize(None)
    periods = utc.dt.to_period("D" if step == "day" else "M").drop_duplicates()
    starts = [each.tz_localize("UTC").to_pydatetime() for each in periods.dt.start_time]
    moment = (
        sa.func.unnest(sa.literal(starts, sa.ARRAY(sa.DateTime(timezone=True))))
        .table_valued(sa.column("t", sa.DateTime(timezone=True)))
        .render_derived()
    )
    made = sa.func.onemap_partition(series, moment.c.t, moment.c.t)
    connection.execute(sa.select(sa.func.sum(made)).select_from(moment))


def _latest(connection: sa.Connection, latest: sa.Table, key: str, rows: pd.DataFrame) -> None:
    newest = rows.sort_values("time").drop_duplicates(subset=[key], keep="last")
    names = writable(latest, newest)
    staging = staged(connection, latest, names, newest, None)
    statement = insert(latest).from_select(names, sa.select(*(staging.c[n] for n in names)))
    changing = [n for n in names if n != key]
    new = statement.excluded
    values: dict[str, Any] = {n: new[n] for n in changing}
    for column in latest.c:
        if column.name not in names:  # of an older moment, unless that one is corrected
            same = latest.c.time == new["time"]
            values[column.name] = sa.case((same, column), else_=sa.null())
    # A moment ahead of the clock came of a wrong one; it must not hold the thing for ever.
    wrong = latest.c.time > sa.func.onemap_now() + sa.text("interval '1 day'")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[key],
            set_=values,
            where=sa.and_(
                sa.or_(latest.c.time <= new["time"], wrong),
                sa.tuple_(*(latest.c[n] for n in changing)).is_distinct_from(
                    sa.tuple_(*(new[n] for n in changing))
                ),
            ),
        )
    )
    staging.drop(connection)

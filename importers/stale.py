"""What a newer file no longer says of its own rows is taken back: links, and who sits where."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa

from importers.base import Issue
from layers.base import table_of
from layers.changes import ChangeSet
from layers.labels import Text
from layers.links import Link
from layers.space import Occupancy


def drop_stale_links(
    changes: ChangeSet,
    model: type[Link],
    frame: pd.DataFrame,
    subjects: Iterable[int] | None = None,
) -> None:
    """Take back the links of these rows that the file no longer draws (a room moved a floor).

    Parameters
    ----------
    frame : the links as they are now; columns of ids, named as the model's keys.
    subjects : the ids whose links `frame` says in full; by default those it names. The subject
        of a link is its first key.
    """
    t = table_of(model)
    names = [column.name for column in t.c if column.foreign_keys]
    given = frame[names[0]] if subjects is None else pd.Series(list(subjects), dtype="Int64")
    ids = [int(each) for each in given.dropna().unique()]
    known = changes.connection.execute(
        sa.select(t.c.id, *(t.c[name] for name in names)).where(_one_of(t.c[names[0]], ids))
    ).all()
    columns = [frame[n] if n in frame else pd.Series(pd.NA, index=frame.index) for n in names]
    now = {tuple(map(_plain, row)) for row in zip(*columns, strict=True)}
    changes.delete([(model, row.id) for row in known if tuple(row)[1:] not in now])


def _plain(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def end_occupancies(
    changes: ChangeSet,
    source: str,
    keys: set[str],
    since: dict[int, date],
    today: date,
    file: str,
) -> list[Issue]:
    """End the occupancies of a source that its newer sheet no longer holds; tell each of them.

    Parameters
    ----------
    keys : the source keys in the sheet, those in quarantine too.
    since : per person, from when the sheet says that they sit elsewhere; the end of the stay.
    today : the end of all others.

    A stay that would end before it began never was: it is taken back (the history keeps it).
    """
    t = table_of(Occupancy)
    rows = changes.connection.execute(
        sa.select(t.c.id, t.c.source_key, t.c.person_id, t.c.valid_from, t.c.valid_to).where(
            t.c.source == source
        )
    ).all()
    issues: list[Issue] = []
    ended: list[dict[str, Any]] = []
    never: list[int] = []
    for row in rows:
        until = since.get(row.person_id, today) if row.person_id is not None else today
        if row.source_key in keys or (row.valid_to is not None and row.valid_to <= until):
            continue
        begun = row.valid_from is None or row.valid_from < until
        if begun:
            ended.append({"id": row.id, "valid_to": until})
        else:
            never.append(row.id)
        said = _ended(row.source_key, until) if begun else _never(row.source_key, row.valid_from)
        issues.append(
            Issue(
                file, None, "valid_to", row.source_key, "occupancy_ended", said.zh, said.en, "noted"
            )
        )
    if ended:
        changes.update(Occupancy, ended)
    changes.delete([(Occupancy, key) for key in never])
    return issues


def _ended(key: str, until: date) -> Text:
    return Text(
        f"占用“{key}”在新表中已没有：于 {until} 结束",
        f"The stay '{key}' is not in this sheet: ended on {until}",
    )


def _never(key: str, since: date) -> Text:
    return Text(
        f"占用“{key}”自 {since} 起，新表中已没有：尚未开始即撤回",
        f"The stay '{key}' from {since} on is not in this sheet: taken back before it began",
    )


def _one_of(column: Any, ids: list[int]) -> Any:
    return column == sa.func.any(sa.literal(ids, sa.ARRAY(sa.BigInteger)))

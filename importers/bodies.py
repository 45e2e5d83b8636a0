"""The tree of bodies: each body's path of ids from the root."""

from __future__ import annotations

import numpy as np
import pandas as pd
import sqlalchemy as sa

from layers.base import table_of
from layers.changes import ChangeSet
from layers.people import Body
from layers.problems import BadInput


def with_paths(frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
    """Set `path` of each row; bodies outside the file that move with a parent move at once.

    Raises
    ------
    BadInput : a body is its own ancestor.
    """
    if frame.empty:
        return frame
    body = table_of(Body)
    known = changes.connection.execute(sa.select(body.c.id, body.c.parent_id, body.c.path)).all()
    parents: dict[int, int | None] = {row.id: row.parent_id for row in known}
    frame = frame.copy(deep=False)
    if "id" not in frame:
        frame["id"] = changes.reserve(Body, str(frame["source"].iat[0]), frame["source_key"])
    if "parent_id" in frame:
        given = zip(frame["id"].astype(int), frame["parent_id"], strict=True)
        parents |= {key: None if pd.isna(up) else int(up) for key, up in given}
    paths = {key: _path(key, parents) for key in {*parents, *frame["id"].astype(int)}}
    frame["path"] = pd.Series([paths[key] for key in frame["id"].astype(int)], index=frame.index)
    here = np.asarray(frame["id"].astype(int))
    moved = [row.id for row in known if row.path != paths[row.id] and row.id not in here]
    if moved:
        changes.update(Body, [{"id": key, "path": paths[key]} for key in moved])
    return frame


def _path(key: int, parents: dict[int, int | None]) -> str:
    chain = [key]
    while (up := parents.get(chain[-1])) is not None:
        if up in chain:
            raise BadInput(
                zh="机构的上下级关系成环；请核对“上级机构”一列",
                en="The bodies form a circle; check the column of parents",
                field="parent_id",
            )
        chain.append(up)
    return ".".join(map(str, reversed(chain)))

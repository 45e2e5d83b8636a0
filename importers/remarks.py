"""What an import says of its rows as a whole: whose dataset it updates, and who may see it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa

from importers.base import Issue
from layers.base import Entity, table_of
from layers.fleet import Vehicle
from layers.people import Person
from layers.space import Occupancy

_PERSONAL: Final = (Person, Occupancy, Vehicle)


def other_files(source: str, paths: Sequence[Path], first: Sequence[dict[str, Any]]) -> list[Issue]:
    """Say that rows go into a dataset that other files made, where only a file's name chose it.

    Parameters
    ----------
    first : the files of the dataset's first import (`importers.batches.first_files`).
    """
    known = {(str(each["name"]), each.get("folder")) for each in first}
    here = {(path.name, str(path.resolve().parent)) for path in paths}
    names = {name for name, folder in known if folder is None}  # recorded before folders were
    if not known or here & known or names & {path.name for path in paths}:
        return []
    then = first[0]
    origin = str(Path(str(then.get("folder") or "")) / str(then["name"]))
    zh = (
        f"更新数据集“{source}”（{then['on']} 首次由 {origin} 导入）：键相同的行会被改写；"
        "若是另一份数据，请用 --source 另取名称重新导入"
    )
    en = (
        f"This updates the dataset '{source}', first imported from {origin} on {then['on']}: rows "
        "of the same key are overwritten; if it is another dataset, give it a name with --source"
    )
    return [Issue(paths[0].name, None, None, source, "dataset_of_other_file", zh, en, "noted")]


def public_rows(
    connection: sa.Connection,
    model: type[Entity],
    source: str,
    keys: pd.Series[Any],
    file: str,
) -> list[Issue]:
    """Say how many people, stays or vehicles of these keys anyone may see, having no body."""
    if model not in _PERSONAL or keys.empty:
        return []
    t = table_of(model)
    count = connection.scalar(
        sa.select(sa.func.count()).where(
            t.c.source == source,
            t.c.source_key == sa.func.any(sa.literal(list(map(str, keys)), sa.ARRAY(sa.Text))),
            t.c.body_id.is_(None),
        )
    )
    if not count:
        return []
    name = {Person: ("名人员", "people"), Occupancy: ("条占用", "occupancies")}.get(
        model, ("辆车", "vehicles")
    )
    zh = f"{count} {name[0]}没有所属机构，任何人可见；请加“所属机构”列，或用 --body 指明后重新导入"
    en = (
        f"{count} {name[1]} belong to no body and are public: add a column of the body, "
        "or import again with --body"
    )
    return [Issue(file, None, "body_id", str(count), "public_rows", zh, en, "noted")]

"""What the search finds by: folded texts with pinyin and initials, filled after every write.

Pinyin and initials are made by pypinyin when a row is written, not when it is sought.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pypinyin import Style, lazy_pinyin
from sqlalchemy import Connection, case, cast, delete, func, literal, select
from sqlalchemy import Text as TextType
from sqlalchemy.sql.elements import ColumnElement

from layers.base import Layer, table_of
from layers.copy import copy_rows
from layers.places import IDS
from layers.records import SearchEntry

ENTRY = table_of(SearchEntry)
# The dot of a plate as keyboards and files write it: ·  •  ‧  ∙  ・  ⋅
_DOTS = dict.fromkeys(map(ord, "\u00b7\u2022\u2027\u2219\u30fb\u22c5"))
_CHINESE = re.compile("([\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)")
_CHUNK = 50_000


def fold(text: str) -> str:
    """Return `text` as it is compared: width and case folded, the dot of a plate and doubled
    spaces removed.
    """  # noqa: D205
    if text.isascii():
        return " ".join(text.casefold().split())
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_DOTS)
    return " ".join(folded.split())


def pinyin(folded: str) -> tuple[str | None, str | None]:
    """Return the pinyin and the initials of a folded text; None where it has no Chinese."""
    if folded.isascii():
        return None, None
    full = _CHINESE.split(folded)
    if len(full) == 1:
        return None, None
    first = full.copy()
    for i in range(1, len(full), 2):  # every second part is Chinese
        full[i], first[i] = _sounds(full[i])
    return "".join(full).replace(" ", ""), "".join(first).replace(" ", "")


@lru_cache(maxsize=65_536)
def _sounds(chinese: str) -> tuple[str, str]:
    """Return the pinyin and initials of one run: thousands of rooms share a few words."""
    full = lazy_pinyin(chinese, style=Style.NORMAL)
    return "".join(full), "".join(sound[:1] for sound in full)


def refresh(connection: Connection, layer: Layer, ids: Iterable[int] | None = None) -> int:
    """Write the search entries of a layer anew and return how many there are.

    Parameters
    ----------
    connection : inside the transaction that wrote the rows.
    layer : what was written.
    ids : the rows that were written or deleted; None is all of them.
    """
    if layer.series or not layer.searchable:
        return 0
    if ids is None:
        connection.execute(delete(ENTRY).where(ENTRY.c.layer == layer.name))
        ids = connection.scalars(select(layer.table.c.id))
    wanted = np.unique(np.fromiter(ids, dtype=np.int64))
    written = 0
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        connection.execute(
            delete(ENTRY).where(ENTRY.c.layer == layer.name, _among(ENTRY.c.id, chunk))
        )
        entries = entries_of(layer, *_texts(connection, layer, chunk))
        raw: Any = connection.connection.driver_connection
        written += copy_rows(raw, ENTRY.name, [ENTRY.c[str(name)] for name in entries], entries)
    return written


def _among(column: ColumnElement[int], ids: NDArray[np.int64]) -> ColumnElement[bool]:
    """Return the condition that `column` is one of `ids`, which are in order."""
    first, last = int(ids[0]), int(ids[-1])
    if last - first + 1 == len(ids):  # as a first load has them
        return column.between(first, last)
    # One text, because drivers write long lists number by number.
    listed = "{" + ",".join(map(str, ids.tolist())) + "}"
    return column == func.any(cast(literal(listed), IDS))


def _texts(
    connection: Connection, layer: Layer, ids: NDArray[np.int64]
) -> tuple[list[int], dict[str, list[str | None]]]:
    """Return the ids of those of the rows that are there, and by field what they say."""
    table = layer.table
    source = (
        select(
            table.c.id,
            case((cast(table.c.names, TextType) != "{}", table.c.names)).label("names"),
            *(cast(table.c[name], TextType).label(name) for name in layer.searchable),
        )
        .where(_among(table.c.id, ids))
        .order_by(table.c.id)
        .subquery()
    )
    # One value for each column: drivers read a million small ones slowly.
    whole = select(*(func.json_agg(column) for column in source.c))
    numbers, names, *columns = connection.execute(whole).one()
    said = dict(zip(layer.searchable, columns, strict=True))
    if numbers is None:  # all of them were deleted
        return [], {name: [] for name in said}
    if "name" in said:
        for language in sorted({each for known in names for each in known or ()}):
            said[f"names.{language}"] = [(known or {}).get(language) for known in names]
    return numbers, said


def entries_of(layer: Layer, ids: list[int], said: dict[str, list[str | None]]) -> pd.DataFrame:
    """Return the entries of what these rows say, in the order of the table's key."""
    parts = []
    for field, texts in said.items():
        folded = [fold(text) if text else "" for text in texts]
        sounds = [pinyin(text) for text in folded]
        part = pd.DataFrame(
            {
                "layer": layer.name,
                "id": np.asarray(ids, dtype=np.int64),
                "field": field,
                "text": folded,
                "pinyin": [full for full, _ in sounds],
                "initials": [first for _, first in sounds],
            }
        )
        parts.append(part[part["text"] != ""])
    return pd.concat(parts).sort_values("id", kind="stable")

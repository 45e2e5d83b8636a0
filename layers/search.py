"""Search: one narrow table of folded texts (`layers.search_entries`), asked through `rows`.

Chinese words of two characters have no usable trigrams, so the table is scanned.

The table knows the present. Of a past moment it answers for the rows that are unchanged since; the
others say what they said then, which is made of their dated texts when it is asked (`Then`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import (
    ARRAY,
    CTE,
    Select,
    and_,
    case,
    cast,
    column,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.access import Actor, open_ids, rows
from layers.base import Layer
from layers.history import changed_since, formerly
from layers.places import extent_columns, place_of, title_of
from layers.problems import BadRequest
from layers.registry import LAYERS
from layers.search_entries import ENTRY, entries_of, fold

LONGEST_QUERY = 100


@dataclass(frozen=True)
class Then:
    """A past moment of record, and the entries of what was changed since that a query may find."""

    at: datetime
    entries: pd.DataFrame

    def source(self) -> FromClause:
        """Return the entries as the search table would have held them at that moment."""
        same = [
            and_(ENTRY.c.layer == each.name, changed_since(each.table, ENTRY.c.id, self.at))
            for each in searched()
        ]
        names = [c.name for c in ENTRY.c]
        kept = select(*(ENTRY.c[name] for name in names)).where(~or_(*same))
        given = self.entries.astype(object).where(self.entries.notna(), None)
        made = (
            func.unnest(
                *(literal(given[name].tolist(), ARRAY(ENTRY.c[name].type)) for name in names)
            )
            .table_valued(*(column(name, ENTRY.c[name].type) for name in names))
            .render_derived()
        )
        return union_all(kept, select(*(made.c[name] for name in names))).subquery("entries")


def changed_texts(layer: Layer, at: datetime, most: int) -> Select[Any]:
    """Return the statement for what the rows of a layer said at `at` that were changed since."""
    then = formerly(layer.table, at).subquery()
    return select(
        then.c.id,
        cast(then.c.names, TextType).label("names"),
        *(cast(then.c[name], TextType).label(name) for name in layer.searchable),
    ).limit(most)


def entries_then(query: str, found: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Return the entries that `query` may find among the rows of `changed_texts`, by layer."""
    folded = _checked(query)
    parts = []
    for shown in searched():
        rows_ = found.get(shown.name, ())
        said: dict[str, list[str | None]] = {
            name: [row[name] for row in rows_] for name in shown.searchable
        }
        if "name" in said:
            names = [json.loads(row["names"] or "{}") for row in rows_]
            for language in sorted({each for known in names for each in known}):
                said[f"names.{language}"] = [known.get(language) for known in names]
        entries = entries_of(shown, [row["id"] for row in rows_], said)
        kept = np.fromiter((_says(e, folded) for e in entries.itertuples()), dtype=bool)
        parts.append(entries[kept])
    return pd.concat(parts)


def _says(entry: Any, folded: str) -> bool:
    """Tell whether an entry is found, as `_matches` does."""
    joined = _joined(folded)
    sounds = (entry.pinyin, entry.initials) if joined else ()
    return all(word in entry.text for word in folded.split()) or any(
        isinstance(sound, str) and joined in sound for sound in sounds
    )


def _joined(folded: str) -> str:
    """Return a query as sounds are compared with it; empty where it can be none."""
    joined = folded.replace(" ", "").replace("ü", "v")
    return joined if joined.isascii() and len(joined) > 1 else ""


def search(actor: Actor, query: str, limit: int = 10, then: Then | None = None) -> Select[Any]:
    """Return the statement for what `query` finds among the rows that `actor` may see.

    Names, numbers, plates (with or without the dot), tags (their last characters too), pinyin and
    initials. Every word of the query must be found in the text. Exact texts come first, then
    those that begin with the query, those that hold it, and last those that sound like it.

    Returns
    -------
    Select of ``layer, id, title, field, text, lon, lat, west, south, east, north`` (EPSG:4326).

    Raises
    ------
    BadRequest : the query is empty or longer than 100 characters.
    """
    folded = _checked(query)
    at = then.at if then else None
    # Who sees everything need not join what cannot be shown: a row has fewer than ten texts.
    source = then.source() if then else ENTRY
    matches = _matches(source, folded, most=limit * 10 if actor.sees_everything else None)
    parts = [_hits(layer, actor, matches, at) for layer in searched()]
    hits = union_all(*parts).subquery("hits")
    # A row found by several of its texts counts once, by its best.
    best = (
        select(hits)
        .ext(distinct_on(hits.c.layer, hits.c.id))
        .order_by(hits.c.layer, hits.c.id, hits.c.rank, hits.c.length, hits.c.field)
        .subquery("best")
    )
    top = (
        select(best)
        .order_by(best.c.rank, best.c.length, best.c.layer_order, best.c.text, best.c.id)
        .limit(limit)
        .cte("top")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    # Places are worked out for what is shown alone.
    shown = union_all(*(_shown(layer, actor, top, at) for layer in searched())).subquery("shown")
    answer = [c for c in shown.c if c.name not in ("rank", "length", "layer_order", "folded")]
    return select(*answer).order_by(
        shown.c.rank, shown.c.length, shown.c.layer_order, shown.c.folded, shown.c.id
    )


def _checked(query: str) -> str:
    folded = fold(query)
    if not folded or len(folded) > LONGEST_QUERY:
        raise BadRequest(
            zh=f"请输入 1 至 {LONGEST_QUERY} 个字符的查询词",
            en=f"Give a query of 1 to {LONGEST_QUERY} characters",
            field="q",
        )
    return folded


def entries_saying(layers: Iterable[Layer], query: str) -> CTE:
    """Return ``layer, id, field`` of the entries of some layers that hold each word of `query`.

    It looks in all that `search` looks in, and sounds count too; who may see a row is not asked.
    The table is gone through once for all the layers.
    """
    folded = fold(query)[:LONGEST_QUERY]
    text, sound, first = ENTRY.c.text, ENTRY.c.pinyin, ENTRY.c.initials
    ways: list[ColumnElement[bool]] = [
        and_(*(text.contains(word, autoescape=True) for word in folded.split()))
    ]
    joined = _joined(folded)
    if joined:
        ways += [each.contains(joined, autoescape=True) for each in (sound, first)]
    found = select(ENTRY.c.layer, ENTRY.c.id, ENTRY.c.field).where(
        ENTRY.c.layer.in_([each.name for each in layers]), or_(*ways)
    )
    return found.cte("saying").prefix_with("MATERIALIZED", dialect="postgresql")


def told_of(
    layer: Layer,
    entries: FromClause,
    actor: Actor,
    at: datetime | None = None,
    *,
    seen: bool = False,
) -> ColumnElement[bool]:
    """Return the condition that the actor sees, as it is, the text that an entry was made of.

    A match would tell the words of a field that is masked, or of a row that is not seen.

    Parameters
    ----------
    entries : entries of `layer`, with ``id`` and ``field``.
    seen : whether they are of rows that the actor sees: then that is not asked again.
    """
    ways: list[ColumnElement[bool]] = []
    closed = [name for name in (*layer.searchable, "names") if not actor.opens(layer, name)]
    open_ = ~or_(false(), *(_from_field(entries, name) for name in closed))
    if seen:
        ways.append(open_)
    else:
        visible = rows(layer, actor, at).alias()
        ways.append(and_(open_, entries.c.id.in_(select(visible.c.id))))
    for name in closed:
        if any(name not in dict(way.masks) for way in actor.reaches(layer)):
            those = open_ids(layer, name, actor, at)
            ways.append(and_(_from_field(entries, name), entries.c.id.in_(those)))
    return or_(*ways)


def _from_field(entries: FromClause, name: str) -> ColumnElement[bool]:
    """Return whether an entry is made of a column; of names in other languages there are many."""
    if name == "names":
        return entries.c.field.startswith("names.", autoescape=True)
    return cast(entries.c.field, TextType) == name


def searched() -> list[Layer]:
    """Return the layers that the search looks in."""
    return [each for each in LAYERS if each.searchable and not each.series]


def _matches(source: FromClause, folded: str, most: int | None) -> CTE:
    """Return the entries that match, each with its rank (0 is the text itself)."""
    text, sound, first = source.c.text, source.c.pinyin, source.c.initials
    words = folded.split()
    ranks: list[tuple[ColumnElement[bool], int]] = [
        (text == folded, 0),
        (text.startswith(folded, autoescape=True), 1),
        (text.endswith(folded, autoescape=True), 2),
        (and_(*(text.contains(word, autoescape=True) for word in words)), 3),
    ]
    joined = _joined(folded)
    if joined:
        ranks += [
            (or_(sound == joined, first == joined), 4),
            (
                or_(
                    sound.startswith(joined, autoescape=True),
                    first.startswith(joined, autoescape=True),
                ),
                5,
            ),
            (
                or_(
                    sound.contains(joined, autoescape=True),
                    first.contains(joined, autoescape=True),
                ),
                6,
            ),
        ]
    rank = case(*ranks, else_=None).label("rank")
    length = func.length(text).label("length")
    order = case(
        {layer.name: literal_column(str(place)) for place, layer in enumerate(searched())},
        value=source.c.layer,
        else_=literal_column(str(len(LAYERS))),
    ).label("layer_order")
    found = select(source.c.layer, source.c.id, source.c.field, text, rank, length, order).where(
        or_(*(condition for condition, _ in ranks[3:]))
    )
    if most is not None:
        found = found.order_by(rank, length, order, text, source.c.id).limit(most)
    return found.cte("matches").prefix_with("MATERIALIZED", dialect="postgresql")


def _hits(layer: Layer, actor: Actor, matches: CTE, at: datetime | None) -> Select[Any]:
    visible = rows(layer, actor, at)
    found = select(matches).join(visible, visible.c.id == matches.c.id)
    if not actor.sees_all(layer):
        found = found.where(told_of(layer, matches, actor, at, seen=True))
    return found.where(matches.c.layer == layer.name)


def _shown(layer: Layer, actor: Actor, top: CTE, at: datetime | None) -> Select[Any]:
    visible = rows(layer, actor, at)
    fields = [(top.c.field == name, visible.c[name]) for name in layer.searchable]
    language = func.substr(top.c.field, len("names.") + 1)
    return (
        select(
            top.c.layer,
            top.c.id,
            title_of(layer, visible).label("title"),
            top.c.field,
            case(*fields, else_=visible.c.names.op("->>")(language)).label("text"),
            *extent_columns(place_of(layer, visible, actor, at)),
            top.c.rank,
            top.c.length,
            top.c.layer_order,
            top.c.text.label("folded"),
        )
        .select_from(top)
        .join(visible, visible.c.id == top.c.id)
        .where(top.c.layer == layer.name)
    )

"""A request for a list, read into a `Listing`; and what a named filter selects, asked once.

A counted question is asked by its count, its list, its groups and every tile of its marks. Its rows
are kept for some seconds under what they depend on - who sees what, the moment, the last change -
so that all of them speak of the same rows and the question is worked out once.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from fastapi import Depends, Query, Request
from sqlalchemy import Select, select

from api.parameters import LayerName
from api.session import Session, SessionOf
from layers.access import answering
from layers.audit.noting import read
from layers.base import Layer
from layers.filter import Filter
from layers.history import last_recorded
from layers.listing import PLACE_KINDS, Listing
from layers.measures.base import Question
from layers.named import NamedFilter, named
from layers.problems import BadRequest
from layers.registry import layer as layer_named

KEPT_S = 15.0
"""How long the rows of a question stand while nothing is recorded: positions are not."""
_MOST_KEPT = 256


@dataclass(frozen=True)
class Chosen:
    """What a named filter selects: its statement, the ids it gave, and since when they stand."""

    named: NamedFilter
    statement: Select[Any]
    ids: tuple[int, ...]
    moment: datetime


class Kept:
    """The answers of named filters, each worked out once at a time in this process."""

    def __init__(self) -> None:
        self._found: OrderedDict[Any, tuple[float, asyncio.Task[Chosen]]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many answers are held."""
        return len(self._found)

    async def chosen(self, session: Session, wanted: NamedFilter) -> Chosen:
        """Return what `wanted` selects of what the session's actor may see."""
        last = await session.fetchrow(last_recorded())
        # The unit narrows the actor, so that the scope's key tells it too.
        key = (wanted.name, session.actor.scope_key, session.at, last and tuple(last))
        known = self._found.get(key)
        if known is not None and time.monotonic() - known[0] < KEPT_S:
            return await asyncio.shield(known[1])
        task = asyncio.ensure_future(_ask(session, wanted))
        made = (time.monotonic(), task)
        self._found[key] = made
        self._found.move_to_end(key)
        self._let_go()
        try:
            return await asyncio.shield(task)
        except BaseException:
            # By now another may have asked anew: that answer stays.
            if self._found.get(key) is made:
                del self._found[key]
            raise

    def _let_go(self) -> None:
        """Drop what no longer stands: an answer may be the ids of a whole layer."""
        old = time.monotonic() - KEPT_S
        while self._found:
            began, _ = next(iter(self._found.values()))
            if began > old and len(self._found) <= _MOST_KEPT:
                return
            self._found.popitem(last=False)


def question_of(session: Session) -> Question:
    """Return the question that a session asks: who, at which moment, by which clock."""
    return Question(session.actor, session.at, session.config.now(), session.config.zone)


async def _ask(session: Session, wanted: NamedFilter) -> Chosen:
    actor = answering(session.actor, wanted.title, wanted.layer, *wanted.rests)
    question = replace(question_of(session), actor=actor)
    needs = wanted.needs(question)
    found = await asyncio.gather(*(session.fetch(each) for each in needs.values()))
    statement = wanted.ask(question, dict(zip(needs, found, strict=True)))
    ids = await session.fetch(select(statement.subquery().c.id))
    return Chosen(wanted, statement, tuple(row[0] for row in ids), question.at or question.now)


async def chosen_of(request: Request, session: Session, name: str) -> Chosen:
    """Return what the filter called `name` selects."""
    kept: Kept = request.app.state.kept
    return await kept.chosen(session, named(name))


async def chosen_for(request: Request, session: Session, name: str, layer: Layer) -> Chosen:
    """Return what the filter called `name` selects of a layer.

    Raises
    ------
    BadRequest : the filter is about another layer.
    """
    found = await chosen_of(request, session, name)
    if found.named.layer != layer.name:
        raise BadRequest(
            zh=f"“{found.named.title.zh}”属于图层 {found.named.layer}，不是 {layer.name}",
            en=f"'{name}' is about {found.named.layer}, not {layer.name}",
            field="named",
            value=name,
        )
    return found


NamedName = Annotated[
    str | None, Query(description="有名问题 | a named filter", examples=["vacant_rooms"])
]
Words = Annotated[
    str | None,
    Query(max_length=100, description="行内文字 | words in the row or in what it names"),
]
Condition = Annotated[str | None, Query(description="CQL2", examples=["state = 'vacant'"])]
Encoding = Annotated[
    Literal["cql2-text", "cql2-json"],
    Query(alias="filter-lang", description="CQL2 的写法 | encoding of the filter"),
]
Box = Annotated[str | None, Query(description="西,南,东,北 | west,south,east,north (EPSG:4326)")]
Span = Annotated[
    str | None, Query(description="观测时间 | moment or span", examples=["2026-10-11/.."])
]
Place = Annotated[
    str | None,
    Query(description="所在 | level/14, building/3, site/1, body/17", examples=["level/14"]),
]
Sorting = Annotated[str | None, Query(description="排序，前加 - 为降序 | - before one that falls")]


async def listing_of(
    request: Request,
    session: SessionOf,
    layer: LayerName,
    named: NamedName = None,
    q: Words = None,
    filter: Condition = None,
    filter_lang: Encoding = "cql2-text",
    bbox: Box = None,
    datetime: Span = None,
    place: Place = None,
    sort: Sorting = None,
) -> Listing:
    """Return the rows that an address asks for.

    Raises
    ------
    BadRequest, NotFound : a parameter that cannot be understood, named with its remedy.
    """
    shown = layer_named(layer)
    question = question_of(session)
    asked = Filter.parse(
        bbox=bbox,
        datetime=datetime,
        filter=filter,
        filter_lang=filter_lang,
        zone=session.config.zone,
    )
    listing = Listing(
        shown,
        session.actor,
        session.at,
        question.day,
        filter=asked,
        text=_words(session, q),
        inside=_place(place),
        sort=sort or "",
    )
    if named is None:
        return listing
    found = await chosen_for(request, session, named, shown)
    # Its rows tell of what it rests on, whichever of them are looked at.
    read(*(name.partition(".")[0] for name in found.named.rests))
    return replace(
        listing,
        filter=replace(asked, ids=found.ids),
        named=found.named,
        chosen=found.statement,
        sort=sort or found.named.order,
    )


ListingOf = Annotated[Listing, Depends(listing_of)]


def _words(session: Session, text: str | None) -> str | None:
    words = (text or "").strip()
    if words and session.at is not None:
        raise BadRequest(
            zh="列表内查找只针对当前的数据，不能与 at 同用；请去掉 q，或改用列的筛选",
            en="Words are looked for in the data as they are now: q does not go with at. "
            "Leave q out, or filter by a column",
            field="q",
            value=words,
        )
    return words or None


def _place(text: str | None) -> tuple[str, int] | None:
    if not text:
        return None
    kind, _, key = unquote(text).partition("/")
    if kind in PLACE_KINDS and key.isascii() and key.isdecimal() and len(key) < 19:
        return kind, int(key)
    raise BadRequest(
        zh=f"place 的值“{text}”无效；写法：level/14、building/3、site/1、body/17",
        en=f"place: '{text}' is not understood; write level/14, building/3, site/1 or body/17",
        field="place",
        value=text,
    )

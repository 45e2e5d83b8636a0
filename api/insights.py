"""What the rules say of one thing: the insights of its layer, asked side by side."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from api.composed import composed
from api.listed import question_of
from api.session import Session
from layers.access import rows
from layers.audit.noting import read
from layers.base import Layer
from layers.insights import INSIGHTS, Insight, Told
from layers.labels import Text, heading
from layers.measures.base import Question
from layers.places import titled
from layers.registry import layer as layer_named


async def insights_of(session: Session, shown: Layer, key: int) -> list[dict[str, Any]]:
    """Return what is told of the row `key` of a layer, in the order of `INSIGHTS`."""
    asked = {
        each: replace(question, actor=actor)
        for question in [question_of(session)]
        for each in INSIGHTS
        if each.layer == shown.name
        and (actor := session.actor.able(each.layer, *each.rests)) is not None
    }
    told = await asyncio.gather(*(_told(session, each, q, key) for each, q in asked.items()))
    pairs = [(each, said) for each, said in zip(asked, told, strict=True) if said is not None]
    titles = await _titles(session, [said for _, said in pairs])
    read(*{name for name, _ in titles})
    return [_described(session, each, said, titles) for each, said in pairs]


async def _told(session: Session, insight: Insight, question: Question, key: int) -> Told | None:
    statements = composed(
        session,
        ("insight", insight.layer, insight.name),
        key,
        lambda of, now: insight.ask(replace(question, now=now), of),
    )
    found = await asyncio.gather(*(session.fetch(each) for each in statements.values()))
    return insight.read(question, key, dict(zip(statements, found, strict=True)))


async def _titles(session: Session, told: list[Told]) -> dict[tuple[str, int], str]:
    """Return the titles of what the lines speak of; what is not to be seen has none."""
    wanted: dict[str, set[int]] = {}
    for said in told:
        for line in said.lines:
            if line.link is not None:
                wanted.setdefault(line.link[0], set()).add(line.link[1])
    names = sorted(wanted)
    found = await asyncio.gather(
        *(session.fetch(_title_statement(session, name, wanted[name])) for name in names)
    )
    return {
        (name, row["id"]): row["title"]
        for name, rows_ in zip(names, found, strict=True)
        for row in rows_
    }


def _title_statement(session: Session, name: str, ids: set[int]) -> Select[Any]:
    shown = layer_named(name)
    thing = rows(shown, session.actor, session.at).alias()
    title = titled(shown, thing, session.actor, session.at)
    return select(thing.c.id, title.label("title")).where(thing.c.id.in_(sorted(ids)))


def _described(
    session: Session, insight: Insight, told: Told, titles: dict[tuple[str, int], str]
) -> dict[str, Any]:
    return {
        "name": insight.name,
        "title": insight.title._asdict(),
        "status": told.status,
        "headline": told.headline._asdict(),
        "lines": [
            {
                "name": line.name,
                "title": heading(line.title)._asdict(),
                "value": _local(session, line.value),
                "unit": line.unit,
                "link": _link(line.link, titles),
            }
            for line in told.lines
        ],
        "citation": insight.citation._asdict() if insight.citation else None,
    }


def _link(link: tuple[str, int] | None, titles: dict[tuple[str, int], str]) -> Any:
    if link is None or link not in titles:
        return None
    return {"layer": link[0], "id": link[1], "title": titles[link]}


def _local(session: Session, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(session.config.zone).replace(microsecond=0)
    if isinstance(value, Text):
        return session.say(value)
    return value

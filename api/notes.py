"""What goes out with a list: what it is, as of when, by which rule, and what narrowed it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from sqlalchemy import select

from api.routes.search import paths_of
from api.session import Session
from layers.access import rows
from layers.filter import Filter
from layers.filter_words import in_words
from layers.labels import Text
from layers.listing import Listing
from layers.places import titled
from layers.registry import LAYERS

Note = tuple[str, Any]
DEMO = Text("虚构演示数据", "Fictional demo data")
_PLACE_LAYERS = {each.table.name: each for each in LAYERS}


def title_of(session: Session, listing: Listing) -> str:
    """Return what the list is: the layer, and the question it answers."""
    layer = session.say(listing.layer.title)
    if listing.named is None:
        return layer
    return f"{session.say(listing.named.title)}（{layer}）"


async def notes_of(
    session: Session, listing: Listing, moment: datetime, totals: dict[str, Any]
) -> list[Note]:
    """Return headings and values: of a workbook its second sheet."""
    say = session.say
    notes: list[Note] = [
        (say(Text("列表", "List")), title_of(session, listing)),
        (say(Text("数据时刻", "As of")), moment),
        (say(Text("时区", "Time zone")), session.config.timezone),
        (say(Text("行数", "Rows")), totals["total"]),
        (say(Text("地图上", "On the map")), totals["on_map"]),
    ]
    for reason in totals["off_map"]:
        text = Text(**reason["title"])
        notes.append(
            (say(Text(f"未上图：{text.zh}", f"Not on the map: {text.en}")), reason["count"])
        )
    if listing.named is not None:
        notes.append((say(Text("规则", "Rule")), say(listing.named.description)))
        if listing.named.citation is not None:
            notes.append((say(Text("依据", "Source")), say(listing.named.citation)))
    notes += await _narrowed(session, listing)
    if session.config.demo:
        notes.append((say(Text("说明", "Note")), say(DEMO)))
    return notes


async def _narrowed(session: Session, listing: Listing) -> list[Note]:
    """Return the notes of what narrowed the list: the body, the place, words and columns."""
    say = session.say
    asked = {
        Text("所看单位", "Seen as"): ("body", session.unit) if session.unit is not None else None,
        Text("所在", "Place"): listing.inside,
    }
    places = {title: place for title, place in asked.items() if place is not None}
    named = await asyncio.gather(*(_place(session, *place) for place in places.values()))
    notes: list[Note] = [(say(title), name) for title, name in zip(places, named, strict=True)]
    if listing.text:
        notes.append((say(Text("含文字", "Containing")), listing.text))
    notes += _spans(session, listing.filter)
    if listing.filter.cql is not None:
        for title, said in in_words(listing.layer, listing.filter.cql):
            headed = Text(f"筛选：{title.zh}", f"Filter: {title.en}")
            notes.append((say(headed), say(said)))
    return notes


def _spans(session: Session, asked: Filter) -> list[Note]:
    say, zone = session.say, session.config.zone
    notes: list[Note] = []
    if asked.area is not None:
        bounds = ", ".join(f"{each:.6g}" for each in asked.area.bounds)
        notes.append((say(Text("范围（西,南,东,北）", "Area (west, south, east, north)")), bounds))
    if asked.since is not None:
        notes.append((say(Text("观测自", "Observed from")), asked.since.astimezone(zone)))
    if asked.until is not None:
        notes.append((say(Text("观测至", "Observed until")), asked.until.astimezone(zone)))
    return notes


async def _place(session: Session, kind: str, key: int) -> str:
    """Return what a container or a body is called, with what it lies in."""
    layer = _PLACE_LAYERS[kind]
    thing = rows(layer, session.actor, session.at).alias()
    title = titled(layer, thing, session.actor, session.at).label("title")
    found, known = await asyncio.gather(
        session.fetchrow(select(title).where(thing.c.id == key)),
        paths_of(session, {layer.name: [key]}),
    )
    steps = [step.name for step in known.get((layer.name, key), [])]
    return " › ".join([*steps, str(found["title"]) if found else f"{kind}/{key}"])

"""The versions of one thing, told with the words of its layer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from api.session import Session
from layers.audit.noting import read
from layers.base import Layer
from layers.fields import Field, fields_of
from layers.past import BEFORE, INSTANT, SIDES, Span, image, log_of, titles
from layers.prepared import Prepared, prepare
from layers.registry import layer

# Told beside the fields, or followed from other columns.
_ASIDE = ("id", "revision", "path")
_FREE = ("names", "attributes")
# A thing that was changed more often without ever being the caller's to see is taken for unseen.
_MOST_UNSEEN = 500
# So that one history does not take every connection of the process.
_AT_ONCE = 2

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Version:
    """One change of a thing: what it was before and what it was after, where that is seen."""

    change: Row
    before: Row | None
    after: Row | None

    @property
    def operation(self) -> str:
        """What it did, as the caller sees it."""
        if self.before is None:
            return "added"
        return "gone" if self.after is None else "altered"


@dataclass(frozen=True)
class Versions:
    """A page of versions, the newest first, and whether there are older ones."""

    found: Sequence[Version]
    more: bool


async def versions_of(
    session: Session, shown: Layer, key: int, before: int | None, limit: int, *, geometry: bool
) -> Versions:
    """Return what the caller may see of the changes of one thing."""
    asked = prepare(image(shown, session.actor, key, BEFORE, geometry=geometry))
    found: list[Version] = []
    examined, newer = 0, before
    while True:
        size = limit + 2
        log = await session.fetch(log_of(shown, key, Span(None, session.at, newer), size + 1))
        last = len(log) <= size
        images = await _images(session, asked, log)
        known = await _known(session, shown, key, log, images, newer, geometry=geometry)
        for place, change in enumerate(log):
            if change["seq"] == newer or (place == len(log) - 1 and not last):
                continue
            made = Version(change, known[place + 1], known[place])
            if made.before is not None or made.after is not None:
                found.append(made)
            if len(found) > limit:
                return Versions(found[:limit], True)
        examined += len(log)
        if last or (not found and examined > _MOST_UNSEEN):
            return Versions(found, False)
        newer = log[-2]["seq"]


async def _images(
    session: Session, asked: Prepared, log: Sequence[Row]
) -> dict[datetime, Row | None]:
    """Return what the thing was just before and at each change, through the door of its time."""
    moments = [t for c in log for t in (c["recorded_at"] - INSTANT, c["recorded_at"])]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def at(moment: datetime) -> Row | None:
        async with gate:
            return await session.fetchrow(asked.about({BEFORE: moment}))

    return dict(zip(moments, await asyncio.gather(*map(at, moments)), strict=True))


async def _known(
    session: Session,
    shown: Layer,
    key: int,
    log: Sequence[Row],
    images: Mapping[datetime, Row | None],
    newer: int | None,
    *,
    geometry: bool,
) -> list[Row | None]:
    """Return what each change led to, and last what the oldest one met.

    A version counts as seen where it was seen as it began or as it ended.
    """
    ends: Row | None = None
    if newer is None:
        now = image(shown, session.actor, key, session.at, geometry=geometry)
        ends = await session.fetchrow(now)
    known = []
    for change in log:
        known.append(images[change["recorded_at"]] or ends)
        # Before the first record the door answers the earliest known state, in which it is.
        born = change["operation"] == "I"
        ends = None if born else images[change["recorded_at"] - INSTANT]
    return [*known, ends]


async def told(
    session: Session, shown: Layer, versions: Sequence[Version], *, geometry: bool
) -> list[dict[str, Any]]:
    """Return versions as they are answered: labels, units and titles in the caller's language."""
    fields = [each for each in fields_of(shown) if each.name not in _ASIDE]
    named = await _named(session, fields, versions)
    read(*{name for name, _ in named})
    return [
        {
            "seq": each.change["seq"],
            "recorded_at": each.change["recorded_at"].astimezone(session.config.zone),
            "actor": each.change["actor"],
            "reason": each.change["reason"],
            "undoes": each.change["undoes"],
            "operation": each.operation,
            "revision": (each.after or each.before or {})["revision"],
            "fields": _fields(session, fields, named, each),
            "moved": _shape(each.before) != _shape(each.after),
            "bbox_before": _box(each.before),
            "bbox_after": _box(each.after),
            **({"geometry": _drawn(each)} if geometry else {}),
        }
        for each in versions
    ]


def _shape(row: Row | None) -> Any:
    return row and row["shape"]


def _box(row: Row | None) -> list[float] | None:
    if row is None or row["west"] is None:
        return None
    return [row[side] for side in SIDES]


def _drawn(version: Version) -> Any:
    return _json((version.after or version.before or {})["geojson"])


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


async def _named(
    session: Session, fields: Sequence[Field], versions: Sequence[Version]
) -> dict[tuple[str, int], str]:
    """Return the titles of what versions name: as it is called now, else as it was called then."""
    wanted: dict[str, dict[int, datetime]] = {}
    for each in versions:
        moment = each.change["recorded_at"]
        for row, at in ((each.before, moment - INSTANT), (each.after, moment)):
            for field in fields:
                if row is not None and field.reference and row[field.name] is not None:
                    wanted.setdefault(field.reference, {}).setdefault(row[field.name], at)
    found: dict[tuple[str, int], str] = {}
    for name, ids in wanted.items():
        target, actor = layer(name), session.actor
        rows = await session.fetch(titles(target, actor, list(ids), session.at))
        found |= {(name, row["id"]): row["title"] for row in rows}
        for key, at in ids.items():
            if (name, key) not in found:
                row = await session.fetchrow(titles(target, actor, [key], at))
                if row is not None:
                    found[name, key] = row["title"]
    return found


def _fields(
    session: Session,
    fields: Sequence[Field],
    named: Mapping[tuple[str, int], str],
    version: Version,
) -> list[dict[str, Any]]:
    made = []
    for field in fields:
        before, after = (row and row[field.name] for row in (version.before, version.after))
        if before == after:
            continue
        if field.name in _FREE:
            made += _free(field, _json(before) or {}, _json(after) or {})
            continue
        made.append(
            {
                "field": field.name,
                "title": field.title._asdict(),
                "unit": field.unit,
                "before": _side(session, field, named, before),
                "after": _side(session, field, named, after),
            }
        )
    return made


def _side(
    session: Session, field: Field, named: Mapping[tuple[str, int], str], value: Any
) -> dict[str, Any] | None:
    if value is None:
        return None
    label = field.choices.get(value) if isinstance(value, str) else None
    title = named.get((field.reference, value)) if field.reference else None
    return {
        "value": _json(value) if field.type == "object" else value,
        "label": session.say(label) if label else None,
        # What the caller may not see has no name here, and no link.
        "reference": {"layer": field.reference, "id": value, "title": title} if title else None,
    }


def _free(field: Field, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Any]:
    """Return what changed in a column of free names, each under its own heading."""
    return [
        {
            "field": f"{field.name}.{name}",
            "title": (
                {"zh": name, "en": name}
                if field.name == "attributes"
                else {"zh": f"{field.title.zh} · {name}", "en": f"{field.title.en} · {name}"}
            ),
            "unit": None,
            "before": _plain(before.get(name)),
            "after": _plain(after.get(name)),
        }
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def _plain(value: Any) -> dict[str, Any] | None:
    return None if value is None else {"value": value, "label": None, "reference": None}

"""What the panel shows of one thing: its facts, where it is, its source and what belongs to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter
from sqlalchemy import Select
from starlette.responses import Response

from api.answers import answer_of, documented
from api.composed import composed
from api.insights import insights_of
from api.parameters import LayerName, RowId
from api.records import earliest_of
from api.routes.search import place
from api.schemas import FEATURE
from api.session import Session, SessionOf
from layers.audit.noting import read
from layers.base import Layer
from layers.facts import TITLE_OF, facts, latest, related, series_of, subtitle_column
from layers.fields import Field, fields_of
from layers.fields import title_of as heading_of
from layers.labels import CHOICES, Text, unit_text
from layers.places import Place, paths, read_path
from layers.problems import NotFound
from layers.registry import LAYERS, layer

router = APIRouter(tags=["facts"])
# Said elsewhere in the answer: the key, the title and the source.
_SAID = ("id", "revision", "source", "source_key", "attributes", "names", "path")
_BELOW = Text("下级", "below")
_EXAMPLE: dict[str, Any] = {
    "layer": "rooms",
    "id": 412,
    "title": "B03-412",
    "names": {},
    "path": [{"layer": "buildings", "id": 3, "name": "3号楼"}],
    "insights": [
        {
            "name": "area_standard",
            "title": {"zh": "面积核定", "en": "Area standard"},
            "status": "bad",
            "headline": {"zh": "超出标准 14.4 m²", "en": "14.4 m² over the standard"},
            "lines": [
                {
                    "name": "over_m2",
                    "title": {"zh": "超出", "en": "Over"},
                    "value": 14.4,
                    "unit": "m²",
                    "link": None,
                }
            ],
            "citation": {"zh": "发改投资〔2014〕2674号", "en": "发改投资〔2014〕2674号"},
        }
    ],
    "facts": [
        {
            "field": "usable_area_m2",
            "title": {"zh": "使用面积", "en": "Declared usable area"},
            "value": 26.4,
            "label": None,
            "unit": "m²",
            "reference": None,
        },
        {
            "field": "use",
            "title": {"zh": "用途", "en": "Use"},
            "value": "office",
            "label": "办公室",
            "unit": None,
            "reference": None,
        },
    ],
    "source": {
        "source": "demo",
        "source_key": "B03-412",
        "revision": 1,
        "recorded_at": "2026-10-12T09:00:00+08:00",
    },
    "related": [
        {
            "layer": "persons",
            "role": None,
            "title": {"zh": "人员", "en": "People"},
            "count": 1,
            "items": [{"id": 7, "title": "周试一", "subtitle": "副科级"}],
        }
    ],
    "center": [119.6012, 38.9003],
    "bbox": [119.60115, 38.90026, 119.60125, 38.90034],
    "geometry": {"type": "Point", "coordinates": [119.6012, 38.9003]},
}


@router.get(
    "/features/{layer_name}/{key}",
    summary="一个对象的全部事实 | Everything known of one thing, and what belongs to it",
    response_class=Response,
    responses=documented(FEATURE, _EXAMPLE, 400, 401, 404, 503),
)
async def feature_facts(session: SessionOf, layer_name: LayerName, key: RowId) -> Response:
    """Return titles in both languages, labels in the caller's, references by title.

    A series (positions, readings) is asked for by the id of its thing and answers with that.
    """
    shown = layer(layer_name)
    if shown.series is not None:
        model = shown.series.thing
        shown = next(each for each in LAYERS if each.model is model)
    zone = session.config.zone
    observed = series_of(shown) if session.at is None else []
    asked = composed(
        session, ("facts", shown.name), key, lambda of, now: _statements(session, shown, of, now)
    )
    row = await session.fetchrow(asked["facts"])
    if row is None:
        raise NotFound(
            zh=f"图层“{layer_name}”中没有编号为 {key} 的对象，或您无权查看",
            en=f"There is no {key} in '{layer_name}', or it is not yours to see",
        )
    lists, path, told, *newest = await asyncio.gather(
        _all(session, asked.get("related")),
        _all(session, asked.get("path")),
        insights_of(session, shown, key),
        *(session.fetchrow(asked[series.name]) for series in observed),
    )
    found = [_fact(session, each, row) for each in fields_of(shown) if each.name not in _SAID]
    found += _others(row["attributes"])
    seen = zip(observed, newest, strict=True)
    found += [each for series, reading in seen for each in _newest(session, series, reading)]
    read(
        *(each["layer"] for each in lists),
        *(each["reference"]["layer"] for each in found if each["reference"]),
        *(series.name for series, reading in zip(observed, newest, strict=True) if reading),
    )
    document = {
        "layer": shown.name,
        "id": key,
        "title": row["shown_title"],
        "names": _json(row["names"]) or {},
        "path": [step._asdict() for step in _steps(path)],
        "insights": told,
        "facts": found,
        "source": {
            "source": row["source"],
            "source_key": row["source_key"],
            "revision": row["revision"],
            "recorded_at": row["recorded_at"],
        },
        "related": _lists(session, shown, lists),
        **place(row),
        "geometry": _json(row["geojson"]),
    }
    first = await earliest_of(session, shown)
    if first is not None:
        document["earliest"] = first.astimezone(zone)
    return answer_of(document)


def _statements(session: Session, shown: Layer, key: int, now: datetime) -> dict[str, Select[Any]]:
    """Return what is asked of a row: its facts, what belongs to it, its path, newest observations.

    An observation stands under the name of its series.
    """
    actor, at, zone = session.actor, session.at, session.config.zone
    day = (at or now).astimezone(zone).date()
    asked: dict[str, Select[Any] | None] = {
        "facts": facts(shown, actor, key, at),
        "related": related(shown, actor, key, at, on=day, timezone=zone.key),
        "path": paths(actor, {shown.name: [key]}, at, day),
    }
    if at is None:
        asked |= {series.name: latest(series, actor, key) for series in series_of(shown)}
    return {name: statement for name, statement in asked.items() if statement is not None}


async def _all(session: Session, statement: Any) -> list[Any]:
    return [] if statement is None else await session.fetch(statement)


def _steps(found: list[Any]) -> list[Place]:
    return read_path(found[0]) if found else []


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


def _fact(session: Session, shown: Field, row: Mapping[str, Any]) -> dict[str, Any]:
    value = row[shown.name]
    label = shown.choices.get(value) if isinstance(value, str) else None
    named = None
    if shown.reference is not None and value is not None:
        title = row[TITLE_OF + shown.name]
        # What the caller may not see has no name here, and no link.
        if title is not None:
            named = {"layer": shown.reference, "id": value, "title": title}
    return {
        "field": shown.name,
        "title": shown.title._asdict(),
        "value": _json(value) if shown.type == "object" else value,
        "label": session.say(label) if label else None,
        "unit": shown.unit,
        "reference": named,
    }


def _others(attributes: Any) -> list[dict[str, Any]]:
    """Return what the file said beyond the columns, under its own headings."""
    return [
        {
            "field": f"attributes.{name}",
            "title": {"zh": name, "en": name},
            "value": value,
            "label": None,
            "unit": None,
            "reference": None,
        }
        for name, value in (_json(attributes) or {}).items()
    ]


def _newest(session: Session, series: Layer, row: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the newest observation, if there is one, as facts headed by the series' name."""
    made = []
    for name, value in (row or {}).items():
        column = series.table.c.get(name)
        if column is None or value is None:
            continue
        heading = heading_of(column)
        label = CHOICES.get(column.info.get("choices", ""), {}).get(str(value))
        made.append(
            {
                "field": f"{series.name}.{name}",
                "title": {
                    "zh": f"{series.title.zh} · {heading.zh}",
                    "en": f"{series.title.en} · {heading.en}",
                },
                "value": value,
                "label": session.say(label) if label else None,
                "unit": column.info.get("unit"),
                "reference": None,
            }
        )
    return made


def _lists(session: Session, shown: Layer, found: list[Any]) -> list[dict[str, Any]]:
    lists: dict[tuple[str, str], dict[str, Any]] = {}
    for row in found:
        listed = layer(row["layer"])
        entry = lists.setdefault(
            (row["layer"], row["role"]),
            {
                "layer": row["layer"],
                "role": row["role"] or None,
                "title": _heading(shown, listed, row["role"])._asdict(),
                "count": row["total"],
                "items": [],
            },
        )
        entry["items"].append(
            {
                "id": row["id"],
                "title": row["title"],
                "subtitle": _subtitle(session, listed, row["subtitle"]),
            }
        )
    return list(lists.values())


def _heading(shown: Layer, listed: Layer, role: str) -> Text:
    if not role:
        return listed.title
    title = heading_of(listed.table.c[role])
    if listed is shown:
        return Text(f"{_BELOW.zh}{listed.title.zh}", f"{listed.title.en} {_BELOW.en}")
    return Text(f"{listed.title.zh} · {title.zh}", f"{listed.title.en} · {title.en}")


def _subtitle(session: Session, listed: Layer, value: str | None) -> str | None:
    column = subtitle_column(listed)
    if column is None or value is None:
        return None
    if "choices" in column.info:
        label = CHOICES[column.info["choices"]].get(value)
        return session.say(label) if label else value
    return f"{float(value):g} {session.say(unit_text(column.info['unit']))}"

"""The catalogue of layers and the map's style: what a page or a notebook needs to begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from sqlalchemy import exists, func, literal, select, union_all
from starlette.responses import Response

from api.answers import answer_of, documented
from api.places import bounds_of, service_url
from api.routes.tiles import pictures
from api.schemas import CATALOGUE, FREE, PAINT
from api.session import Session, SessionOf
from layers.access import Actor, latest_rows, rows
from layers.base import Feature, Layer, Tracked
from layers.committed import last_place
from layers.editing.edit import by_hand
from layers.fields import Field, fields_of
from layers.labels import GROUPS, UNITS, Text
from layers.measures import MEASURES
from layers.registry import LAYERS
from tiles.style import style
from tiles.vector import drawable

router = APIRouter(tags=["map"])
TITLE = Text("一张图", "One map")
_CATALOGUE: dict[str, Any] = {
    "title": {"zh": "一张图", "en": "One map"},
    "seq": 41,
    "demo": True,
    "edits": True,
    "now": "2026-10-12T09:00:00+08:00",
    "timezone": "Asia/Shanghai",
    "bounds": [119.55, 38.87, 119.68, 38.94],
    "units": {"人": {"zh": "人", "en": "people"}},
    "groups": [{"name": "estate", "title": {"zh": "房产", "en": "Estate"}}],
    "layers": [
        {
            "name": "rooms",
            "group": "estate",
            "title": {"zh": "房间", "en": "Rooms"},
            "description": {"zh": "…", "en": "…"},
            "spatial": True,
            "geometry": "polygon",
            "shown": True,
            "tiles": "/tiles/rooms/{z}/{x}/{y}",
            "tilejson": "/tiles/rooms",
            "raster": False,
            "zooms": [16, 19],
            "paint": {
                "kind": "fill",
                "color": "#f7f3ea",
                "dark": "#2b3038",
                "outline": "#b9b2a3",
                "outline_dark": None,
                "width": 1.0,
                "opacity": 1.0,
                "label": "number",
                "label_zoom": 17,
                "by": "use",
                "colors": {"office": "#f3ead2"},
            },
            "count": 3042,
            "measures": ["occupancy", "over_quota"],
            "searchable": ["number", "name"],
            "items": "/ogc/collections/rooms/items",
            "fields": [
                {
                    "name": "usable_area_m2",
                    "title": {"zh": "使用面积", "en": "Declared usable area"},
                    "type": "number",
                    "unit": "m²",
                    "choices": None,
                    "reference": None,
                    "editable": True,
                    "required": False,
                }
            ],
            "makes": True,
            "places": True,
        }
    ],
}
_STYLE: dict[str, Any] = {
    "version": 8,
    "name": "One map",
    "sources": {
        "onemap-rooms": {
            "type": "vector",
            "tiles": ["http://127.0.0.1:8080/tiles/rooms/{z}/{x}/{y}"],
            "minzoom": 16,
            "maxzoom": 19,
        }
    },
    "layers": [{"id": "land", "type": "background", "paint": {"background-color": "#f4f2ee"}}],
    "center": [119.615, 38.905],
}


@router.get(
    "/catalogue",
    summary="Every layer: title, fields, units, tiles, how it looks, how many rows",
    response_class=Response,
    responses=documented(CATALOGUE, _CATALOGUE, 401, 503),
)
async def catalogue(session: SessionOf) -> Response:
    """Return the catalogue of what the caller may see."""
    # Read first: whatever is read later is at least as new, and /events tells what came after.
    place = await session.fetchrow(last_place())
    seen = [each for each in LAYERS if session.actor.sees(each)]
    counts = await _counts(session, seen)
    main = [each for each in seen if each.group == "estate"]
    document = {
        "title": TITLE._asdict(),
        "seq": (place and place[0]) or 0,
        "demo": session.config.demo,
        "edits": session.actor.edits,
        "now": session.config.now().astimezone(session.config.zone).isoformat(timespec="seconds"),
        "timezone": session.config.timezone,
        "bounds": await bounds_of(session, main) or await bounds_of(session, seen),
        "units": {unit: text._asdict() for unit, text in UNITS.items()},
        "groups": [{"name": name, "title": title._asdict()} for name, title in GROUPS.items()],
        "layers": [_described(session, layer, counts[layer.name]) for layer in seen],
    }
    return answer_of(document)


@router.get(
    "/style.json",
    summary="MapLibre style of the whole map",
    response_class=Response,
    responses=documented(FREE, _STYLE, 401, 503),
)
async def style_json(
    request: Request,
    session: SessionOf,
    theme: Annotated[
        Literal["light", "dark"], Query(description="日间或夜间 | day or night")
    ] = "light",
) -> Response:
    """Return the style: every layer, labels of the reader's own fonts, no outside address."""
    seen = tuple(each for each in LAYERS if session.actor.sees(each))
    main = [each for each in seen if each.group == "estate"]
    made = style(
        seen,
        base=service_url(request),
        language=session.language,
        theme=theme,
        rasters=await pictures(session),
        view=await bounds_of(session, main),
    )
    return answer_of(made)


async def _counts(session: Session, layers: Sequence[Layer]) -> dict[str, int]:
    """Count what the actor sees of each layer; of a series, the things that have rows at all."""
    parts = []
    for layer in layers:
        source = _counted(layer, session)
        parts.append(
            select(literal(layer.name).label("layer"), func.count().label("count")).select_from(
                source
            )
        )
    return {row["layer"]: row["count"] for row in await session.fetch(union_all(*parts))}


def _counted(layer: Layer, session: Session) -> sa.FromClause:
    """Return what is counted: rows, or the things of a series without reading all it holds."""
    if layer.series is None:
        return rows(layer, session.actor, session.at)
    if layer.series.latest is not None:
        return latest_rows(layer.series, session.actor)
    thing = rows(layer.series.thing, session.actor, session.at)
    observed = exists().where(layer.table.c[layer.series.thing_key] == thing.c.id)
    return select(thing.c.id).where(observed).subquery()


def _described(session: Session, layer: Layer, count: int) -> dict[str, Any]:
    tiles, actor = drawable(layer), session.actor
    writes = actor.edited(layer) if issubclass(layer.model, Tracked) and layer.model.managed else ()
    return {
        "name": layer.name,
        "group": layer.group,
        "title": layer.title._asdict(),
        "description": layer.description._asdict(),
        "spatial": layer.spatial,
        "geometry": geometry_of(layer),
        "shown": layer.shown,
        "tiles": f"/tiles/{layer.name}/{{z}}/{{x}}/{{y}}" if tiles else None,
        "tilejson": f"/tiles/{layer.name}" if tiles else None,
        "raster": layer.spatial and not tiles,
        "zooms": list(layer.zooms),
        "paint": _paint(layer),
        "count": count,
        "measures": [
            each.name
            for each in MEASURES
            if each.layer == layer.name and actor.able(each.layer, *each.rests) is not None
        ],
        "searchable": list(layer.searchable),
        "items": f"/ogc/collections/{layer.name}/items",
        "fields": [described_field(actor, layer, each) for each in fields_of(layer)],
        "makes": any(each.covers(None) for each in writes) and by_hand(layer),
        "places": layer.spatial and any(each.covers("geom") for each in writes),
    }


def _paint(layer: Layer) -> dict[str, Any] | None:
    if layer.paint is None:
        return None
    found = vars(layer.paint) | {"colors": dict(layer.paint.colors)}
    return {name: found[name] for name in PAINT["properties"]}


def geometry_of(layer: Layer) -> str | None:
    """Return ``polygon``, ``line`` or ``point``; None for a layer without a place."""
    if not layer.spatial:
        return None
    if not issubclass(layer.model, Feature):
        return "point"
    kind = layer.model.geometry_type.removeprefix("MULTI").rstrip("MZ").lower()
    return {"polygon": "polygon", "linestring": "line", "point": "point"}.get(kind)


def described_field(actor: Actor, layer: Layer, field: Field) -> dict[str, Any]:
    """Return a field as the catalogue and the lists tell it: editable where the actor may."""
    return {
        "name": field.name,
        "title": field.title._asdict(),
        "type": field.type,
        "unit": field.unit,
        "choices": {code: text._asdict() for code, text in field.choices.items()} or None,
        "reference": field.reference,
        "editable": field.editable and any(w.covers(field.name) for w in actor.edited(layer)),
        "required": field.required,
    }

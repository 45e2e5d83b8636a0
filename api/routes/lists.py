"""Lists: every layer's rows with sort, filter, totals and groups, and their marks on the map."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from sqlalchemy import func, select
from starlette.responses import Response

from api.answers import answer_of, documented
from api.list_schemas import GROUPED, KEYS, LISTED
from api.listed import ListingOf
from api.ogc.items import identity
from api.parameters import Column, Row, Zoom
from api.problems import described
from api.routes.catalogue import described_field
from api.routes.search import paths_of, place
from api.session import Session, SessionOf
from layers.audit.noting import read
from layers.base import Layer
from layers.editing.edit import MOST
from layers.facts import TITLE_OF, layer_of_key
from layers.fields import fields_of
from layers.labels import CHOICES
from layers.listing import SHOWN_TITLE, Listing
from layers.marks import marks
from layers.paging import read_token, write_token
from layers.placing import REASONS
from layers.problems import BadRequest
from layers.registry import LAYERS
from tiles.compress import packed
from tiles.vector import Tile

router = APIRouter(tags=["lists"], prefix="/lists")
MVT = "application/vnd.mapbox-vector-tile"
# What every row has and few read: offered, but not shown at first.
_ASIDE = ("id", "revision", "source", "source_key", "names", "attributes", "body_id")
_LEFT_OUT = ("names", "path")
_FIRST_SHOWN = 8
_EXAMPLE: dict[str, Any] = {
    "layer": "rooms",
    "named": "vacant_rooms",
    "moment": "2026-10-12T09:00:00+08:00",
    "columns": [
        {
            "name": "usable_area_m2",
            "title": {"zh": "使用面积", "en": "Declared usable area"},
            "type": "number",
            "unit": "m²",
            "choices": None,
            "reference": None,
            "editable": False,
            "required": False,
            "summed": True,
            "shown": True,
            "added": False,
        }
    ],
    "places": ["level", "building", "site", "body"],
    "rows": [
        {
            "id": 412,
            "opens": {"layer": "rooms", "id": 412},
            "title": "B12-501",
            "path": "政府大院 › 12号楼 › 5F",
            "center": [119.6012, 38.9003],
            "bbox": [119.60115, 38.90026, 119.60125, 38.90034],
            "values": {"usable_area_m2": 22.7},
            "refs": {"body_id": {"layer": "bodies", "id": 17, "title": "017 区审计局"}},
        }
    ],
    "next": None,
    "total": 14,
    "sums": {"usable_area_m2": 318.0},
    "on_map": 14,
    "off_map": [],
}


@router.get(
    "/{layer}",
    summary="列表 | Rows of a layer: sorted, filtered, with totals and what is not on the map",
    response_class=Response,
    responses=documented(LISTED, _EXAMPLE, 400, 401, 403, 404, 503),
)
async def list_rows(
    session: SessionOf,
    listing: ListingOf,
    limit: Annotated[int, Query(ge=1, le=500, description="每页行数 | rows a page")] = 50,
    after: Annotated[
        str | None, Query(description="上一页的 next | `next` of the page before")
    ] = None,
    totals: Annotated[
        bool, Query(description="是否计算合计 | whether to add everything up")
    ] = True,
) -> Response:
    """Return a page and, unless told not to, what all pages add up to."""
    token = None
    if after is not None:
        token = read_token(listing.layer, listing.order, after, others=sortables(listing))
    waited = [session.fetch(listing.page(limit, token))]
    if totals:
        waited.append(session.fetch(listing.totals()))
    found, *summed = await asyncio.gather(*waited)
    rows = found[:limit]
    paths = await _paths(session, listing.layer, rows)
    shown = [_row(listing.layer, row, paths, listing) for row in rows]
    read(*{named["layer"] for row in shown for named in row["refs"].values()})
    moment = (session.at or session.config.now()).astimezone(session.config.zone)
    document: dict[str, Any] = {
        "layer": listing.layer.name,
        "named": listing.named.name if listing.named else None,
        "moment": moment.replace(microsecond=0),
        "columns": columns_of(listing),
        "places": listing.place_kinds(),
        "rows": shown,
        "next": write_token(listing.order, rows[-1]) if len(found) > limit else None,
    }
    if summed:
        document |= added_up(listing, summed[0])
    return answer_of(document)


@router.get(
    "/{layer}/keys",
    summary="列表各行的编号与修订号 | The ids of a list's rows, with their revisions",
    response_class=Response,
    responses=documented(KEYS, {"total": 1, "rows": [[412, 3]]}, 400, 401, 403, 404, 503),
)
async def list_keys(session: SessionOf, listing: ListingOf) -> Response:
    """Return ``[id, revision]`` of every row, as many as one change may name, and the total."""
    if "revision" not in listing.layer.table.c:
        raise BadRequest(
            zh=f"图层“{listing.layer.title.zh}”由观测生成，各行没有修订号",
            en=f"'{listing.layer.name}' is observed: its rows have no revisions",
        )
    source = listing.source(added=False)
    wanted = select(source.c.id, source.c.revision, func.count().over()).order_by(source.c.id)
    found = await session.fetch(wanted.limit(MOST))
    total = found[0][2] if found else 0
    return answer_of({"total": total, "rows": [[row[0], row[1]] for row in found]})


@router.get(
    "/{layer}/groups",
    summary="按位置或机构汇总 | The rows summed up by level, building, site or body",
    response_class=Response,
    responses=documented(
        GROUPED,
        {
            "by": "level",
            "groups": [
                {
                    "layer": "levels",
                    "id": 61,
                    "title": "B12 5F",
                    "path": "政府大院 › 12号楼",
                    "count": 14,
                    "sums": {"usable_area_m2": 318.0},
                }
            ],
        },
        400, 401, 403, 404, 503,
    ),
)  # fmt: skip
async def list_groups(
    session: SessionOf,
    listing: ListingOf,
    by: Annotated[
        Literal["level", "building", "site", "body"], Query(description="汇总层级 | by what")
    ],
) -> Response:
    """Return the groups with the most rows first, 5,000 at most; of no place: id null."""
    found = await session.fetch(listing.groups(by))
    target = next(each for each in LAYERS if each.table.name == by)
    paths = await paths_of(session, {target.name: [r["id"] for r in found if r["id"] is not None]})
    groups = [
        {
            "layer": target.name,
            "id": row["id"],
            "title": row["title"],
            "path": " › ".join(step.name for step in paths.get((target.name, row["id"]), [])),
            "count": row["count"],
            "sums": {name: row[name] for name in listing.summed()},
        }
        for row in found
    ]
    return answer_of({"by": by, "groups": groups})


@router.get(
    "/{layer}/tiles/{z}/{x}/{y}",
    summary="列表在图上的标记 | The marks of a list on the map, as a vector tile",
    response_class=Response,
    responses={
        **described(400, 401, 403, 404, 503),
        200: {"description": "MVT", "content": {MVT: {}}},
        204: {"description": "无标记 | nothing lies in this tile"},
    },
)
async def list_marks(
    session: SessionOf, listing: ListingOf, z: Zoom, x: Column, y: Row
) -> Response:
    """Return points with ``n``, ``ids`` and, for a single row, ``id`` and ``title``."""
    tile = Tile(z, x, y)
    statement = marks(listing, tile.z, tile.x, tile.y)
    found = await session.fetchrow(statement) if statement is not None else None
    headers = {
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie, Accept-Encoding",
    }
    if found is None or not found[0]:
        return Response(status_code=204, headers=headers)
    return Response(
        packed(found[0]), headers={**headers, "Content-Encoding": "gzip"}, media_type=MVT
    )


def sortables(listing: Listing) -> Mapping[str, Any]:
    """Return the columns of the source that a token may speak of."""
    return {column.name: column for column in listing.source().c}


def columns_of(listing: Listing) -> list[dict[str, Any]]:
    """Return the columns of the list: those that the filter adds first, then the layer's own."""
    summed = set(listing.summed())
    added = [
        {
            "name": each.name,
            "title": each.heading._asdict(),
            "type": each.type,
            "unit": each.unit,
            "choices": _choices(each.choices),
            "reference": None,
            "editable": False,
            "required": False,
            "summed": each.name in summed,
            "shown": True,
            "added": True,
        }
        for each in (listing.named.columns if listing.named else ())
    ]
    telling = _telling(listing.layer)
    own = [
        {
            **described_field(listing.actor, listing.layer, each),
            "summed": each.name in summed,
            "shown": each.name in telling,
            "added": False,
        }
        for each in fields_of(listing.layer)
        if each.name not in _LEFT_OUT
    ]
    return added + own


def _choices(name: str | None) -> dict[str, Any] | None:
    return {c: t._asdict() for c, t in CHOICES[name].items()} if name else None


def _telling(layer: Layer) -> set[str]:
    """Return the columns that are shown at first: what identifies a row, then its facts."""
    order = [*layer.searchable, *(each.name for each in fields_of(layer))]
    wanted = [name for name in dict.fromkeys(order) if name not in _ASIDE]
    wanted = [n for n in wanted if layer.table.c[n].info.get("title") is not None]
    return set(wanted[:_FIRST_SHOWN])


async def _paths(
    session: Session, layer: Layer, rows: list[Any]
) -> dict[tuple[str, int], list[Any]]:
    if layer.series is not None or not rows:
        return {}
    return dict(await paths_of(session, {layer.name: [row["id"] for row in rows]}))


def _row(
    layer: Layer, row: Mapping[str, Any], paths: dict[tuple[str, int], list[Any]], listing: Listing
) -> dict[str, Any]:
    names = [c.name for c in (listing.named.columns if listing.named else ())]
    names += [each.name for each in fields_of(layer) if each.name not in _LEFT_OUT]
    refs = {}
    for column in layer.table.columns:
        target = layer_of_key(column)
        if target is not None and row[TITLE_OF + column.name] is not None:
            refs[column.name] = {
                "layer": target.name,
                "id": row[column.name],
                "title": row[TITLE_OF + column.name],
            }
    thing = row[layer.series.thing_key] if layer.series else row["id"]
    placed = place(row) if "lon" in row else {"center": None, "bbox": None}
    return {
        "id": identity(layer, row),
        "opens": {"layer": layer.name, "id": thing},
        "title": row[SHOWN_TITLE],
        "path": " › ".join(step.name for step in paths.get((layer.name, thing), [])),
        **placed,
        "values": {name: row[name] for name in names},
        "refs": refs,
    }


def added_up(listing: Listing, found: list[Any]) -> dict[str, Any]:
    """Return total, sums, and how many rows are on the map and why the others are not."""
    sums: dict[str, Any] = {}
    for name in listing.summed():
        known = [row[name] for row in found if row[name] is not None]
        sums[name] = sum(known) if known else None
    off = [row for row in found if row["reason"] is not None and row["count"] > 0]
    total = sum(row["count"] for row in found)
    return {
        "total": total,
        "sums": sums,
        "on_map": total - sum(row["count"] for row in off),
        "off_map": [
            {
                "reason": row["reason"],
                "title": REASONS[row["reason"]]._asdict(),
                "count": row["count"],
            }
            for row in sorted(off, key=lambda each: -each["count"])
        ],
    }

"""The recorded past: versions of one thing, change sets in time, what differs between moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from shapely.geometry.base import BaseGeometry
from starlette.responses import Response

from api.answers import answer_of, documented
from api.history_schemas import CHANGE_SETS, DIFFERENCE, HISTORY
from api.parameters import LayerName, RowId
from api.session import Session, SessionOf, parse_moment
from api.versions import told, versions_of
from layers.access import earliest
from layers.base import Layer, Tracked
from layers.filter import parse_bbox
from layers.past import (
    AFTER,
    BEFORE,
    INSTANT,
    SIDES,
    Span,
    difference,
    image,
    recorded_under,
    seen_in,
    sets,
    touched_by,
)
from layers.prepared import Prepared, prepare
from layers.problems import BadRequest, NotFound
from layers.registry import LAYERS
from layers.registry import layer as layer_named

router = APIRouter(tags=["history"])
# How many change sets one request looks at for a caller who may see few of them.
_MOST_EXAMINED = 300
_HISTORY: dict[str, Any] = {
    "layer": "rooms",
    "id": 412,
    "title": "B03-412",
    "since": "2026-01-05T08:00:00+08:00",
    "versions": [
        {
            "seq": 1042,
            "recorded_at": "2026-10-12T09:00:00+08:00",
            "actor": "王工",
            "reason": "三楼重新分配",
            "undoes": None,
            "operation": "altered",
            "revision": 4,
            "fields": [
                {
                    "field": "use",
                    "title": {"zh": "用途", "en": "use"},
                    "unit": None,
                    "before": {"value": "office", "label": "办公室", "reference": None},
                    "after": {"value": "meeting", "label": "会议室", "reference": None},
                }
            ],
            "moved": False,
            "bbox_before": [119.60115, 38.90026, 119.60125, 38.90034],
            "bbox_after": [119.60115, 38.90026, 119.60125, 38.90034],
        }
    ],
    "next": None,
}
_SETS: dict[str, Any] = {
    "sets": [
        {
            "seq": 1042,
            "at": "2026-10-12T09:00:00+08:00",
            "actor": "王工",
            "reason": "三楼重新分配",
            "undoes": None,
            "counts": {"rooms": 3},
            "bbox": [119.60115, 38.90026, 119.60125, 38.90034],
        }
    ],
    "next": None,
}
_DIFFERENCE: dict[str, Any] = {
    "type": "FeatureCollection",
    "from": "2026-09-01T00:00:00+08:00",
    "to": "2026-10-01T00:00:00+08:00",
    "truncated": False,
    "counts": {"rooms": {"added": 0, "altered": 1, "gone": 0}},
    "earliest": {},
    "features": [
        {
            "type": "Feature",
            "id": "rooms/412",
            "geometry": {"type": "Point", "coordinates": [119.6012, 38.9003]},
            "properties": {
                "kind": "altered",
                "layer": "rooms",
                "id": 412,
                "title": "B03-412",
                "at": "2026-09-12T09:00:00+08:00",
                "moved": False,
            },
        }
    ],
}
_From = Annotated[
    str | None,
    Query(
        alias="from",
        description="起始记录时刻 | moment of record from which on",
        examples=["2026-09-01"],
    ),
]
_To = Annotated[
    str | None,
    Query(
        alias="to",
        description="终止记录时刻（默认现在） | moment of record up to which; default now",
        examples=["2026-10-01T00:00:00+08:00"],
    ),
]
_Box = Annotated[
    str | None,
    Query(
        description="西,南,东,北 | west,south,east,north (EPSG:4326)",
        examples=["119.5,38.8,119.7,39.0"],
    ),
]
_After = Annotated[
    int | None,
    Query(ge=1, le=2**63 - 1, description="上一页的 next | `next` of the page before"),
]


@router.get(
    "/history/{layer}/{key}",
    summary="一个对象的历次修改 | The versions of one thing, the newest first",
    response_class=Response,
    responses=documented(HISTORY, _HISTORY, 400, 401, 404, 503),
)
async def history(
    session: SessionOf,
    layer: LayerName,
    key: RowId,
    limit: Annotated[int, Query(ge=1, le=100, description="每页条数 | versions a page")] = 20,
    after: _After = None,
    geometry: Annotated[
        bool, Query(description="是否附各版本的图形 | whether each version's shape goes with it")
    ] = False,
) -> Response:
    """Return who changed what, when and why: only versions that the caller could see at their time.

    A thing that is gone keeps its history. `since` tells from when on the layer is recorded.
    """
    shown = _recorded(layer)
    page = await versions_of(session, shown, key, after, limit, geometry=geometry)
    newest = await session.fetchrow(image(shown, session.actor, key, session.at, geometry=False))
    if newest is None and page.found:
        newest = page.found[0].after or page.found[0].before
    if newest is None and after is None:
        raise NotFound(
            zh=f"图层“{layer}”中从未有过编号为 {key} 的对象，或您无权查看",
            en=f"There never was a {key} in '{layer}', or it is not yours to see",
        )
    return answer_of(
        {
            "layer": shown.name,
            "id": key,
            "title": newest and newest["shown_title"],
            "since": await _since(session, shown),
            "versions": await told(session, shown, page.found, geometry=geometry),
            "next": page.found[-1].change["seq"] if page.more else None,
        }
    )


@router.get(
    "/changes",
    summary="修改记录 | The change sets, the newest first: the marks of a time slider",
    response_class=Response,
    responses=documented(CHANGE_SETS, _SETS, 400, 401, 503),
)
async def change_sets(
    session: SessionOf,
    layer: Annotated[
        str | None, Query(description="只看该图层 | of this layer alone", examples=["rooms"])
    ] = None,
    bbox: _Box = None,
    since: _From = None,
    until: _To = None,
    limit: Annotated[int, Query(ge=1, le=500, description="每页条数 | sets a page")] = 100,
    after: _After = None,
) -> Response:
    """Return who changed how much of what, when, where and why: what the caller sees or saw of it.

    `from` ≤ time < `to`. A page may hold less than `limit`, even nothing, while `next` goes on: it
    ends where too many sets were met that are not the caller's to see.
    """
    shown = [_recorded(layer)] if layer else [each for each in LAYERS if each.series is None]
    models = {table: (each, m) for each in shown for table, m in recorded_under(each).items()}
    area = parse_bbox(bbox) if bbox else None
    span = _span(session, since, until)
    tables = list(models) if layer else None
    found: list[dict[str, Any]] = []
    position, examined = after, 0
    while len(found) < limit and examined < _MOST_EXAMINED:
        size = min(limit, 100)
        span = Span(span.since, span.until, position)
        some = await session.fetch(sets(span, tables, area, size))
        counted = await _counted(session, some, models, area)
        for record, counts in zip(some, counted, strict=True):
            position = record["seq"]
            if counts:
                found.append(_set(session, record, counts))
            if len(found) == limit:
                break
        else:
            examined += len(some)
            if len(some) < size:
                position = None
                break
    return answer_of({"sets": found, "next": position})


@router.get(
    "/changes/between",
    summary="两个时刻的差别 | What differs between two moments of record, as GeoJSON",
    response_class=Response,
    responses=documented(DIFFERENCE, _DIFFERENCE, 400, 401, 503),
)
async def changes_between(
    session: SessionOf,
    since: Annotated[
        str,
        Query(
            alias="from",
            description="起始记录时刻 | the earlier moment of record",
            examples=["2026-09-01"],
        ),
    ],
    until: _To = None,
    layers: Annotated[
        str | None,
        Query(description="图层名，逗号分隔 | names of layers", examples=["rooms,buildings"]),
    ] = None,
    bbox: _Box = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="至多几个 | how many at most")] = 1000,
) -> Response:
    """Return what was added, altered or is gone, the newest change of a layer first.

    `earliest` names the layers whose record begins after `from`, and when: their earliest known
    state stands for it. `truncated` tells that there is more than `limit`; `counts` is of what is
    given.
    """
    zone = session.config.zone
    start = parse_moment(since, zone, field="from")
    end = parse_moment(until, zone, field="to") if until else session.at
    now = session.config.now()
    if start >= (end or now):
        raise BadRequest(
            zh="from 应早于 to", en="from must be earlier than to", field="from", value=since
        )
    names = [each.strip() for each in layers.split(",")] if layers else None
    shown = [_recorded(name) for name in dict.fromkeys(names)] if names else _all()
    area = parse_bbox(bbox) if bbox else None
    features: list[dict[str, Any]] = []
    counts: dict[str, dict[str, int]] = {}
    earlier: dict[str, datetime] = {}
    for each in shown:
        if area is not None and not each.spatial:
            continue
        first = await _since(session, each)
        if first is not None and first > start:
            earlier[each.name] = first
        left = limit + 1 - len(features)
        if left <= 0:
            break
        rows = await session.fetch(difference(each, session.actor, start, end, area, left))
        for row in rows[: limit - len(features)]:
            of_layer = counts.setdefault(each.name, {"added": 0, "altered": 0, "gone": 0})
            of_layer[row["kind"]] += 1
        features += [_feature(session, each, row) for row in rows]
    return answer_of(
        {
            "type": "FeatureCollection",
            "from": start.astimezone(zone),
            "to": (end or now).astimezone(zone),
            "truncated": len(features) > limit,
            "counts": counts,
            "earliest": earlier,
            "features": features[:limit],
        }
    )


def _all() -> list[Layer]:
    return [each for each in LAYERS if each.series is None]


def _recorded(name: str) -> Layer:
    """Return the layer called `name`.

    Raises
    ------
    BadRequest : it holds observations, which have no recorded past.
    """
    shown = layer_named(name)
    if shown.series is not None:
        raise BadRequest(
            zh=f"图层“{name}”是观测数据，没有修改记录",
            en=f"'{name}' holds observations, which have no record of changes",
            field="layer",
            value=name,
        )
    return shown


async def _since(session: Session, shown: Layer) -> datetime | None:
    found = await session.fetchrow(earliest(shown))
    return found[0].astimezone(session.config.zone) if found and found[0] else None


def _span(session: Session, since: str | None, until: str | None) -> Span:
    zone = session.config.zone
    start = parse_moment(since, zone, field="from") if since else None
    end = parse_moment(until, zone, field="to") if until else None
    if session.at is not None:
        last = session.at + INSTANT
        end = min(end, last) if end else last
    if start is not None and end is not None and start >= end:
        raise BadRequest(
            zh="from 应早于 to", en="from must be earlier than to", field="from", value=since
        )
    return Span(start, end)


Counts = dict[str, tuple[int, list[float] | None]]


async def _counted(
    session: Session,
    some: Sequence[Mapping[str, Any]],
    models: Mapping[str, tuple[Layer, type[Tracked]]],
    area: BaseGeometry | None,
) -> list[Counts]:
    """Return for each set how many rows of each layer the caller sees or saw, and their extent."""
    touched: dict[str, list[Mapping[str, Any]]] = {record["tx"]: [] for record in some}
    for row in await session.fetch(touched_by(list(touched), area)) if some else []:
        if row["layer"] in models:
            touched[row["tx"]].append(row)
    if not all(session.actor.sees_all(layer) for layer, _ in models.values()):
        ready: dict[str, Prepared] = {}
        for record in some:
            touched[record["tx"]] = [
                seen
                for row in touched[record["tx"]]
                if (seen := await _seen(session, record, row["layer"], models, area, ready))
            ]
    made: list[Counts] = []
    for record in some:
        counts: Counts = {}
        for row in touched[record["tx"]]:
            name = models[row["layer"]][0].name
            known, box = counts.get(name, (0, None))
            counts[name] = (known + row["count"], _joined(box, _box(row)))
        made.append(counts)
    return made


async def _seen(
    session: Session,
    record: Mapping[str, Any],
    table: str,
    models: Mapping[str, tuple[Layer, type[Tracked]]],
    area: BaseGeometry | None,
    ready: dict[str, Prepared],
) -> Mapping[str, Any] | None:
    if table not in ready:
        ready[table] = prepare(seen_in(models[table][1], session.actor, area))
    moment = record["recorded_at"]
    asked = ready[table].about({BEFORE: moment - INSTANT, AFTER: moment})
    row = await session.fetchrow(asked, {"tx": record["tx"]})
    return {**row, "layer": table} if row is not None and row["count"] else None


def _box(row: Mapping[str, Any]) -> list[float] | None:
    return None if row["west"] is None else [row[side] for side in SIDES]


def _joined(one: list[float] | None, other: list[float] | None) -> list[float] | None:
    if one is None or other is None:
        return one or other
    return [*map(min, one[:2], other[:2]), *map(max, one[2:], other[2:])]


def _set(session: Session, record: Mapping[str, Any], counts: Counts) -> dict[str, Any]:
    box: list[float] | None = None
    for _, part in counts.values():
        box = _joined(box, part)
    return {
        "seq": record["seq"],
        "at": record["recorded_at"].astimezone(session.config.zone),
        "actor": record["actor"],
        "reason": record["reason"],
        "undoes": record["undoes"],
        "counts": {name: count for name, (count, _) in counts.items()},
        "bbox": box,
    }


def _feature(session: Session, shown: Layer, row: Mapping[str, Any]) -> dict[str, Any]:
    geometry = row["geojson"]
    return {
        "type": "Feature",
        "id": f"{shown.name}/{row['id']}",
        "geometry": orjson.loads(geometry) if geometry else None,
        "properties": {
            "kind": row["kind"],
            "layer": shown.name,
            "id": row["id"],
            "title": row["title"],
            "at": row["at"].astimezone(session.config.zone),
            "moved": row["moved"],
        },
    }

"""OGC API - Features (parts 1, 2, 3) and Tiles: the addresses under ``/ogc``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import func, select
from starlette.responses import Response

from api.listed import chosen_for
from api.ogc import documents, examples
from api.ogc.items import (
    GEOMETRY,
    Page,
    Question,
    dumps,
    identity,
    item_path,
    page,
    parse_key,
    property_names,
    shaper,
    single,
)
from api.ogc.links import GEOJSON, HTML, OPENAPI, SCHEMA_JSON, Links
from api.ogc.openapi import ITEMS_PARAMETERS, documented, older, query
from api.ogc.page import document, html, plain, wants_html
from api.ogc.request import check_names, parse_question, zone_of
from api.ogc.styles import stylesheet
from api.parameters import ItemId, LayerName
from api.records import earliest_of
from api.routes import ogc_editing, ogc_tiles
from api.session import Session, SessionOf, parse_moment
from layers.access import latest_rows, rows
from layers.base import Layer
from layers.crs import CRS84_URI, named
from layers.filter import time_column
from layers.labels import Text
from layers.paging import write_token
from layers.registry import LAYERS
from layers.registry import layer as layer_named
from tiles.vector import drawable

router = APIRouter(prefix="/ogc", tags=["OGC API"], default_response_class=Response)
router.include_router(ogc_tiles.router)
router.include_router(ogc_editing.router)


@router.get(
    "", summary="首页 | Landing page", **documented("links to everything", example=examples.LANDING)
)
async def landing(request: Request, session: SessionOf) -> Response:
    """Return the landing page: where the collections, the conformance and the description are."""
    check_names(request)
    body = documents.landing(session, Links(request))
    if wants_html(request):
        return html(request, session, "landing.html", body=body)
    return document(body, language=session.language)


@router.get("/", include_in_schema=False)
async def landing_with_slash(request: Request, session: SessionOf) -> Response:
    """Answer the landing page's other spelling."""
    return await landing(request, session)


@router.get("/style.css", include_in_schema=False)
async def style() -> Response:
    """Return the stylesheet of the HTML pages."""
    return stylesheet()


@router.get(
    "/api",
    summary="OpenAPI 3.0",
    **documented(
        "the description", kind=OPENAPI, example=examples.OPENAPI, html=False, errors=(400,)
    ),
)
async def api(request: Request) -> Response:
    """Return the description of the addresses below ``/ogc`` in OpenAPI 3.0."""
    check_names(request)
    return document(older(request.app, Links(request).root), media_type=OPENAPI, language="en")


@router.get(
    "/conformance",
    summary="符合的标准 | Conformance",
    **documented("classes kept", example=examples.CONFORMS),
)
async def conformance(request: Request, session: SessionOf) -> Response:
    """Return the conformance classes that the service keeps."""
    check_names(request)
    body = documents.conformance()
    title = session.say(Text("符合的标准", "Conformance"))
    return plain(request, session, body, title)


@router.get(
    "/collections",
    summary="图层 | Collections",
    **documented("all layers", example=examples.COLLECTIONS),
)
async def collections(request: Request, session: SessionOf) -> Response:
    """Return every layer as a collection."""
    check_names(request)
    seen = tuple(each for each in LAYERS if session.actor.sees(each))
    body = documents.collections(session, Links(request), seen)
    if wants_html(request):
        return html(request, session, "collections.html", body=body)
    return document(body, language=session.language)


@router.get(
    "/collections/{layer}",
    summary="图层 | One collection",
    **documented("one layer", example=examples.COLLECTION),
)
async def collection(request: Request, session: SessionOf, layer: LayerName) -> Response:
    """Return one layer as a collection, with the extent of what the caller may see."""
    check_names(request)
    found = layer_named(layer)
    extent = await _extent(session, found)
    body = documents.collection(session, Links(request), found, extent=extent)
    if wants_html(request):
        return html(request, session, "collection.html", body=body, tiled=drawable(found))
    return document(body, language=session.language)


async def _extent(session: Session, layer: Layer) -> dict[str, Any]:
    made: dict[str, Any] = {}
    # A series may hold a year of fixes: where its things are now says where it is.
    source = (
        rows(layer, session.actor, session.at)
        if layer.series is None
        else latest_rows(layer.series, session.actor)
        if layer.series.latest is not None
        else None
    )
    if source is None:
        return made
    if layer.spatial:
        box = func.ST_Extent(source.c.geom)
        bounds = await session.fetchrow(
            select(*(getattr(func, f"ST_{side}")(box) for side in ("XMin", "YMin", "XMax", "YMax")))
        )
        if bounds is not None and bounds[0] is not None:
            made["spatial"] = {"bbox": [list(bounds)], "crs": CRS84_URI}
    when = time_column(layer)
    if when is not None and layer.series is None:
        span = await session.fetchrow(select(func.min(source.c[when]), func.max(source.c[when])))
        if span is not None and span[0] is not None:
            made["temporal"] = {"interval": [[_utc(each) for each in span]]}
    return made


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@router.get(
    "/collections/{layer}/queryables",
    summary="可查询属性 | Queryables",
    **documented(
        "JSON Schema of what a filter may name",
        kind=SCHEMA_JSON,
        example=examples.schema("queryables"),
    ),
)
async def queryables(request: Request, session: SessionOf, layer: LayerName) -> Response:
    """Return what a filter may name."""
    return _schema(request, session, layer, "queryables")


@router.get(
    "/collections/{layer}/sortables",
    summary="可排序属性 | Sortables",
    **documented(
        "JSON Schema of what can be sorted by",
        kind=SCHEMA_JSON,
        example=examples.schema("sortables"),
    ),
)
async def sortables(request: Request, session: SessionOf, layer: LayerName) -> Response:
    """Return what can be sorted by."""
    return _schema(request, session, layer, "sortables")


@router.get(
    "/collections/{layer}/schema",
    summary="字段 | Schema",
    **documented(
        "JSON Schema of the features", kind=SCHEMA_JSON, example=examples.schema("schema")
    ),
)
async def schema(request: Request, session: SessionOf, layer: LayerName) -> Response:
    """Return the fields of the layer."""
    return _schema(request, session, layer, "schema")


def _schema(request: Request, session: Session, name: str, what: str) -> Response:
    check_names(request)
    layer = layer_named(name)
    body = documents.schema(session, Links(request), layer, what=what)
    if wants_html(request):
        return html(request, session, "schema.html", body=body, id=layer.name, what=what)
    return document(body, media_type=SCHEMA_JSON, language=session.language)


@router.get(
    "/collections/{layer}/items",
    summary="要素 | Features",
    **documented(
        "a page of features", kind=GEOJSON, example=examples.ITEMS, parameters=ITEMS_PARAMETERS
    ),
)
async def items(request: Request, session: SessionOf, layer: LayerName) -> Response:
    """Return a page of features.

    Beside the parameters listed, every queryable may be given by its own name (``use=office``).
    """
    found = layer_named(layer)
    question = parse_question(request, found)
    if named := request.query_params.get("named"):
        chosen = await chosen_for(request, session, named, found)
        narrowed = replace(question.filter, ids=chosen.ids)
        question = replace(question, filter=narrowed)
    if wants_html(request):
        answer = await page(session, question)
        return _items_page(request, session, question, answer)
    answer = await page(session, question)
    links = Links(request)
    head: dict[str, Any] = {
        "type": "FeatureCollection",
        "links": [
            {"rel": "self", "type": GEOJSON, "href": links.again()},
            {"rel": "alternate", "type": HTML, "href": links.again(f="html")},
            links.link("collection", f"collections/{found.name}", "application/json"),
        ],
        "timeStamp": _utc(datetime.now(UTC)),
        "numberMatched": answer.matched,
        "numberReturned": len(answer.rows),
    }
    if answer.more:
        following = links.again(token=write_token(question.order, answer.rows[-1]))
        head["links"].append({"rel": "next", "type": GEOJSON, "href": following})
    if session.at is not None:
        head["at"] = _utc(session.at)
        first = await earliest_of(session, found)
        if first is not None:
            head["recordedFrom"] = _utc(first)
    shape = shaper(found, question.names, geometry=question.geometry)
    head["features"] = [shape(row) for row in answer.rows]
    return document(
        dumps(head),
        media_type=GEOJSON,
        language=session.language,
        headers={"Content-Crs": f"<{question.crs.uri}>"},
    )


def _items_page(request: Request, session: Session, question: Question, answer: Page) -> Response:
    links, layer = Links(request), question.layer
    features = [
        {"id": identity(layer, row), "path": item_path(layer, row), "properties": row}
        for row in answer.rows
    ]
    following = None
    if answer.more:
        following = links.again(token=write_token(question.order, answer.rows[-1]))
    return html(
        request,
        session,
        "items.html",
        id=layer.name,
        title=session.say(layer.title),
        heads=_heads(session, layer, question.names),
        features=features,
        matched=answer.matched,
        next=following,
        asked=request.query_params,
    )


def _heads(session: Session, layer: Layer, names: tuple[str, ...]) -> list[tuple[str, str]]:
    columns = layer.table.c
    return [
        (name, documents.described(session, layer, name, columns[name])["title"])
        for name in names
        if name != "id"
    ]


@router.get(
    "/collections/{layer}/items/{item}",
    summary="一个要素 | One feature",
    **documented(
        "one feature",
        kind=GEOJSON,
        example=examples.ITEM,
        parameters=[ITEMS_PARAMETERS[0], query("crs", "坐标系 | CRS", CRS84_URI)],
    ),
)
async def item(request: Request, session: SessionOf, layer: LayerName, item: ItemId) -> Response:
    """Return one feature; its ETag changes with what it shows."""
    check_names(request, "crs")
    found = layer_named(layer)
    crs = named(request.query_params.get("crs", CRS84_URI), field="crs")
    zone = zone_of(request)
    key = parse_key(found, item, lambda text: _moment(text, zone))
    row = await single(session, found, key, crs)
    links = Links(request)
    path = f"collections/{found.name}/items/{item_path(found, row)}"
    if wants_html(request):
        shape = row[GEOMETRY] if found.spatial else None
        return html(
            request,
            session,
            "item.html",
            id=found.name,
            title=session.say(found.title),
            heads=_heads(session, found, property_names(found)),
            feature={"id": identity(found, row), "properties": row, "geometry": shape},
            geometry=shape or "",
        )
    more = [
        {"rel": "self", "type": GEOJSON, "href": links.again()},
        {"rel": "alternate", "type": HTML, "href": links.again(f="html")},
        links.link("collection", f"collections/{found.name}", "application/json"),
        links.link("canonical", path, GEOJSON),
    ]
    feature = shaper(found, property_names(found))(row)
    data = dumps(feature)
    digest = blake2b(data + crs.uri.encode(), digest_size=8).hexdigest()
    # By the revision in it If-Match knows whether the row is still the one that was read.
    tag = f'"{row["revision"]}-{digest}"' if "revision" in found.table.c else f'"{digest}"'
    headers = {"ETag": tag, "Content-Crs": f"<{crs.uri}>"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={**headers, "Cache-Control": "private, no-cache"})
    return document(
        dumps({**feature, "links": more}),
        media_type=GEOJSON,
        language=session.language,
        headers=headers,
    )


def _moment(text: str, zone: Any) -> datetime:
    try:
        return parse_moment(text, zone, field="id")
    except Exception as wrong:
        raise ValueError(text) from wrong

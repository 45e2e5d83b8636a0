"""Lists as files to keep: `/lists/{layer}/export`."""

from __future__ import annotations

import re
from datetime import datetime
from os import SEEK_END
from typing import Annotated, Any, Literal
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from api.exports import begun, bytes_of, csv_of, geojson_of, xlsx_of
from api.listed import ListingOf
from api.notes import DEMO, notes_of, title_of
from api.problems import described
from api.routes.lists import added_up
from api.session import Session, SessionOf
from api.tracing import trace_now
from layers.audit import Kind as Act
from layers.audit.noting import read
from layers.listing import Listing

router = APIRouter(tags=["lists"], prefix="/lists")
_KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}
_COLLECTION: dict[str, Any] = {
    "type": "FeatureCollection",
    "title": "空置办公室（房间）",
    "moment": "2026-10-12T09:00:00+08:00",
    "total": 1,
    "demo": True,
    "fields": [{"name": "usable_area_m2", "title": "使用面积 (m²)", "unit": "m²"}],
    "features": [
        {
            "type": "Feature",
            "id": 412,
            "geometry": None,
            "properties": {"usable_area_m2": 22.7},
        }
    ],
}
CONTENT: dict[str, Any] = {kind: {} for kind in _KINDS.values()}
CONTENT[_KINDS["geojson"]] = {
    "schema": {"type": "object", "additionalProperties": True},
    "example": orjson.dumps(_COLLECTION).decode(),
}


@router.get(
    "/{layer}/export",
    summary="导出列表 | The list as a file: CSV, XLSX or GeoJSON",
    response_class=Response,
    responses={
        **described(400, 401, 403, 404, 503),
        200: {"description": "a file", "content": CONTENT},
    },
)
async def export_list(
    session: SessionOf,
    request: Request,
    listing: ListingOf,
    format: Annotated[
        Literal["csv", "xlsx", "geojson"], Query(description="文件格式 | format of the file")
    ] = "xlsx",
) -> Response:
    """Return all rows of the list, in its order, under headings with units, as of its moment."""
    moment = (session.at or session.config.now()).astimezone(session.config.zone)
    moment = moment.replace(microsecond=0)
    totals = added_up(listing, await session.fetch(listing.totals()))
    read(*(each.name for each in listing.named_layers()))
    await trace_now(
        request, Act.EXPORT, listing.layer.name, format=format, rows=totals["total"],
        query=dict(request.query_params),
    )  # fmt: skip
    headers = {
        "Content-Disposition": _disposition(file_name(session, listing, moment, format)),
        "Cache-Control": "private, no-store",
        "X-Total-Count": str(totals["total"]),
    }
    if format == "xlsx":
        file = await xlsx_of(
            session, listing, totals["total"], await notes_of(session, listing, moment, totals)
        )
        headers["Content-Length"] = str(file.seek(0, SEEK_END))
        return StreamingResponse(bytes_of(file), media_type=_KINDS[format], headers=headers)
    if format == "csv":
        stream = csv_of(session, listing)
    else:
        head = {
            "title": title_of(session, listing),
            "moment": moment,
            "total": totals["total"],
            "demo": session.config.demo,
        }
        stream = geojson_of(session, listing, head)
    return StreamingResponse(await begun(stream), media_type=_KINDS[format], headers=headers)


def file_name(session: Session, listing: Listing, moment: datetime, kind: str) -> str:
    """Return a name that tells what the file is and as of when."""
    parts = [title_of(session, listing), moment.strftime("%Y%m%d-%H%M")]
    if session.config.demo:
        parts.append(session.say(DEMO))
    return re.sub(r'[\\/:*?"<>|\s]+', "_", "_".join(parts)) + f".{kind}"


def _disposition(name: str) -> str:
    kind = name.rpartition(".")[2]
    return f"attachment; filename=\"onemap.{kind}\"; filename*=UTF-8''{quote(name)}"

"""Rows that could not be loaded: listed with their reasons, and as a sheet to mend."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from typing import Annotated, Any, TextIO

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from api.answers import answer_of, documented
from api.exports import CHUNK, begun
from api.problems import described
from api.schemas import QUARANTINE
from api.session import Session, SessionOf
from api.tracing import trace_now
from importers.messages import title_of_reason
from importers.quarantine import as_sheet, headings, write_csv, write_headings
from layers import waiting
from layers.audit import Kind as Act
from layers.audit.noting import read

router = APIRouter(tags=["quarantine"])
CSV = "text/csv; charset=utf-8"
_SAID = ("field", "value", "reason", "zh", "en")
_EXAMPLE = {
    "total": 17,
    "by_reason": [
        {
            "reason": "unknown_reference",
            "title": {"zh": "所指不存在", "en": "Unknown reference"},
            "count": 5,
        }
    ],
    "rows": [
        {
            "id": 1,
            "kind": "assets",
            "source": "2026年资产台账",
            "file": "资产.xlsx",
            "row": 4127,
            "values": {"number": "ZC-2026-000001", "name": "办公桌", "room_id": "B03-901"},
            "reasons": [
                {
                    "field": "room_id",
                    "value": "B03-901",
                    "reason": "unknown_reference",
                    "zh": "“所在房间”所指的“B03-901”不存在；请先导入它，或改正",
                    "en": "'B03-901' in room is not known; import it first, or mend it",
                }
            ],
            "batch_at": "2026-10-12T09:00:00+08:00",
        }
    ],
    "next": None,
}

Kind = Annotated[
    str | None,
    Query(
        description="只看一种导入（见 onemap import） | of one kind of import alone",
        examples=["assets"],
    ),
]


@router.get(
    "/quarantine",
    summary="待修的行 | Rows that could not be loaded, with their reasons",
    response_class=Response,
    responses=documented(QUARANTINE, _EXAMPLE, 400, 401, 403, 503),
)
async def list_quarantine(
    session: SessionOf,
    kind: Kind = None,
    limit: Annotated[
        int, Query(ge=1, le=500, description="每页行数 | rows a page", examples=[50])
    ] = 50,
    after: Annotated[
        int | None,
        Query(
            ge=0,
            le=2**63 - 1,
            description="上一页的 next | `next` of the page before",
            examples=[50],
        ),
    ] = None,
) -> Response:
    """Return the rows in the order in which they came, and how many wait for each reason.

    A row waits until it is imported again. Only who keeps the whole of a layer may read its rows;
    they are those of now: `at` changes nothing.
    """
    among = waiting.mended_by(session.actor)
    counted, reasons, found = await asyncio.gather(
        session.fetchrow(waiting.total(kind, among)),
        session.fetch(waiting.by_reason(kind, among)),
        # One more than the page holds tells whether there is another.
        session.fetch(waiting.waiting(kind, after=after, limit=limit + 1, among=among)),
    )
    assert counted is not None, "a count is always a row"
    page = found[:limit]
    kinds = {each["kind"] for each in page}
    read(*kinds, *(("positions", "trips") if "tracks" in kinds else ()))
    return answer_of(
        {
            "total": counted["total"],
            "by_reason": [
                {**each, "title": title_of_reason(each["reason"])._asdict()} for each in reasons
            ],
            "rows": [_shown(session, row) for row in page],
            "next": page[-1]["id"] if len(found) > limit else None,
        }
    )


@router.get(
    "/quarantine/export",
    summary="待修的行，CSV | Rows that could not be loaded, as CSV to mend and import again",
    response_class=Response,
    responses={
        200: {
            "description": "OK",
            "content": {CSV: {"schema": {"type": "string"}}},
        },
        **described(400, 401, 403, 503),
    },
)
async def export_quarantine(session: SessionOf, request: Request, kind: Kind = None) -> Response:
    """Return what ``onemap quarantine -o`` writes: with a BOM, and no cell that is a formula."""
    among = waiting.mended_by(session.actor)
    await trace_now(request, Act.EXPORT, what="quarantine", format="csv", of=kind)
    return StreamingResponse(
        await begun(_csv(session, kind, among)),
        media_type=CSV,
        headers={
            "Content-Disposition": 'attachment; filename="quarantine.csv"; '
            "filename*=UTF-8''%E5%BE%85%E4%BF%AE.csv",
            "Cache-Control": "private, no-store",
            "Vary": "Accept-Language, Authorization, Cookie",
        },
    )


async def _csv(session: Session, kind: str | None, among: tuple[str, ...]) -> AsyncGenerator[bytes]:
    """Yield the file as its rows are read; those that come meanwhile are left to the next one."""
    extent = await session.fetchrow(waiting.extent(kind, among=among))
    assert extent is not None, "an extent is always a row"
    found = await session.fetch(waiting.headings(extent["last"], kind, among=among))
    names = headings((row["name"] for row in found), shapes=extent["shapes"])
    rows = waiting.waiting(kind, until=extent["last"], among=among)
    async with session.connections.stream(rows, CHUNK) as (_, chunks):
        yield _written(lambda file: write_headings(names, file)).encode("utf-8-sig")
        async for chunk in chunks:
            sheet = as_sheet((_read(row) for row in chunk), session.language)
            yield _written(partial(write_csv, sheet, names)).encode()


def _written(write: Callable[[TextIO], None]) -> str:
    file = io.StringIO(newline="")
    write(file)
    return file.getvalue()


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its documents read."""
    return {**row, "values": orjson.loads(row["values"]), "reasons": orjson.loads(row["reasons"])}


def _shown(session: Session, row: Mapping[str, Any]) -> dict[str, Any]:
    whole = _read(row)
    named = ("id", "kind", "source", "file", "row", "values")
    return {
        **{name: whole[name] for name in named},
        "reasons": [{name: each[name] for name in _SAID} for each in whole["reasons"]],
        "batch_at": whole["batch_at"].astimezone(session.config.zone),
    }

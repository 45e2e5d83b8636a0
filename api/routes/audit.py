"""Traces: what was done here, for the security auditor alone."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from os import SEEK_END
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from api import audit_files
from api.answers import documented, private
from api.audit_schemas import RECORDS, STATE
from api.entrance import Entrance, EntranceOf
from api.exports import CHUNK, XLSX_ROWS, begun, bytes_of, csv_heading, csv_lines
from api.problems import described
from api.session import parse_moment
from api.traces import Seen, Traces
from api.tracing import route_of, trace_now
from layers.audit import ORIGIN, Kind
from layers.audit.reading import KINDS, OUTCOMES, Asked, records, state
from layers.labels import Text
from layers.problems import BadRequest
from layers.registry import LAYERS

router = APIRouter(prefix="/audit", tags=["audit"])
_MOMENT = "2026-10-12T09:00:00+08:00"
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_RECORD: dict[str, Any] = {
    "number": 1234,
    "batch": 56,
    "at": _MOMENT,
    "kind": "sign_in",
    "outcome": "wrong",
    "account": "zhangsan",
    "account_id": 3,
    "address": "10.1.2.3",
    "request": None,
    "route": "/sign-in",
    "layer": None,
    "details": {},
}


def _asked(
    entrance: EntranceOf,
    since: Annotated[
        str | None,
        Query(alias="from", description="从何时 | from when", examples=["2026-10-01"]),
    ] = None,
    until: Annotated[
        str | None,
        Query(alias="to", description="到何时之前 | until before when", examples=["2026-10-13"]),
    ] = None,
    account: Annotated[
        str | None, Query(max_length=200, description="账号 | account", examples=["zhangsan"])
    ] = None,
    kind: Annotated[
        str | None,
        Query(
            description="种类 | kind of act",
            examples=["sign_in"],
            json_schema_extra={"enum": [*Kind]},
        ),
    ] = None,
    outcome: Annotated[
        str | None, Query(max_length=40, description="结果 | outcome", examples=["wrong"])
    ] = None,
    layer: Annotated[
        str | None, Query(max_length=60, description="图层 | layer", examples=["persons"])
    ] = None,
    text: Annotated[
        str | None,
        Query(
            max_length=200,
            description="账号、地址、接口、请求编号或详情中的文字 | "
            "a text in account, address, route, request or details",
            examples=["10.1.2.3"],
        ),
    ] = None,
) -> Asked:
    """Return which records are asked for."""
    zone = entrance.config.zone

    def moment(value: str | None, name: str) -> datetime | None:
        return parse_moment(value, zone, field=name) if value else None

    if kind is not None and kind not in set(Kind):
        raise BadRequest(
            f"没有种类 {kind}；可用：{', '.join(Kind)}",
            f"There is no kind {kind}; the kinds are: {', '.join(Kind)}",
            field="kind",
            value=kind,
        )
    for name, value in {"account": account, "layer": layer, "text": text}.items():
        if value is not None and "\x00" in value:
            raise BadRequest(
                f"{name} 含有无法查找的字符", f"{name} holds a character that nothing has",
                field=name,
            )  # fmt: skip
    return Asked(
        moment(since, "from"),
        moment(until, "to"),
        account,
        None if kind is None else Kind(kind),
        outcome,
        layer,
        text,
    )


AskedOf = Annotated[Asked, Depends(_asked)]


def _told(entrance: Entrance, row: Any) -> dict[str, Any]:
    named = ("number", "batch", "kind", "outcome", "account", "account_id", "address", "request",
             "route", "layer")  # fmt: skip
    return {
        **{name: row[name] for name in named},
        "at": entrance.local(row["at"]),
        "details": orjson.loads(row["details"]),
    }


@router.get(
    "",
    summary="审计记录 | Sealed records, the newest first",
    response_class=Response,
    responses=documented(
        RECORDS,
        {
            "records": [_RECORD],
            "next": None,
            "kinds": {"sign_in": {"zh": "登录", "en": "Sign-in"}},
            "outcomes": {"wrong": {"zh": "口令或账号不正确", "en": "wrong name or password"}},
            "layers": {"persons": {"zh": "人员", "en": "Persons"}},
        },
        400, 401, 403, 503,
    ),
)  # fmt: skip
async def list_records(
    entrance: EntranceOf,
    request: Request,
    asked: AskedOf,
    before: Annotated[
        int | None,
        Query(ge=1, le=2**63 - 1, description="上一页的 next | `next` of the page before"),
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=500, description="每页条数 | records a page", examples=[50])
    ] = 50,
) -> Response:
    """Return the records that are sealed; that they were looked at is recorded too."""
    await entrance.auditor()
    found = await entrance.connections.fetch(records(asked, limit + 1, before))
    page = found[:limit]
    _looked(request)
    return private(
        {
            "records": [_told(entrance, row) for row in page],
            "next": page[-1]["number"] if len(found) > limit else None,
            "kinds": {kind.value: _words(text) for kind, text in KINDS.items()},
            "outcomes": {name: _words(text) for name, text in OUTCOMES.items()},
            "layers": {each.name: _words(each.title) for each in LAYERS}
            | {"audit": _words(audit_files.TITLE)},
        }
    )


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _looked(request: Request) -> None:
    """Let it leave a trace that the record was looked at."""
    traces: Traces = request.app.state.traces
    origin = ORIGIN.get()
    if origin is not None:
        traces.add(
            Seen(Kind.READ, origin.account_id, origin.account, origin.bearer, origin.address,
                 route_of(request.scope), "audit", "ok"),
            origin.request,
        )  # fmt: skip


@router.get(
    "/state",
    summary="审计状态 | How far the record is sealed, and when it was last verified",
    response_class=Response,
    responses=documented(
        STATE,
        {
            "last": 1234,
            "sealed_at": _MOMENT,
            "waiting": 0,
            "verified_at": _MOMENT,
            "verified": "done",
            "verified_age_s": 86400,
        },
        400, 401, 403, 503,
    ),
)  # fmt: skip
async def record_state(entrance: EntranceOf) -> Response:
    """Return number and time of the newest sealed record, how many wait, and the last check."""
    await entrance.auditor()
    row = await entrance.connections.fetchrow(state())
    assert row is not None, "it is always one row"
    checked = row["verified_at"]
    age = None if checked is None else max(0, int((_now() - checked).total_seconds()))
    return private(
        {
            "last": row["last"],
            "sealed_at": entrance.local(row["sealed_at"]),
            "waiting": row["waiting"],
            "verified_at": entrance.local(checked),
            "verified": row["verified"],
            "verified_age_s": age,
        }
    )


def _now() -> datetime:
    # Records bear the true time, not that of a demo.
    return datetime.now(UTC)


@router.get(
    "/export",
    summary="导出审计记录 | Sealed records as a file: CSV or XLSX",
    response_class=Response,
    responses={
        **described(400, 401, 403, 503),
        200: {"description": "a file", "content": {kind: {} for kind in _TYPES.values()}},
    },
)
async def export_records(
    entrance: EntranceOf,
    request: Request,
    asked: AskedOf,
    format: Annotated[
        Literal["csv", "xlsx"], Query(description="文件格式 | format of the file")
    ] = "xlsx",
) -> Response:
    """Return all records that are asked for, the newest first; the export is itself recorded."""
    await entrance.auditor()
    await trace_now(request, Kind.EXPORT, "audit", format=format, query=dict(request.query_params))
    headers = {
        "Content-Disposition": f'attachment; filename="onemap-audit.{format}"',
        "Cache-Control": "private, no-store",
    }
    if format == "csv":
        stream = await begun(_csv(entrance, asked))
        return StreamingResponse(stream, media_type=_TYPES[format], headers=headers)
    file = await _xlsx(entrance, asked)
    headers["Content-Length"] = str(file.seek(0, SEEK_END))
    return StreamingResponse(bytes_of(file), media_type=_TYPES[format], headers=headers)


async def _csv(entrance: Entrance, asked: Asked) -> AsyncGenerator[bytes]:
    columns = audit_files.columns(entrance.language, entrance.config.zone)
    async with entrance.connections.stream(records(asked), CHUNK) as (_, chunks):
        yield csv_heading(columns)
        async for chunk in chunks:
            yield csv_lines(columns, chunk)


async def _xlsx(entrance: Entrance, asked: Asked) -> Any:
    columns = audit_files.columns(entrance.language, entrance.config.zone)
    file = await asyncio.to_thread(tempfile.TemporaryFile)
    parts = await asyncio.to_thread(tempfile.TemporaryDirectory)
    try:
        sheet = audit_files.workbook(file, parts.name, entrance.language, columns)
        count = 0
        # One more than a sheet holds tells that they are too many.
        query = records(asked, XLSX_ROWS + 1)
        async with entrance.connections.stream(query, CHUNK) as (_, chunks):
            async for chunk in chunks:
                count += len(chunk)
                if count > XLSX_ROWS:
                    raise BadRequest(
                        f"超过 Excel 工作表的 {XLSX_ROWS:,} 行；请缩小时间范围或导出 CSV",
                        f"More than the {XLSX_ROWS:,} rows that a sheet of Excel holds: choose a "
                        "shorter time, or export CSV",
                        field="format",
                        value="xlsx",
                    )
                await asyncio.to_thread(sheet.add, chunk)
        told = [(entrance.say(audit_files.TITLE), count)]
        await asyncio.to_thread(sheet.close, entrance.say(audit_files.NOTES), told)
    except BaseException:
        file.close()
        raise
    finally:
        await asyncio.to_thread(parts.cleanup)
    return file

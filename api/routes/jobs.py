"""Jobs: imports, tile archives and long exports that a worker does; ``/jobs``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from starlette.responses import FileResponse, Response

from api.answers import answer_of, documented
from api.job_schemas import (
    JOB,
    JOB_EXAMPLE,
    JOBS,
    ArchiveBody,
    ExportBody,
    ImportOptions,
    import_options,
)
from api.jobs import Asker, ask, cancel, found, is_own, refuse_archive, sees_all_jobs, told
from api.problems import described
from api.routes.exports import CONTENT
from api.routes.job_kinds import suffixes_of
from api.schemas import FREE
from api.session import Session
from api.tracing import trace_now
from api.uploads import received
from api.writing import Writer
from importers import staging
from importers.registry import importer_of
from importers.rights import refuse_import
from layers import jobs
from layers.audit import Kind as Act
from layers.audit.noting import read as tells
from layers.jobs import JobKind, State
from layers.problems import BadRequest, Forbidden, NotFound, Problem, Unavailable
from layers.registry import layer as layer_named
from tiles.archive import MEDIA_TYPE as ARCHIVE_TYPE

T = TypeVar("T")
router = APIRouter(tags=["jobs"], prefix="/jobs")
IMPORTS = "/jobs/imports"
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "文件本身 | the file itself",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_REPORT = orjson.dumps({"kind": "assets", "read": 4126, "loaded": 4126, "quarantined": 0}).decode()
Key = Annotated[int, InPath(ge=1, le=2**63 - 1, description="编号 | id", examples=[17])]


def _known(named: Callable[[str], T], name: str, field: str) -> T:
    """Return what a part of the request names.

    Raises
    ------
    BadRequest : there is none; with those there are.
    """
    try:
        return named(name)
    except NotFound as missing:
        raise BadRequest(*missing.text, field=field, value=name) from missing


@router.post(
    "/imports",
    summary="上传并导入文件 | Upload a file and import it",
    status_code=202,
    response_class=Response,
    responses={
        202: documented(JOB, JOB_EXAMPLE)[200],
        **described(400, 401, 403, 413, 429, 503),
    },
    openapi_extra=_UPLOAD,
)
async def ask_import(
    request: Request,
    session: Asker,
    kind: Annotated[str, Query(max_length=100, description="种类 | kind", examples=["assets"])],
    name: Annotated[
        str,
        Query(
            min_length=1, max_length=300, description="文件名 | its name", examples=["资产.xlsx"]
        ),
    ],
    options: Annotated[ImportOptions, Depends(import_options)],
) -> Response:
    """Keep the file and import it as a job: all of it or nothing, as its asker.

    Whoever keeps the whole of each layer that the kind fills may import it.
    """
    importer = _known(importer_of, kind, "kind")
    refuse_import(session.actor, importer)
    suffixes = suffixes_of(importer)
    if not name.lower().endswith(suffixes):
        readable = "、".join(suffixes)
        raise BadRequest(
            zh=f"“{importer.title.zh}”读取 {readable}；收到的是 {name}",
            en=f"{importer.title.en} is read from {readable}; got {name}",
            field="name",
            value=name,
        )
    _writer(request)  # before the file is taken in
    folder = staging.new_folder()
    kept = await received(session.config.data_dir, folder, name, request.stream())
    arguments = {
        "kind": importer.kind,
        **staging.named([kept]),
        "options": options.model_dump(exclude_none=True),
    }
    try:
        key = await _ask(request, session, JobKind.IMPORT, arguments, folder)
    except Unavailable:
        raise  # there may be a job all the same: what nobody wants the worker sweeps away
    except Problem:
        await asyncio.to_thread(staging.clear, staging.uploads(session.config.data_dir, folder))
        raise
    return await _accepted(session, key)


@router.post(
    "/exports",
    summary="导出列表为任务 | A list as a file, made as a job",
    status_code=202,
    response_class=Response,
    responses={202: documented(JOB, JOB_EXAMPLE)[200], **described(400, 401, 403, 429, 503)},
)
async def ask_export(request: Request, session: Asker, asked: ExportBody) -> Response:
    """Have a list written to a file; its rows are those that the asker may read when it runs."""
    layer = _known(layer_named, asked.layer, "layer")
    if not session.actor.sees(layer):
        raise Forbidden(
            zh=f"您无权查看图层“{layer.title.zh}”；请向管理员申请",
            en=f"You may not read the layer '{layer.name}'; ask the administrator",
        )
    arguments = {**asked.model_dump(mode="json"), "language": session.language}
    return await _asked(request, session, JobKind.REPORT, arguments)


@router.post(
    "/archives",
    summary="生成瓦片归档 | A tile archive of public layers, made as a job",
    status_code=202,
    response_class=Response,
    responses={202: documented(JOB, JOB_EXAMPLE)[200], **described(400, 401, 403, 429, 503)},
)
async def ask_archive(request: Request, session: Asker, asked: ArchiveBody) -> Response:
    """Have the tiles of what anybody may see written to one file."""
    refuse_archive(session.actor)
    for name in asked.layers:
        _known(layer_named, name, "layers")
    return await _asked(request, session, JobKind.ARCHIVE, asked.model_dump(mode="json"))


@router.get(
    "",
    summary="任务列表 | The asker's jobs, the newest first",
    response_class=Response,
    responses=documented(JOBS, {"jobs": [JOB_EXAMPLE], "next": None}, 400, 401, 503),
)
async def list_jobs(
    session: Asker,
    limit: Annotated[
        int, Query(ge=1, le=200, description="每页数 | jobs a page", examples=[50])
    ] = 50,
    before: Annotated[
        int | None,
        Query(
            ge=1,
            le=2**63 - 1,
            description="上一页的 next | `next` of the page before",
            examples=[17],
        ),
    ] = None,
) -> Response:
    """Return one's own jobs; to an administrator everybody's, without what is in them."""
    everybodys = sees_all_jobs(session.actor)
    # One more than the page holds tells whether there is another.
    statement = jobs.listed(
        session.actor.account_id, everybodys=everybodys, limit=limit + 1, before=before
    )
    rows = await session.fetch(statement)
    page = rows[:limit]
    return answer_of(
        {
            "jobs": [told(session, row, _read) for row in page],
            "next": page[-1]["id"] if len(rows) > limit else None,
        }
    )


@router.get(
    "/{key:int}",
    summary="一项任务 | How far a job is",
    response_class=Response,
    responses=documented(JOB, JOB_EXAMPLE, 400, 401, 404, 503),
)
async def get_job(session: Asker, key: Key) -> Response:
    """Return one job."""
    return answer_of(told(session, await found(session, jobs.one(key), key), _read))


@router.delete(
    "/{key:int}",
    summary="取消任务 | Cancel a job",
    response_class=Response,
    responses=documented(JOB, JOB_EXAMPLE, 400, 401, 403, 404, 405, 503),
)
async def cancel_job(request: Request, session: Asker, key: Key) -> Response:
    """Cancel a job: one that waits at once, one that runs within seconds; nothing of it is kept."""
    row = await found(session, jobs.one(key), key)
    await _writer(request).write(
        lambda connection: cancel(connection, row, session.actor), counted=False
    )
    return await get_job(session, key)


@router.get(
    "/{key:int}/result",
    summary="任务的结果 | What a job made: its file, or the report of an import",
    response_class=Response,
    responses={
        200: {
            "description": "OK",
            "content": {
                **CONTENT,
                ARCHIVE_TYPE: {},
                "application/json": {"schema": FREE, "example": _REPORT},
            },
        },
        **described(400, 401, 403, 404, 503),
    },
)
async def get_result(request: Request, session: Asker, key: Key) -> Response:
    """Return the file that a job made, or the report of an import as JSON.

    That a file is fetched is recorded before it goes out, like an export that is awaited. The
    report tells what stood in the file: whoever may no longer import such files is refused it.
    """
    row = await found(session, jobs.one(key), key)
    if not is_own(session.actor, row) or row["state"] != State.DONE:
        raise NotFound(
            zh=f"任务 {key} 没有可取的结果", en=f"There is no result of job {key} for you"
        )
    if row["scope"] not in (None, session.actor.scope_key):
        raise Forbidden(
            zh="您的权限在导出之后有变化；请重新导出",
            en="What you may read has changed since this file was made; ask for it anew",
        )
    result = _read(row["result"])
    if row["kind"] == JobKind.IMPORT:
        importer = importer_of(_read(row["arguments"])["kind"])
        refuse_import(session.actor, importer)
        tells(*importer.layers)
        return answer_of(result)
    path = staging.results(session.config.data_dir, row["folder"]) / result["file"]
    if not await asyncio.to_thread(path.is_file):
        raise NotFound(
            zh="文件已过保留期；请重新提交任务", en="The file is no longer kept; ask for it anew"
        )
    layer = _read(row["arguments"]).get("layer") if row["kind"] == JobKind.REPORT else None
    await trace_now(request, Act.EXPORT, layer, what="job", job=key, file=result["name"])
    return FileResponse(
        path,
        media_type=result["media_type"],
        filename=result["name"],
        headers={"Cache-Control": "private, no-store"},
    )


def _read(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


async def _asked(
    request: Request, session: Session, kind: JobKind, arguments: dict[str, Any]
) -> Response:
    key = await _ask(request, session, kind, arguments, staging.new_folder())
    return await _accepted(session, key)


async def _ask(
    request: Request, session: Session, kind: JobKind, arguments: dict[str, Any], folder: str
) -> int:
    state = request.app.state
    caller = await state.callers.of(request, state.connections, used=False)
    token = caller.bearer.key if caller is not None and caller.bearer.by == "token" else None
    account = session.actor.account_id
    key: int = await _writer(request).write(
        lambda connection: ask(
            connection, kind, arguments, folder, account_id=account, token_id=token
        ),
        counted=False,
    )
    return key


async def _accepted(session: Session, key: int) -> Response:
    answer = await get_job(session, key)
    answer.status_code = 202
    return answer


def _writer(request: Request) -> Writer:
    """Return the writer of the role that lets people in: the one that serves asks for no jobs."""
    writer: Writer | None = request.app.state.accounts_writer
    if writer is None:
        raise Unavailable(
            zh="本服务未配置任务：请运行者设置 ONEMAP_ACCOUNTS_DATABASE_URL",
            en="This service takes no jobs: whoever runs it must set ONEMAP_ACCOUNTS_DATABASE_URL",
        )
    return writer

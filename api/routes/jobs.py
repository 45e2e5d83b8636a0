"""Jobs: imports, tile archives and long exports that a worker does; ``/jobs``."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Annotated, Any, TypeVar

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from starlette.responses import FileResponse, Response

from api.answers import answer_of, documented
from api.job_schemas import (
    JOB,
    JOB_EXAMPLE,
    JOBS,
    KINDS,
    KINDS_EXAMPLE,
    ArchiveBody,
    ExportBody,
    ImportOptions,
    import_options,
)
from api.jobs import (
    ask,
    cancel,
    found,
    is_own,
    refuse_archive,
    refuse_strangers,
    sees_all_jobs,
    told,
)
from api.problems import described
from api.routes.exports import CONTENT
from api.schemas import FREE
from api.session import Session, actor_of, language_of
from api.tracing import routed, trace_now
from api.uploads import received
from api.writing import Writer
from importers import sheets, staging
from importers.base import Importer
from importers.registry import importer_of
from importers.rights import imported_by, refuse_import
from layers import jobs
from layers.audit import Kind as Act
from layers.audit.noting import read as tells
from layers.jobs import JobKind, State
from layers.problems import BadInput, BadRequest, Forbidden, NotFound, Problem, Unavailable
from layers.registry import layer as layer_named
from tiles.archive import MEDIA_TYPE as ARCHIVE_TYPE

T = TypeVar("T")
router = APIRouter(tags=["jobs"], prefix="/jobs")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
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
Word = Annotated[str | None, Query(max_length=200)]


async def open_jobs(
    request: Request,
    lang: Annotated[  # noqa: ARG001 - declared for the description; `language_of` reads it
        str | None, Query(description="语言 | language of texts", examples=["zh", "en"])
    ] = None,
) -> Session:
    """Return the session of a request about jobs: they are of now, and of nobody's unit.

    A page that looks how far a job is keeps no sign-in alive by that.
    """
    routed(request.scope)
    state = request.app.state
    used = request.method != "GET"
    actor = await actor_of(request, state.connections, state.config, used=used)
    made = Session(actor, None, language_of(request), state.connections, state.config)
    refuse_strangers(made)
    return made


Asker = Annotated[Session, Depends(open_jobs)]


@router.get(
    "/kinds",
    summary="可导入的种类 | What the asker may import, and what each kind expects",
    response_class=Response,
    responses=documented(KINDS, KINDS_EXAMPLE, 401, 503),
)
async def list_kinds(session: Asker) -> Response:
    """Return the kinds of files that the asker may import, and whether he may make archives."""
    actor = session.actor
    try:
        refuse_archive(actor)
        archives = True
    except Forbidden:
        archives = False
    kinds = [_kind(each) for each in imported_by(actor)]
    return answer_of({"kinds": kinds, "archives": archives, "upload_mb": session.config.upload_mb})


def _kind(importer: Importer) -> dict[str, Any]:
    return {
        "kind": importer.kind,
        "title": importer.title._asdict(),
        "description": importer.description._asdict(),
        "suffixes": list(_suffixes(importer)),
        "layers": list(importer.layers),
        "spatial": any(layer_named(name).spatial for name in importer.layers),
        "sheet": _has_sheet(importer),
    }


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


def _suffixes(importer: Importer) -> tuple[str, ...]:
    """Return the endings that a kind takes; a shapefile is several files and comes as a zip."""
    known = importer.suffixes
    return (*known, ".zip") if ".shp" in known and ".zip" not in known else known


def _has_sheet(importer: Importer) -> bool:
    try:
        importer.sheet()
    except BadInput:
        return False
    return True


@router.get(
    "/kinds/{kind}/template",
    summary="填报表 | The sheet of a kind, to be filled in",
    response_class=Response,
    responses={
        200: {"description": "OK", "content": {XLSX: {}}},
        **described(401, 403, 404, 422, 503),
    },
)
async def get_template(
    session: Asker,
    kind: Annotated[str, InPath(max_length=100, description="种类 | kind", examples=["assets"])],
) -> Response:
    """Return the sheet with its headings and one example row."""
    importer = importer_of(kind)
    refuse_import(session.actor, importer)
    content = await asyncio.to_thread(_template, importer)
    return Response(
        content,
        media_type=XLSX,
        headers={"Content-Disposition": f'attachment; filename="{importer.kind}.xlsx"'},
    )


def _template(importer: Importer) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = FilePath(folder) / "sheet.xlsx"
        sheets.write_template(importer, path)
        return path.read_bytes()


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
    suffixes = _suffixes(importer)
    if not name.lower().endswith(suffixes):
        readable = "、".join(suffixes)
        raise BadRequest(
            zh=f"“{importer.title.zh}”读取 {readable}；收到的是 {name}",
            en=f"{importer.title.en} is read from {readable}; got {name}",
            field="name",
            value=name,
        )
    folder = staging.new_folder()
    kept = await received(session.config.data_dir, folder, name, request.stream())
    arguments = {
        "kind": importer.kind,
        "names": [kept],
        "files": [kept],
        "options": options.model_dump(exclude_none=True),
    }
    try:
        return await _asked(request, session, JobKind.IMPORT, arguments, folder)
    except Problem:
        await asyncio.to_thread(staging.clear, staging.uploads(session.config.data_dir, folder))
        raise


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
    return await _asked(request, session, JobKind.REPORT, arguments, staging.new_folder())


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
    return await _asked(
        request, session, JobKind.ARCHIVE, asked.model_dump(mode="json"), staging.new_folder()
    )


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
    responses=documented(JOB, JOB_EXAMPLE, 400, 401, 403, 404, 503),
)
async def cancel_job(request: Request, session: Asker, key: Key) -> Response:
    """Cancel a job: one that waits at once, one that runs within seconds; nothing of it is kept."""
    row = await found(session, jobs.one(key), key)
    await _write(request, lambda connection: cancel(connection, row, session.actor))
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
    request: Request, session: Session, kind: JobKind, arguments: dict[str, Any], folder: str
) -> Response:
    state = request.app.state
    caller = await state.callers.of(request, state.connections, used=False)
    token = caller.bearer.key if caller is not None and caller.bearer.by == "token" else None
    account = session.actor.account_id
    key = await _write(
        request,
        lambda connection: ask(
            connection, kind, arguments, folder, account_id=account, token_id=token
        ),
    )
    answer = await get_job(session, key)
    answer.status_code = 202
    return answer


async def _write(request: Request, act: Callable[[sa.Connection], Any]) -> Any:
    """Write through the role that lets people in: the one that serves asks for no jobs."""
    writer: Writer | None = request.app.state.accounts_writer
    if writer is None:
        raise Unavailable(
            zh="本服务未配置任务：请运行者设置 ONEMAP_ACCOUNTS_DATABASE_URL",
            en="This service takes no jobs: whoever runs it must set ONEMAP_ACCOUNTS_DATABASE_URL",
        )
    return await writer.write(act, counted=False)

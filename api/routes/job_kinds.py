"""What may be imported as a job, and the sheet of each kind; ``/jobs/kinds``."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as InPath
from starlette.responses import Response

from api.answers import answer_of, documented
from api.job_schemas import KINDS, KINDS_EXAMPLE
from api.jobs import Asker, refuse_archive
from api.problems import described
from importers import sheets
from importers.base import Importer
from importers.registry import importer_of
from importers.rights import imported_by, refuse_import
from layers.problems import BadInput, Forbidden
from layers.registry import layer as layer_named

router = APIRouter(tags=["jobs"], prefix="/jobs")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


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
        "suffixes": list(suffixes_of(importer)),
        "layers": list(importer.layers),
        "spatial": any(layer_named(name).spatial for name in importer.layers),
        "sheet": _has_sheet(importer),
    }


def suffixes_of(importer: Importer) -> tuple[str, ...]:
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

"""What jobs are asked with and how they are told; see `api.schemas`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from api.schemas import BOOLEAN, FREE, INTEGER, MOMENT, STRING, TEXT, maybe, one_of, record, rows
from layers.jobs import JobKind, State

JOB = record(
    id=INTEGER,
    kind=one_of(*JobKind),
    title=TEXT,
    state=one_of(*State),
    state_title=TEXT,
    phase=maybe(record(code=STRING, zh=STRING, en=STRING)),
    done=maybe(INTEGER),
    total=maybe(INTEGER),
    own={**BOOLEAN, "description": "是否本人的任务 | whether the job is the asker's own"},
    arguments=maybe(FREE),
    result=maybe(FREE),
    error=maybe({**FREE, "required": ["reason", "zh", "en"]}),
    file={**BOOLEAN, "description": "是否有文件可下载 | whether there is a file to fetch"},
    asked_at=MOMENT,
    started_at=maybe(MOMENT),
    cancel_asked_at=maybe(MOMENT),
    finished_at=maybe(MOMENT),
)
JOBS = record(jobs=rows(JOB), next=maybe(INTEGER))
KIND = record(
    kind=STRING,
    title=TEXT,
    description=TEXT,
    suffixes=rows(STRING),
    layers=rows(STRING),
    spatial={**BOOLEAN, "description": "是否需要坐标系 | whether a coordinate system is asked"},
    sheet={**BOOLEAN, "description": "是否有填报表 | whether there is a sheet to fill in"},
)
KINDS = record(kinds=rows(KIND), archives=BOOLEAN, upload_mb=INTEGER)

_MOMENT = "2026-10-12T09:00:00+08:00"
JOB_EXAMPLE: dict[str, Any] = {
    "id": 17,
    "kind": "import",
    "title": {"zh": "导入 资产.xlsx", "en": "Import 资产.xlsx"},
    "state": "running",
    "state_title": {"zh": "进行中", "en": "running"},
    "phase": {"code": "asset", "zh": "写入资产", "en": "writing assets"},
    "done": 1200,
    "total": 4126,
    "own": True,
    "arguments": {"kind": "assets", "names": ["资产.xlsx"]},
    "result": None,
    "error": None,
    "file": False,
    "asked_at": _MOMENT,
    "started_at": _MOMENT,
    "cancel_asked_at": None,
    "finished_at": None,
}
KINDS_EXAMPLE: dict[str, Any] = {
    "kinds": [
        {
            "kind": "assets",
            "title": {"zh": "资产", "en": "Assets"},
            "description": {"zh": "资产表", "en": "a sheet of assets"},
            "suffixes": [".csv", ".xlsx"],
            "layers": ["assets"],
            "spatial": False,
            "sheet": True,
        }
    ],
    "archives": True,
    "upload_mb": 512,
}


class ExportBody(BaseModel):
    """A list that is wanted as a file: what `/lists/{layer}/export` is asked with."""

    model_config = ConfigDict(extra="forbid")
    layer: str = Field(max_length=100, examples=["rooms"])
    format: Literal["csv", "xlsx", "geojson"] = "xlsx"
    query: list[tuple[str, str]] = Field(
        default=[],
        max_length=50,
        description="列表的其他参数，按名与值 | the other parameters of the list, name and value",
        examples=[[["named", "vacant_rooms"], ["unit", "17"]]],
    )


class ArchiveBody(BaseModel):
    """Layers that are wanted as an archive of tiles."""

    model_config = ConfigDict(extra="forbid")
    layers: list[str] = Field(min_length=1, max_length=50, examples=[["buildings", "roads"]])
    max_zoom: int | None = Field(None, ge=0, le=24)
    attribution: str = Field("", max_length=500)


class ImportOptions(BaseModel):
    """What is said of a file beside its kind; see ``onemap import``."""

    crs: str | None = None
    source: str | None = None
    body: str | None = None
    layer: str | None = None
    encoding: str | None = None
    accept_guess: bool = False
    accept_ballpark: bool = False
    dry_run: bool = False


def import_options(
    *,
    crs: Annotated[
        str | None, Query(max_length=200, description="坐标系 | CRS: EPSG:4547, GCJ-02")
    ] = None,
    source: Annotated[
        str | None, Query(max_length=200, description="数据集名称 | name of dataset")
    ] = None,
    body: Annotated[str | None, Query(max_length=200, description="所属机构 | owning body")] = None,
    layer: Annotated[
        str | None, Query(max_length=200, description="图层或工作表 | layer or sheet")
    ] = None,
    encoding: Annotated[
        str | None, Query(max_length=40, description="文字编码 | encoding of texts")
    ] = None,
    accept_guess: Annotated[
        bool, Query(description="接受推测的坐标系 | accept a guessed CRS")
    ] = False,
    accept_ballpark: Annotated[
        bool, Query(description="接受约百米误差 | accept a coarse shift")
    ] = False,
    dry_run: Annotated[bool, Query(description="只检查 | check only, write nothing")] = False,
) -> ImportOptions:
    """Return what an address says of a file."""
    return ImportOptions(
        crs=crs, source=source, body=body, layer=layer, encoding=encoding,
        accept_guess=accept_guess, accept_ballpark=accept_ballpark, dry_run=dry_run,
    )  # fmt: skip

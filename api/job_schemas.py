"""JSON Schemas of jobs; see `api.schemas`."""

from __future__ import annotations

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

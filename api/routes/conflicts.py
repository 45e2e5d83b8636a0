"""Where a newer file and an edit by hand differ: listed, and decided one by one."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import cast, func, select
from starlette.responses import Response

from api.answers import answer_of, documented
from api.parameters import RowId
from api.schemas import CONFLICTS, DECIDED
from api.session import Session, SessionOf
from api.writing import Writer
from layers.access import rows
from layers.audit.noting import read
from layers.editing.decide import decidable, decide
from layers.editing.keys import layer_of
from layers.fields import title_of
from layers.hand_edits import as_json, pending
from layers.places import IDS, name_of
from layers.problems import Forbidden
from layers.registry import LAYERS

router = APIRouter(tags=["conflicts"])
_EXAMPLE: dict[str, Any] = {
    "rows": [
        {
            "id": 7,
            "layer": "vehicles",
            "row": 12,
            "revision": 4,
            "name": "演A·D0012",
            "source": "车辆台账2026",
            "source_key": "演A·D0012",
            "field": "model",
            "title": {"zh": "品牌型号", "en": "Make and model"},
            "mine": "比亚迪 秦",
            "file": "比亚迪 秦PLUS",
            "before": "比亚迪",
        }
    ],
    "next": None,
}


class Decision(BaseModel):
    """Which value stands."""

    model_config = ConfigDict(extra="forbid")
    take: Literal["file", "mine", "ask"] = Field(
        description="file：采用文件的值；mine：保留人工值；ask：收回“保留人工值”，重新待定"
        " | the file's value; the one set by hand; take back that the latter was kept"
    )
    revision: int | None = Field(
        None, ge=1, le=2**63 - 1, description="所见的修订号 | the revision that was shown"
    )


@router.get(
    "/conflicts",
    summary="待定的差异 | Values that were set by hand and of which a newer file says another",
    response_class=Response,
    responses=documented(CONFLICTS, _EXAMPLE, 400, 401, 403, 503),
)
async def list_conflicts(
    session: SessionOf,
    limit: Annotated[
        int, Query(ge=1, le=500, description="每页行数 | rows a page", examples=[50])
    ] = 50,
    after: Annotated[
        int | None,
        Query(ge=0, le=2**63 - 1, description="上一页的 next | `next` of the page before"),
    ] = None,
) -> Response:
    """Return what waits for a decision, the oldest first; `at` changes nothing.

    `field` is null where the row was deleted by hand: then `file` is the row as the file has it.
    """
    kept = [each for each in LAYERS if decidable(session.actor, each, "")]
    if not kept:
        raise Forbidden(
            zh="只有负责某个图层全部范围的账号可以查看待定的差异；请向管理员申请，或去掉 unit",
            en="Only who keeps the whole of a layer sees what is to be decided; ask the "
            "administrator, or leave unit out",
        )
    found = await session.fetch(pending(after, limit + 1, [each.table.name for each in kept]))
    page = found[:limit]
    now = await _now(session, page)
    read(*{layer_of(each["layer"]).name for each in page})
    return answer_of(
        {
            # Of a row that is gone there is nothing to decide but where its deletion is the matter.
            "rows": [
                _told(each, now)
                for each in page
                if not each["field"] or (each["layer"], each["row_id"]) in now
            ],
            "next": page[-1]["id"] if len(found) > limit else None,
        }
    )


@router.post(
    "/conflicts/{key}",
    summary="决定一项 | Decide for the file's value or the one set by hand",
    response_class=Response,
    responses=documented(DECIDED, {"seq": 1043}, 400, 401, 403, 404, 412, 422, 428, 503),
)
async def decide_conflict(
    session: SessionOf, request: Request, key: RowId, body: Decision
) -> Response:
    """Take the file's value, which is a change like any other, or let the person's stand.

    The former is taken back by its `seq` (`/changes/{seq}/undo`), the latter by `ask`.
    """
    writer: Writer = request.app.state.writer
    seq = await writer.write(
        partial(decide, actor=session.actor, key=key, take=body.take, revision=body.revision)
    )
    return answer_of({"seq": seq})


async def _now(session: Session, page: list[Any]) -> dict[tuple[str, int], dict[str, Any]]:
    """Return name and values of the rows that a page is about, as they are now."""
    made: dict[tuple[str, int], dict[str, Any]] = {}
    for table in {each["layer"] for each in page}:
        shown = layer_of(table)
        of = rows(shown, session.actor)
        ids = [each["row_id"] for each in page if each["layer"] == table]
        names = [c.name for c in shown.table.c if c.computed is None and c.name != "id"]
        values = (as_json(of.c[n]).label(n) for n in names)
        known = (name_of(shown, of).label("_name"), of.c.revision.label("_revision"))
        query = select(of.c.id, *known, *values)
        for row in await session.fetch(query.where(of.c.id == func.any(cast(ids, IDS)))):
            made[table, row["id"]] = dict(row)
    return made


def _told(each: Any, now: dict[tuple[str, int], dict[str, Any]]) -> dict[str, Any]:
    shown = layer_of(each["layer"])
    row = now.get((each["layer"], each["row_id"]), {})
    name = each["field"] or None
    held = row.get(name) if name else None
    column = shown.table.c[name] if name else None
    return {
        "id": each["id"],
        "layer": shown.name,
        "row": each["row_id"],
        "revision": row.get("_revision"),
        "name": row.get("_name") or each["source_key"],
        "source": each["source"],
        "source_key": each["source_key"],
        "field": "geometry" if name == "geom" else name,
        "title": None if column is None else title_of(column)._asdict(),
        "mine": None if held is None else orjson.loads(held),
        "file": orjson.loads(each["offered"])["value"],
        "before": None if each["imported"] is None else orjson.loads(each["imported"]),
    }

"""The search box: names, numbers, plates, tags, pinyin; every hit with its path and place."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.answers import answer_of, documented
from api.records import earliest_of
from api.schemas import FOUND
from api.session import Session, SessionOf
from layers.audit.noting import read
from layers.places import Place, paths, read_path
from layers.problems import BadRequest
from layers.search import Then, changed_texts, entries_then, search, searched

router = APIRouter(tags=["search"])
MOST_CHANGED = 200_000
_EXAMPLE = {
    "query": "B03-412",
    "results": [
        {
            "layer": "rooms",
            "id": 412,
            "title": "B03-412 办公室",
            "field": "number",
            "text": "B03-412",
            "path": [
                {"layer": "sites", "id": 1, "name": "政府大院"},
                {"layer": "buildings", "id": 3, "name": "3号楼"},
                {"layer": "levels", "id": 14, "name": "4F"},
            ],
            "center": [119.6012, 38.9003],
            "bbox": [119.60115, 38.90026, 119.60125, 38.90034],
        }
    ],
}


@router.get(
    "/search",
    summary="搜索 | Search names, numbers, plates, tags, pinyin and initials",
    response_class=Response,
    responses=documented(FOUND, _EXAMPLE, 400, 401, 503),
)
async def search_everything(
    session: SessionOf,
    q: Annotated[
        str,
        Query(
            description="名称、编号、车牌、标签号、拼音或首字母 | "
            "a name, number, plate, tag, pinyin or initials",
            examples=["B03-412", "演AD0017", "hys"],
        ),
    ],
    limit: Annotated[
        int, Query(ge=1, le=100, description="最多几条 | how many at most", examples=[10])
    ] = 10,
) -> Response:
    """Return the best hits among the rows that the caller may see, now or as recorded at `at`."""
    then = await _then(session, q) if session.at is not None else None
    found = await session.fetch(search(session.actor, q, limit, then))
    wanted: dict[str, list[int]] = {}
    for row in found:
        wanted.setdefault(row["layer"], []).append(row["id"])
    read(*wanted)
    known = await paths_of(session, wanted)
    results = [
        {
            "layer": row["layer"],
            "id": row["id"],
            "title": row["title"],
            "field": row["field"],
            "text": row["text"],
            "path": [step._asdict() for step in known.get((row["layer"], row["id"]), [])],
            **place(row),
        }
        for row in found
    ]
    document: dict[str, Any] = {"query": q, "results": results}
    first = await earliest_of(session, *searched())
    if first is not None:
        document["earliest"] = first.astimezone(session.config.zone)
    return answer_of(document)


async def _then(session: Session, query: str) -> Then:
    """Return what the query may find among the rows changed since the request's moment.

    Raises
    ------
    BadRequest : more were changed than can be read through while the caller waits.
    """
    assert session.at is not None
    found: dict[str, list[Any]] = {}
    left = MOST_CHANGED
    for each in searched():
        found[each.name] = await session.fetch(changed_texts(each, session.at, left + 1))
        left -= len(found[each.name])
        if left < 0:
            raise BadRequest(
                zh=f"该时刻之后修改过的对象超过 {MOST_CHANGED} 个，无法按文字搜索；"
                "请选较近的时刻，或用 /ogc/collections/{图层}/items?filter=…&at=…",
                en=f"More than {MOST_CHANGED} rows were changed since that moment, too many to "
                "search by words; choose a later one, or ask "
                "/ogc/collections/{layer}/items?filter=…&at=…",
                field="at",
                value=session.at.isoformat(),
            )
    # Sounds of thousands of names take a moment: other requests go on meanwhile.
    return Then(session.at, await asyncio.to_thread(entries_then, query, found))


async def paths_of(
    session: Session, wanted: dict[str, list[int]]
) -> dict[tuple[str, int], list[Place]]:
    """Return the path of each row, by layer and id."""
    day = (session.at or session.config.now()).astimezone(session.config.zone).date()
    statement = paths(session.actor, wanted, session.at, day)
    if statement is None:
        return {}
    return {(row["layer"], row["id"]): read_path(row) for row in await session.fetch(statement)}


def place(row: Any) -> dict[str, Any]:
    """Return ``center`` and ``bbox`` (EPSG:4326) of a row that has `extent_columns`."""
    if row["lon"] is None:
        return {"center": None, "bbox": None}
    return {
        "center": [row["lon"], row["lat"]],
        "bbox": [row["west"], row["south"], row["east"], row["north"]],
    }

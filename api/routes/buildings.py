"""The floor switch: the storeys of a building."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from api.answers import answer_of, documented
from api.parameters import RowId
from api.schemas import LEVELS
from api.session import SessionOf
from layers.access import rows
from layers.facts import levels_of
from layers.problems import NotFound
from layers.registry import layer

router = APIRouter(tags=["map"])
_EXAMPLE = [{"id": 14, "ordinal": 0, "short_name": "1F", "name": "1层", "room_count": 24}]


@router.get(
    "/buildings/{key}/levels",
    summary="楼层 | The storeys of a building, from the lowest up",
    response_class=Response,
    responses=documented(LEVELS, _EXAMPLE, 400, 401, 404, 503),
)
async def building_levels(session: SessionOf, key: RowId) -> Response:
    """Return the levels; an empty list for a building without a plan."""
    found = await session.fetch(levels_of(session.actor, key, session.at))
    if not found:
        building = rows(layer("buildings"), session.actor, session.at)
        if await session.fetchrow(select(building.c.id).where(building.c.id == key)) is None:
            raise NotFound(
                zh=f"没有编号为 {key} 的建筑，或您无权查看",
                en=f"There is no building {key}, or it is not yours to see",
            )
    return answer_of([dict(row) for row in found])

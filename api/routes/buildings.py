"""The floor switch: the storeys of a building."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from api.parameters import RowId
from api.problems import described
from api.routes.measures import answer_of
from api.session import SessionOf
from layers.access import rows
from layers.facts import levels_of
from layers.problems import NotFound
from layers.registry import layer

router = APIRouter(tags=["map"])
_EXAMPLE = [{"id": 14, "ordinal": 0, "short_name": "1F", "name": "1层", "room_count": 24}]
_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "ordinal": {"type": "integer"},
            "short_name": {"type": ["string", "null"]},
            "name": {"type": ["string", "null"]},
            "room_count": {"type": "integer"},
        },
    },
}


@router.get(
    "/buildings/{key}/levels",
    summary="楼层 | The storeys of a building, from the lowest up",
    response_class=Response,
    responses={
        200: {
            "description": "OK",
            "content": {"application/json": {"schema": _SCHEMA, "example": _EXAMPLE}},
        },
        **described(400, 401, 404, 503),
    },
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

"""The storeys of a building: for the floor switch, and stacked with the rooms upon them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from api.answers import answer_of, documented
from api.parameters import RowId
from api.schemas import LEVELS, STACK
from api.session import SessionOf
from layers import stack
from layers.access import rows
from layers.facts import levels_of
from layers.problems import NotFound
from layers.registry import layer

router = APIRouter(tags=["map"])
_EXAMPLE = [{"id": 14, "ordinal": 0, "short_name": "1F", "name": "1层", "room_count": 24}]

_STACK: dict[str, Any] = {
    "building": {"id": 3, "title": "3号楼"},
    "levels": [
        {
            "id": 14,
            "ordinal": 3,
            "short_name": "4F",
            "base_m": 10.8,
            "height_m": 3.6,
            "assumed": False,
        }
    ],
    "rooms": {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": 412,
                "geometry": {
                    "type": "MultiPolygon",
                    "coordinates": [
                        [[[119.6, 38.9], [119.6001, 38.9], [119.6001, 38.9001], [119.6, 38.9]]]
                    ],
                },
                "properties": {
                    "level_id": 14,
                    "ordinal": 3,
                    "base_m": 10.8,
                    "top_m": 14.4,
                    "number": "B03-412",
                    "name": "办公室",
                    "use": "office",
                    "state": "in_use",
                },
            }
        ],
    },
}


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
            raise _no_building(key)
    return answer_of([dict(row) for row in found])


@router.get(
    "/buildings/{key}/stack",
    summary="楼层堆叠 | The storeys of a building with their heights, and the rooms upon them",
    response_class=Response,
    responses=documented(STACK, _STACK, 400, 401, 404, 503),
)
async def building_stack(session: SessionOf, key: RowId) -> Response:
    """Return what a stacked drawing of one building needs; heights in metres above its ground.

    Where a plan says no heights, a storey is taken to be 3.6 m high, and `assumed` says so. A room
    on several levels stands on the lowest and reaches to the top of the highest. A building
    without a plan has its levels and no rooms.
    """
    actor, at = session.actor, session.at
    building, levels, rooms_ = await asyncio.gather(
        session.fetchrow(stack.building(actor, key, at)),
        session.fetch(stack.levels(actor, key, at)),
        session.fetch(stack.rooms(actor, key, at)),
    )
    if building is None:
        raise _no_building(key)
    storeys = {each.id: each for each in stack.storeys(levels)}
    features = []
    for row in rooms_:
        # A level that came between the statements is in the next answer, with its rooms.
        known = [storeys[level] for level in row["level_ids"] if level in storeys]
        if known:
            features.append(_stacked(row, known))
    return answer_of(
        {
            "building": dict(building),
            "levels": [each._asdict() for each in storeys.values()],
            "rooms": {"type": "FeatureCollection", "features": features},
        }
    )


def _stacked(room: Mapping[str, Any], storeys: list[stack.Storey]) -> dict[str, Any]:
    lowest = storeys[0]
    return {
        "type": "Feature",
        "id": room["id"],
        "geometry": orjson.Fragment(room["geojson"]),
        "properties": {
            "level_id": lowest.id,
            "ordinal": lowest.ordinal,
            "base_m": lowest.base_m,
            "top_m": max(each.top_m for each in storeys),
            **{name: room[name] for name in ("number", "name", "use", "state")},
        },
    }


def _no_building(key: int) -> NotFound:
    return NotFound(
        zh=f"没有编号为 {key} 的建筑，或您无权查看",
        en=f"There is no building {key}, or it is not yours to see",
    )

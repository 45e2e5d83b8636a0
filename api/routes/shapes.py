"""Shapes for an edit: an area cut by a line, neighbours joined; nothing is written."""

from __future__ import annotations

import json
from typing import Any

import shapely
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from shapely import LineString
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.answers import answer_of, documented
from api.schemas import PARTS
from api.session import SessionOf
from geo.shapes import Unshaped, area_m2, as_area, merged, split
from layers.labels import Text
from layers.problems import BadRequest

router = APIRouter(tags=["changes"], prefix="/shapes")
_SQUARE = [[[119.6, 38.9], [119.601, 38.9], [119.601, 38.901], [119.6, 38.901], [119.6, 38.9]]]
_AREA: dict[str, Any] = {"type": "Polygon", "coordinates": _SQUARE}
_EXAMPLE: dict[str, Any] = {"parts": [{"geometry": _AREA, "area_m2": 9633.1}]}
_WHY = {
    "uncut": Text(
        "这条线没有把图形分开；请从一边画到另一边", "The line cuts nothing off; draw it across"
    ),
    "sliver": Text("分出的一块太小；请重新画线", "One of the parts is tiny; draw the line anew"),
    "apart": Text("两个图形不相邻，不能合并", "These do not lie side by side and cannot be joined"),
    "shape": Text("不是有效的面图形", "That is no valid area"),
    "line": Text("不是有效的线", "That is no valid line"),
}


class SplitBody(BaseModel):
    """An area and the line that cuts it."""

    model_config = ConfigDict(extra="forbid")
    geometry: dict[str, Any] = Field(examples=[_AREA])
    line: dict[str, Any] = Field(
        examples=[{"type": "LineString", "coordinates": [[119.5999, 38.9005], [119.6011, 38.9005]]}]
    )


class MergeBody(BaseModel):
    """Areas that lie side by side."""

    model_config = ConfigDict(extra="forbid")
    geometries: list[dict[str, Any]] = Field(min_length=2, max_length=20)


@router.post(
    "/split",
    summary="按线拆分面 | Cut an area by a line; nothing is written",
    response_class=Response,
    responses=documented(PARTS, _EXAMPLE, 400, 401, 503),
)
async def split_area(_session: SessionOf, body: SplitBody) -> Response:
    """Return the parts with their areas, the largest first."""
    shape, line = _area(body.geometry), _read(body.line)
    if not isinstance(line, LineString) or line.length == 0:
        raise _wrong("line")
    return await _answer(split, shape, line)


@router.post(
    "/merge",
    summary="合并相邻的面 | Join neighbouring areas; nothing is written",
    response_class=Response,
    responses=documented(PARTS, _EXAMPLE, 400, 401, 503),
)
async def merge_areas(_session: SessionOf, body: MergeBody) -> Response:
    """Return the one area; a wall between neighbours becomes part of it."""
    shapes = [_area(each) for each in body.geometries]
    return await _answer(lambda: [merged(shapes)])


async def _answer(work: Any, *given: Any) -> Response:
    try:
        parts = await run_in_threadpool(work, *given)
    except Unshaped as why:
        raise _wrong(str(why)) from None
    told = [{"geometry": shapely.geometry.mapping(p), "area_m2": area_m2(p)} for p in parts]
    return answer_of({"parts": told})


def _wrong(why: str) -> BadRequest:
    return BadRequest(zh=_WHY[why].zh, en=_WHY[why].en, field="geometry")


def _read(given: dict[str, Any]) -> Any:
    try:
        return shapely.from_geojson(json.dumps(given))
    except (shapely.errors.GEOSException, TypeError, ValueError):
        return None


def _area(given: dict[str, Any]) -> Any:
    shape = as_area(_read(given))
    if shape is None:
        raise _wrong("shape")
    return shape

"""Workspaces and their counted questions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.answers import answer_of, documented
from api.list_schemas import COUNTED, NAMED_FILTER, WORKSPACE
from api.listed import chosen_of
from api.schemas import rows as listed
from api.session import SessionOf
from layers.measures import MEASURES
from layers.named import NAMED, NamedFilter
from layers.registry import LAYERS
from layers.workspaces import workspaces_of

router = APIRouter(tags=["filters"])
_EXAMPLE: dict[str, Any] = {
    "name": "vacant_rooms",
    "layer": "rooms",
    "title": {"zh": "空置房间", "en": "Vacant rooms"},
    "description": {"zh": "…", "en": "…"},
    "unit": {"zh": "间", "en": "rooms"},
    "tone": "attention",
    "group": "level",
    "citation": None,
}
_WORKSPACE = {
    "name": "space",
    "title": {"zh": "办公用房", "en": "Office space"},
    "description": {"zh": "…", "en": "…"},
    "filters": ["over_quota_people", "vacant_rooms"],
    "more": ["over_quota_rooms"],
    "lists": ["rooms", "persons"],
    "layers": ["rooms", "buildings"],
    "measures": ["over_quota", "vacancy"],
}


@router.get(
    "/workspaces",
    summary="工作区 | What each role comes to do: questions, lists, layers, measures",
    response_class=Response,
    responses=documented(listed(WORKSPACE), [_WORKSPACE], 401, 503),
)
async def workspaces(session: SessionOf) -> Response:
    """Return the workspaces of the caller's roles, with what the caller sees of them."""
    able = session.actor.able
    filters = {each.name for each in NAMED if able(each.layer, *each.rests) is not None}
    measures = {each.name for each in MEASURES if able(each.layer, *each.rests) is not None}
    seen = {each.name for each in LAYERS if session.actor.sees(each)}
    return answer_of(
        [
            {
                "name": each.name,
                "title": each.title._asdict(),
                "description": each.description._asdict(),
                "filters": [name for name in each.filters if name in filters],
                "more": [name for name in each.more if name in filters],
                "lists": [name for name in each.lists if name in seen],
                "layers": [name for name in each.layers if name in seen],
                "measures": [name for name in each.measures if name in measures],
            }
            for each in workspaces_of(session.actor)
        ]
    )


@router.get(
    "/filters",
    summary="有名问题 | The counted questions, each a named filter of a layer",
    response_class=Response,
    responses=documented(listed(NAMED_FILTER), [_EXAMPLE], 401, 503),
)
async def filters(session: SessionOf) -> Response:
    """Return what the caller can ask; `/lists/{layer}?named=` lists the rows."""
    actor = session.actor
    able = (each for each in NAMED if actor.able(each.layer, *each.rests) is not None)
    return answer_of([_described(each) for each in able])


@router.get(
    "/filters/{name}",
    summary="一个问题的计数 | How many rows a named filter selects",
    response_class=Response,
    responses=documented(
        COUNTED, {**_EXAMPLE, "count": 192, "moment": "2026-10-12T09:00:00+08:00"},
        400, 401, 403, 404, 503,
    ),
)  # fmt: skip
async def count(
    request: Request,
    session: SessionOf,
    name: Annotated[str, Path(description="问题名 | name of a filter", examples=["vacant_rooms"])],
) -> Response:
    """Return the question with its count among what the caller may see."""
    found = await chosen_of(request, session, name)
    moment = found.moment.astimezone(session.config.zone).replace(microsecond=0)
    return answer_of({**_described(found.named), "count": len(found.ids), "moment": moment})


def _described(each: NamedFilter) -> dict[str, Any]:
    return {
        "name": each.name,
        "layer": each.layer,
        "title": each.title._asdict(),
        "description": each.description._asdict(),
        "unit": each.unit._asdict(),
        "tone": each.tone,
        "group": each.group,
        "citation": each.citation._asdict() if each.citation else None,
    }

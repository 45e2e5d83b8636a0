"""Whether the process lives, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import literal, select
from starlette.responses import Response

from api.answers import answer_of, documented
from api.database import Connections
from api.schemas import STATUS

router = APIRouter(tags=["health"])


@router.get(
    "/healthz",
    summary="The process lives",
    response_class=Response,
    responses=documented(STATUS, {"status": "ok"}),
)
async def healthz() -> Response:
    """Answer as long as the process runs, whatever the database does."""
    return answer_of({"status": "ok"})


@router.get(
    "/readyz",
    summary="The service can answer",
    response_class=Response,
    responses=documented(STATUS, {"status": "ready"}, 503),
)
async def readyz(request: Request) -> Response:
    """Answer 200 when the database answers, 503 when it is away; nobody need sign in to ask."""
    connections: Connections = request.app.state.connections
    await connections.fetchrow(select(literal(1)))
    return answer_of({"status": "ready"})

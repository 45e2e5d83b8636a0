"""Whether the process lives, and whether it can answer."""

from __future__ import annotations

from functools import lru_cache

import asyncpg
from fastapi import APIRouter, Request
from sqlalchemy import column, select, table
from starlette.responses import Response

from api.answers import answer_of, documented
from api.database import Connections
from api.schemas import STATUS
from layers import db
from layers.problems import Unavailable

router = APIRouter(tags=["health"])
_REVISION = table("alembic_version", column("version_num"))


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
    """Answer 200 when the database answers and its tables are of this version, else 503.

    While the service stops it is no longer ready, so that a balancer sends its requests elsewhere.
    Nobody need sign in to ask.
    """
    if request.app.state.hub.closing:
        raise Unavailable(
            zh="服务正在停止；请稍后重试", en="The service is stopping; try again soon"
        )
    connections: Connections = request.app.state.connections
    try:
        row = await connections.fetchrow(select(column("version_num")).select_from(_REVISION))
    except asyncpg.UndefinedTableError:
        row = None
    if row is None or row["version_num"] != _wanted():
        raise Unavailable(
            zh="数据库的表结构与程序版本不符；请运行 onemap db upgrade",
            en="The tables of the database are not of this version; run onemap db upgrade",
        )
    return answer_of({"status": "ready"})


@lru_cache(maxsize=1)
def _wanted() -> str | None:
    return db.head()

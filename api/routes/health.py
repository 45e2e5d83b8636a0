"""Whether the process lives, and whether it can answer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import literal, select

from api.problems import described
from api.session import SessionOf

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process lives")
async def healthz() -> dict[str, str]:
    """Answer as long as the process runs, whatever the database does."""
    return {"status": "ok"}


@router.get("/readyz", summary="The service can answer", responses=described(503))
async def readyz(session: SessionOf) -> dict[str, Any]:
    """Answer 200 when the database answers, 503 when it is away."""
    await session.fetchrow(select(literal(1)))
    return {"status": "ready"}

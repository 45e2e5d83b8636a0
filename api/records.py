"""From which moment on the past of a layer is recorded."""

from __future__ import annotations

from datetime import datetime

from api.session import Session
from layers.access import earliest
from layers.base import Layer


async def earliest_of(session: Session, layer: Layer) -> datetime | None:
    """Return the first recorded moment of `layer` where the request's `at` lies before it.

    Then the answer is the earliest known state, and must say so. None in all other cases.
    """
    if session.at is None:
        return None
    found = await session.fetchrow(earliest(layer))
    first: datetime | None = found[0] if found else None
    return first if first is not None and first > session.at else None

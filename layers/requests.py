"""The number of the request that is answered, for whoever writes something down about it."""

from __future__ import annotations

from contextvars import ContextVar

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""None outside of a request: commands, and what the service does by itself."""

"""Logs as lines of JSON, one formatter for the service's own and for those of every library.

The standard library's logging rather than a package: the server and all libraries log through it,
so that another one would only stand before it.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from layers.requests import REQUEST_ID


class JsonLines(logging.Formatter):
    """One record as one line: time, level, logger, message, request, and its own fields.

    A record has fields of its own by ``extra={"fields": {...}}``.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if number := REQUEST_ID.get():
            told["request"] = number
        told |= getattr(record, "fields", {})
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def configuration(level: str) -> dict[str, Any]:
    """Return what `logging.config.dictConfig` takes: everything to stderr, as lines of JSON.

    Libraries tell warnings and errors alone, whatever the level: at "debug" some of them write
    statements with their values.

    Parameters
    ----------
    level : of the service's own records: debug, info, warning or error.
    """
    others = "ERROR" if level == "error" else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "api.logs.JsonLines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": others},
        "loggers": {"onemap": {"level": level.upper()}, "uvicorn": {"level": others}},
    }

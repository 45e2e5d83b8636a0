"""Answers in JSON without a model between, and how they are told in the service's description."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import FastAPI
from starlette.responses import Response

from api.problems import described
from api.schemas import Schema

HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept-Language, Authorization, Cookie"}
DONE = {"status": "done"}
"""What is answered to an act that gives nothing back."""


def answer_of(document: Any) -> Response:
    """Return `document` as JSON, without a model between: answers hold 100,000 numbers."""
    return Response(written(document), media_type="application/json", headers=HEADERS)


def written(document: Any) -> bytes:
    """Return `document` as JSON."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY, default=float)


def documented(schema: Schema, example: Any, *errors: int) -> dict[int | str, Any]:
    """Return a route's ``responses``: what it answers, an example, and the errors there are."""
    # As text, which `describe` reads: the framework would drop from it what is null.
    text = orjson.dumps(example).decode()
    content = {"application/json": {"schema": schema, "example": text}}
    return {200: {"description": "OK", "content": content}, **described(*errors)}


# How the framework describes its own 422; a route's own is described otherwise.
_FRAMEWORKS = "Validation Error"


def describe(app: FastAPI) -> None:
    """Make the description of `app` say what it really answers where a request is refused.

    The framework declares 422 with a body of its own wherever there are parameters; here they
    are refused with 400, every route that reads may need a token, and the database may be away.
    """
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        whole = made()
        for path, methods in whole["paths"].items():
            for operation in methods.values():
                _tell_refusals(path, operation["responses"])
        for name in ("HTTPValidationError", "ValidationError"):
            whole["components"]["schemas"].pop(name, None)
        return whole

    app.openapi = openapi  # type: ignore[method-assign]


def _tell_refusals(path: str, responses: dict[str, Any]) -> None:
    _read_examples(responses)
    if "422" not in responses:
        return
    if responses["422"]["description"] == _FRAMEWORKS:
        del responses["422"]
    for status, told in described(400, 401, 429, 503).items():
        responses.setdefault(str(status), told)
    # Pages of the OGC interface say so in one breath: those without a name in their address are
    # always there.
    if path.startswith("/ogc") and "{" not in path:
        responses.pop("404", None)


def _read_examples(responses: dict[str, Any]) -> None:
    for told in responses.values():
        for kind, content in told.get("content", {}).items():
            if "json" in kind and isinstance(content.get("example"), str):
                content["example"] = orjson.loads(content["example"])


def private(document: Any) -> Response:
    """Return `document` as JSON that is kept nowhere."""
    return Response(
        written(document), media_type="application/json", headers={"Cache-Control": "no-store"}
    )

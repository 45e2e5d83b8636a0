"""The list of addresses, drawn from the service's own OpenAPI description; no script, no CDN."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.ogc.page import html
from api.session import SessionOf

router = APIRouter(tags=["map"])


@router.get("/docs", summary="地址一览 | The addresses", response_class=HTMLResponse)
async def docs(request: Request, session: SessionOf) -> Response:
    """Return a page of every address with its parameters; OpenAPI itself is ``/openapi.json``."""
    description: dict[str, Any] = request.app.openapi()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            group = (operation.get("tags") or ["map"])[0]
            groups.setdefault(group, []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "summary": _half(operation.get("summary", ""), session.language),
                    "about": operation.get("description", "").split("\n\nRaises")[0],
                    "parameters": [
                        {
                            "name": each["name"],
                            "about": _half(each.get("description", ""), session.language),
                            "example": _example(each),
                        }
                        for each in operation.get("parameters", [])
                        if "name" in each
                    ],
                }
            )
    return html(request, session, "operations.html", groups=groups)


def _half(text: str, language: str) -> str:
    """Return the half of ``"中文 | English"`` that the reader wants."""
    zh, _, en = text.partition(" | ")
    return (en or zh) if language == "en" else zh


def _example(parameter: dict[str, Any]) -> str:
    if "example" in parameter:
        return str(parameter["example"])
    examples = parameter.get("examples") or parameter.get("schema", {}).get("examples")
    return str(examples[0]) if isinstance(examples, list) and examples else ""

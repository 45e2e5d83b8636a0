"""JSON or a page: content negotiation, and the plain HTML view of each document."""

from __future__ import annotations

from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import Response

from api.ogc.links import JSON, Links
from api.session import Session
from layers.labels import Text
from layers.problems import BadRequest

_JSON_NAMES = ("json", "geojson", "schema")
_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Vary": "Accept, Accept-Language, Authorization, Cookie",
}
# The pages hold no script and load nothing but our own stylesheet.
_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
_templates = Environment(
    loader=PackageLoader("api.ogc", "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def wants_html(request: Request) -> bool:
    """Whether the caller asks for a page: ``f=html``, else a browser's Accept.

    Raises
    ------
    BadRequest : ``f`` names no format there is.
    """
    asked = request.query_params.get("f")
    if asked is not None:
        if asked not in ("html", *_JSON_NAMES):
            raise BadRequest(
                zh=f"f 的值“{asked}”无效；可用 json 或 html",
                en=f"f: '{asked}' is no format; use json or html",
                field="f",
                value=asked,
            )
        return asked == "html"
    best, weight = "", 0.0
    for part in request.headers.get("accept", "").split(","):
        kind, _, rest = part.strip().partition(";")
        quality = 1.0
        for each in rest.split(";"):
            if each.strip().startswith("q="):
                try:
                    quality = float(each.strip()[2:])
                except ValueError:
                    quality = 0.0
        is_known = kind in ("text/html", "application/xhtml+xml") or "json" in kind
        if is_known and quality > weight:
            best, weight = kind, quality
    return best in ("text/html", "application/xhtml+xml")


def document(
    body: Any, *, media_type: str = JSON, language: str, headers: dict[str, str] | None = None
) -> Response:
    """Return a JSON document."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(
        data,
        headers={**_HEADERS, "Content-Language": language, **(headers or {})},
        media_type=media_type,
    )


def html(request: Request, session: Session, template: str, **facts: Any) -> Response:
    """Return a page made of a template; texts come in the session's language."""
    links = Links(request)
    text = _templates.get_template(template).render(
        links=links,
        language=session.language,
        other=links.again(lang="en" if session.language == "zh" else "zh"),
        as_json=links.again(f="json"),
        say=lambda zh, en: session.say(Text(zh, en)),
        **facts,
    )
    return Response(
        text,
        headers={
            **_HEADERS,
            "Content-Language": session.language,
            "Content-Security-Policy": _CSP,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        },
        media_type="text/html",
    )


def plain(request: Request, session: Session, body: Any, title: str) -> Response:
    """Return a document that has no page of its own: its page shows the JSON."""
    if wants_html(request):
        text = orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
        return html(request, session, "plain.html", title=title, text=text)
    return document(body, language=session.language)

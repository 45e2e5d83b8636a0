"""Addresses: where the service is seen from outside, and links between its documents."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

JSON, HTML, GEOJSON = "application/json", "text/html", "application/geo+json"
SCHEMA_JSON = "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
MVT = "application/vnd.mapbox-vector-tile"
PREFIX = "/ogc"


class Links:
    """Writes absolute addresses below ``/ogc`` for one request."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.root = str(request.base_url).rstrip("/")
        # What the caller chose once goes on with every link: language and moment of record.
        self.kept = {k: v for k, v in request.query_params.items() if k in ("lang", "at")}

    def href(self, path: str, **query: str) -> str:
        """Return the address of `path` below ``/ogc``, or from the root if it starts with ``/``."""
        base = self.root + (path if path.startswith("/") else f"{PREFIX}/{path}".rstrip("/"))
        asked = {**self.kept, **query}
        return f"{base}?{urlencode(asked)}" if asked else base

    def link(self, rel: str, path: str, kind: str, title: str = "", **query: str) -> dict[str, Any]:
        """Return one link."""
        made = {"rel": rel, "type": kind, "href": self.href(path, **query)}
        if title:
            made["title"] = title
        return made

    def self_and_html(self, path: str, kind: str = JSON) -> list[dict[str, Any]]:
        """Return the links to a document itself and to its page."""
        return [
            self.link("self", path, kind),
            self.link("alternate", path, HTML, f="html"),
        ]

    def again(self, **changes: str | None) -> str:
        """Return this very address with some parameters changed, or left out where None."""
        query = {
            k: v for k, v in self.request.query_params.items() if changes.get(k, "") is not None
        }
        query.update({k: v for k, v in changes.items() if v is not None})
        base = self.root + self.request.url.path.removeprefix(
            self.request.scope.get("root_path", "")
        )
        return f"{base}?{urlencode(query)}" if query else base

"""Reports as jobs: the answer of `/lists/{layer}/export`, as its asker would be given it now.

The service itself is asked, in this process: so a file of a job and one that is awaited are the
same, and so is who may have which rows of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

import asyncpg
import orjson
from fastapi import Request
from sqlalchemy.sql.base import Executable

from api.app import create_app
from api.database import Connections
from api.session import Session, open_session, session_as
from importers import staging
from layers.access import Actor
from layers.audit import ORIGIN
from layers.problems import Problem
from onemap.application import config_of
from onemap.jobs.asking import actor_of

if TYPE_CHECKING:
    from onemap.jobs.child import Task

_REFUSED = 400


class _Counted(Connections):
    """Connections that tell how many rows of a stream have been read."""

    def __init__(self, url: str, timezone: str, told: Callable[[int], None]) -> None:
        super().__init__(url, 2, timezone=timezone)
        self._told = told

    @asynccontextmanager
    async def stream(
        self, statement: Executable, chunk: int
    ) -> AsyncIterator[tuple[list[str], AsyncIterator[list[asyncpg.Record]]]]:
        async with super().stream(statement, chunk) as (names, chunks):

            async def counted() -> AsyncIterator[list[asyncpg.Record]]:
                done = 0
                async for rows in chunks:
                    done += len(rows)
                    await asyncio.to_thread(self._told, done)
                    yield rows

            yield names, counted()


class _Refused(Exception):
    """The answer was a problem: what it says, in one language."""


def do(task: Task) -> None:
    """Write the file that a job asks for."""
    actor = actor_of(task)
    folder = staging.made(staging.results(task.data_dir, task.row.folder))
    task.progress("query", 0, None)
    result = asyncio.run(_written(task, actor, folder))
    task.finished(result, scope=actor.scope_key)


async def _written(task: Task, actor: Actor, folder: Path) -> dict[str, Any]:
    # It leaves sealing to those who serve.
    config = replace(config_of(task.handed), trail=None, sealing_url=None)
    app = create_app(config)
    rows = _Counted(
        config.database_url, config.timezone, lambda done: task.progress("rows", done, None)
    )
    await rows.open()

    asker = ORIGIN.get()

    async def opened(request: Request, at: str | None = None, unit: int | None = None) -> Session:
        request.app.state.connections = rows
        origin = ORIGIN.get()
        if origin is not None and asker is not None:  # whose export the traces tell
            origin.account_id, origin.account = asker.account_id, asker.account
            origin.bearer = asker.bearer
        return await session_as(request, actor, at, unit)

    app.dependency_overrides[open_session] = opened
    asked = task.arguments
    query = urlencode([*map(tuple, asked["query"]), ("format", asked["format"])])
    path = f"/lists/{asked['layer']}/export"
    file = folder / f"report.{asked['format']}"
    try:
        async with app.router.lifespan_context(app):
            try:
                headers = await _answer(app, path, query, asked["language"], file)
            except _Refused as zh_or_en:
                raise await _problem(app, path, query, file) from zh_or_en
    finally:
        await rows.close()
    named = headers["content-disposition"].rpartition("UTF-8''")[2]
    return {
        "file": file.name,
        "name": unquote(named),
        "media_type": headers["content-type"],
        "bytes": file.stat().st_size,
        "rows": int(headers["x-total-count"]),
    }


async def _problem(app: Any, path: str, query: str, file: Path) -> Problem:
    """Ask again in each language, for the words of the refusal."""
    said = {}
    for language in ("zh", "en"):
        try:
            await _answer(app, path, query, language, file)
        except _Refused as refused:
            said[language] = str(refused)
    return Problem(zh=said.get("zh", ""), en=said.get("en", ""), reason="refused")


async def _answer(app: Any, path: str, query: str, language: str, file: Path) -> dict[str, str]:
    """Ask the application for a file, write it as it comes, and return the answer's headers."""
    headers: dict[str, str] = {}
    status = 0
    refusal = bytearray()
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": quote(path).encode(),
        "query_string": query.encode(), "root_path": "",
        "headers": [(b"host", b"jobs"), (b"accept-language", language.encode())],
        "client": None, "server": ("jobs", 80),
    }  # fmt: skip

    asked, stays = False, asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await stays.wait()  # who asks does not go away before the answer
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    with file.open("wb") as target:

        async def send(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers.update({k.decode(): v.decode("latin-1") for k, v in message["headers"]})
            elif status >= _REFUSED:
                refusal.extend(message.get("body", b""))
            else:
                await asyncio.to_thread(_write, target, message.get("body", b""))

        await app(scope, receive, send)
    if status >= _REFUSED:
        raise _Refused(orjson.loads(refusal)["detail"])
    return headers


def _write(target: IO[bytes], body: bytes) -> None:
    target.write(body)

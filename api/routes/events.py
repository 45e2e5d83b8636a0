"""``/events``: changes as they are committed, for pages that are open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from api.events import Hub, event, event_of
from api.feed import Feed, filled
from api.problems import described
from api.session import Session, SessionOf, actor_of, narrowed
from layers import committed as log_of
from layers.access import Actor
from layers.problems import BadRequest, Problem, Unavailable
from tiles.reads import watched

router = APIRouter(tags=["events"])

HEARTBEAT_S = 15.0
PATIENCE_S = 5.0
_EXAMPLE = (
    'event: hello\ndata: {"seq":41}\n\n'
    'id: 42\nevent: change\ndata: {"seq":42,"at":"2026-10-12T01:00:00+00:00","actor":"张三",'
    '"reason":null,"layers":{"rooms":{"ids":[412],"bbox":[119.6,38.9,119.601,38.901],'
    '"extents":[[119.6,38.9,119.601,38.901]]}}}\n\n'
)
_TOLD = (
    "`hello` 当前序号；`change` 一组已提交的变更：各图层的编号、范围（ids 为空表示未逐一列出，"
    "三者皆空表示该图层可能处处有变）；`resync` 请忘掉已知的一切重新读取。断线重连时带上 "
    "Last-Event-ID 即可补齐 | `hello`: the present place; `change`: one committed set of changes, "
    "by layer its ids and extents (ids null: not named one by one; all three null: anything in "
    "the layer may look different); `resync`: forget all you know and read anew. Who comes back "
    "with Last-Event-ID is told what was missed"
)


@router.get(
    "/events",
    summary="Changes as they are committed",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": _TOLD,
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **described(400, 401, 503),
    },
)
async def events(
    request: Request,
    session: SessionOf,
    last_event_id: Annotated[
        str | None,
        Header(
            description="上次收到的序号 | the place of the last event received", examples=["41"]
        ),
    ] = None,
    after: Annotated[
        int | None,
        Query(
            ge=0,
            le=2**63 - 1,
            description="已知的序号（如目录中的 seq）：先补齐其后的变更；"
            "有 Last-Event-ID 时以后者为准 | the place that is known of (`seq` of the catalogue): "
            "what came after it is told first; Last-Event-ID goes before it",
            examples=[41],
        ),
    ] = None,
) -> StreamingResponse:
    """Stream what changes of the rows that the actor may see, as server-sent events."""
    if session.at is not None:
        raise BadRequest(
            zh="变更只在当下发生：/events 不接受 at",
            en="Changes happen now: /events takes no at",
            field="at",
        )
    feed: Feed = request.app.state.feed
    if not await feed.ready(PATIENCE_S) or feed.processed is None:
        raise Unavailable(
            zh="数据库暂不可用，尚不能通知变更；请稍后重试",
            en="The database cannot be reached for now, so that no change can be told; "
            "try again in a moment",
        )
    return StreamingResponse(
        _stream(request, session, feed, last_event_id or (None if after is None else str(after))),
        media_type="text/event-stream",
        # For proxies that would collect a stream before they pass it on.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(
    request: Request, session: Session, feed: Feed, last: str | None
) -> AsyncIterator[bytes]:
    hub: Hub = request.app.state.hub
    actor, checked = session.actor, feed.seen
    now = feed.processed or 0
    viewer = hub.join(actor, now)
    try:
        yield b"retry: 2000\n\n" + event("hello", {"seq": now}, None if last else now)
        if last:
            async for each in _missed(session, last, now):
                yield each
        while True:
            found = await viewer.next(HEARTBEAT_S)
            if viewer.ended:
                if hub.closing:
                    # Whoever comes back at once would find nobody: the service is being restarted.
                    yield b"retry: 5000\n\n"
                return
            if found is None or feed.seen != checked:
                checked = feed.seen
                present = await _actor_now(request, session)
                if present is None:
                    return
                if present.scope_key != actor.scope_key:
                    hub.leave(viewer)
                    actor, now = present, feed.processed or 0
                    viewer = hub.join(actor, now)
                    found = event("resync", {}, now)
            yield b": \n\n" if found is None else found
    except Problem:
        # The database is away and the answer has begun: the page comes again, and names its place.
        return
    finally:
        hub.leave(viewer)


async def _missed(session: Session, last: str, now: int) -> AsyncIterator[bytes]:
    """Tell what was committed after the place `last`, or that it is too much."""
    after = int(last) if last.isascii() and last.isdecimal() and len(last) < 19 else -1
    if not 0 <= after <= now or now - after > log_of.MOST:
        yield event("resync", {}, now)
        return
    if after == now:
        return
    values = {"from": after + 1, "most": now - after}
    state = log_of.state_of(await session.connections.fetch(log_of.state_from(), values))
    if len(state.sets) != now - after:
        yield event("resync", {}, now)
        return
    for each in await filled(session.connections.fetch, state.sets, watched()):
        told = await event_of(each, session.actor, session.connections.fetch)
        if told is not None:
            yield told
    yield event("hello", {"seq": now}, now)


async def _actor_now(request: Request, session: Session) -> Actor | None:
    """Return whose stream it is by now; None: the token has ended, or nobody can tell."""
    try:
        # An open page is not used by being open.
        actor = await actor_of(request, session.connections, session.config, used=False)
        unit: Any = request.query_params.get("unit")
        return await narrowed(actor, int(unit), session.connections) if unit else actor
    except Problem:
        return None

"""The way over the provider of single sign-on, and back."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api.entrance import Entrance, EntranceOf
from api.problems import described
from api.single_sign_on import PATIENCE_S, WAY, Failed, Person, SingleSignOn
from api.traces import Seen, Traces
from api.tracing import arrived, route_of
from layers import externals, signing_in
from layers.access import ESTATE, rows
from layers.audit import Kind
from layers.granting import Wanted
from layers.people import BODIES
from layers.policy import Role
from layers.problems import NotFound, Problem

router = APIRouter(tags=["sign-in"])
log = logging.getLogger("onemap.single_sign_on")
_PATH = "/sign-in/single"
_GOES: Any = {303: {"description": "前往 | on to another address"}}


@router.get(
    _PATH,
    summary="单点登录 | Go to the provider of single sign-on",
    response_class=Response,
    status_code=303,
    responses={**_GOES, **described(400, 401, 404, 429, 503)},
)
async def go(
    request: Request,
    entrance: EntranceOf,
    back: Annotated[
        str, Query(max_length=4000, description="返回的画面 | the view to return to")
    ] = "",
) -> Response:
    """Send the browser to the provider; it comes back to the view that it left."""
    for guard in request.app.state.before_sign_in:
        await guard(request)
    provider = _provider(request)
    try:
        url, way = await provider.begin(_callback(entrance), back, entrance.keys)
    except Failed as failed:
        return _refused(entrance, failed)
    response = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
    # Lax: it must come along when the provider sends the browser back.
    response.set_cookie(
        WAY, way, max_age=PATIENCE_S, path=_PATH, secure=entrance.is_secure,
        httponly=True, samesite="lax",
    )  # fmt: skip
    return response


@router.get(
    f"{_PATH}/callback",
    summary="单点登录返回 | Come back from the provider",
    response_class=Response,
    status_code=303,
    responses={**_GOES, **described(400, 401, 404, 429, 503)},
)
async def come_back(request: Request, entrance: EntranceOf) -> Response:
    """Begin a session for whom the provider vouches, with what the groups are granted."""
    for guard in request.app.state.before_sign_in:
        await guard(request)
    provider, now = _provider(request), entrance.now
    person: Person | None = None
    try:
        person, back = await provider.end(
            _callback(entrance), request.query_params, request.cookies.get(WAY), entrance.keys
        )
        wanted = await _granted(entrance, provider, person)

        def act(connection: sa.Connection) -> signing_in.Answer:
            key = externals.account_of(
                connection, person.issuer, person.subject, person.login, person.name
            )
            externals.follow_groups(connection, key, wanted, now)
            given = entrance.given(person.login, "")
            session = entrance.config.sign_in.session
            return signing_in.begin(connection, key, given, session, now, method="oidc")

        answer = await entrance.write(act)
    except (Failed, Problem) as failed:
        return _refused(entrance, failed, person)
    assert answer.cookie is not None
    # An address of this service's own page, whatever was asked for.
    view = back if back.startswith("#") else ""
    response = RedirectResponse(f"{_root(entrance)}/{view}", 303, {"Cache-Control": "no-store"})
    response.delete_cookie(WAY, path=_PATH)
    entrance.set_cookie(response, answer.cookie)
    return response


def _provider(request: Request) -> SingleSignOn:
    provider: SingleSignOn | None = request.app.state.single_sign_on
    if provider is None:
        raise NotFound(
            "本服务未配置单点登录；请用账号与口令登录",
            "This service has no single sign-on; sign in with a password",
        )
    return provider


def _root(entrance: Entrance) -> str:
    return (entrance.config.public_url or str(entrance.request.base_url)).rstrip("/")


def _callback(entrance: Entrance) -> str:
    return f"{_root(entrance)}{_PATH}/callback"


def _refused(entrance: Entrance, why: Exception, person: Person | None = None) -> Response:
    """Send the browser back without a session; the trace tells who it was, if that is known."""
    log.warning("nobody came in by single sign-on: %s", why)
    origin = arrived(entrance.request.scope)
    seen = Seen(
        Kind.SIGN_IN, None, None if person is None else person.login, None, origin.address,
        route_of(entrance.request.scope), None, "failed", str(why),
    )  # fmt: skip
    traces: Traces = entrance.request.app.state.traces
    traces.add(seen, origin.request)
    return RedirectResponse(f"{_root(entrance)}/?refused=1", 303, {"Cache-Control": "no-store"})


async def _granted(entrance: Entrance, provider: SingleSignOn, person: Person) -> list[Wanted]:
    """Return what the groups of somebody are granted; a body that is not there gives nothing."""
    named = [each for group in person.groups for each in provider.oidc.groups.get(group, ())]
    codes = sorted({code for _, code, _ in named if code is not None})
    body = rows(BODIES, ESTATE)
    found = await entrance.connections.fetch(
        sa.select(body.c.id, body.c.source_key).where(
            body.c.source_key == sa.any_(sa.literal(codes, sa.ARRAY(sa.Text)))
        )
    )
    bodies: dict[str, list[int]] = {}
    for row in found:
        bodies.setdefault(row["source_key"], []).append(row["id"])
    wanted = []
    for role, code, layers in named:
        ids = [None] if code is None else bodies.get(code, [])
        if len(ids) == 1:
            wanted.append(Wanted(Role(role), ids[0], layers))
        else:
            log.warning("a group is granted a body %s, of which there are %d", code, len(ids))
    return wanted

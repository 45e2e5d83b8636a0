"""Numbers for a monitor."""

from __future__ import annotations

import ipaddress

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from api.callers import Callers
from api.metrics import Metrics
from api.problems import described
from api.session import Config
from layers.policy import Role
from layers.problems import Forbidden

router = APIRouter(tags=["health"])
_MAY = frozenset((Role.ADMINISTRATOR, Role.AUDITOR))


@router.get(
    "/metrics",
    summary="运行指标（Prometheus） | Numbers for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "numbers"},
        **described(401, 403, 429, 503),
    },
)
async def metrics(request: Request) -> Response:
    """Tell requests, connections, tiles in memory and the feed; nothing of the estate.

    To addresses that the service was told (`ONEMAP_METRICS_FROM`), else to who administers or
    audits.
    """
    config: Config = request.app.state.config
    if not _is_named(request, config.metrics_from):
        callers: Callers = request.app.state.callers
        caller = await callers.of(request, request.app.state.connections)
        if caller is None or not caller.bearer.roles(config.clock()) & _MAY:
            raise Forbidden(
                "运行指标只对系统管理员、安全审计员和指定的地址开放；"
                "请运行者设置 ONEMAP_METRICS_FROM",
                "Metrics are for who administers or audits and for addresses that were named; "
                "whoever runs the service sets ONEMAP_METRICS_FROM",
                reason="role",
            )
    told: Metrics = request.app.state.metrics
    return Response(
        told.told(), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )


def _is_named(request: Request, named: str) -> bool:
    if request.client is None:
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(each.strip()) for each in named.split(",") if each)

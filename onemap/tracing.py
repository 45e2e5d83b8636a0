"""Traces for OpenTelemetry, where somebody collects them; nothing of it is loaded otherwise."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from onemap.trouble import ExitCode, Trouble

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Scope


def trace(app: FastAPI, url: str) -> None:
    """Send a span for every request of `app` to the collector at `url` (OTLP over HTTP).

    A span has the route's template, method, status and number of the request, and goes on what
    the caller's `traceparent` began; not the address that was asked, which may hold what people
    typed.

    Raises
    ------
    Trouble : the packages of the extra ``tracing`` are missing.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace import SpanKind  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )
    except ImportError as missing:
        raise Trouble(
            ExitCode.MISSING_SOFTWARE,
            f"已设 ONEMAP_OTLP_URL，但缺少软件包 {missing.name}；"
            "请安装 onemap[server,tracing]，或取消该设置。",
            f"ONEMAP_OTLP_URL is set and the package {missing.name} is missing: install "
            "onemap[server,tracing], or unset it.",
        ) from missing
    provider = TracerProvider(resource=Resource.create({"service.name": "onemap"}))
    exporter = OTLPSpanExporter(f"{url.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer, began_by = provider.get_tracer("onemap"), TraceContextTextMapPropagator()

    def told(scope: Scope, route: str | None, status: int, seconds: float) -> None:
        end = time.time_ns()
        carried = {
            name.decode(): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        span = tracer.start_span(
            f"{scope['method']} {route or ''}".strip(),
            began_by.extract(carried),
            SpanKind.SERVER,
            {
                "http.request.method": scope["method"],
                "http.route": route or "",
                "http.response.status_code": status,
                "onemap.request_id": scope["state"]["request_id"],
            },
            start_time=end - int(seconds * 1e9),
        )
        span.end(end)

    app.state.metrics.listeners.append(told)

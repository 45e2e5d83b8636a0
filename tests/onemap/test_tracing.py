"""Spans of requests go to a collector where there is one, and cost nothing where there is none."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from api.app import create_app
from api.session import Config
from onemap.tracing import trace
from onemap.trouble import ExitCode, Trouble

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def test_a_request_is_a_span_with_its_route_and_without_its_address(database):
    got: list[ExportTraceServiceRequest] = []
    arrived = threading.Event()

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            data = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(ExportTraceServiceRequest.FromString(data))
            self.send_response(200)
            self.end_headers()
            arrived.set()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app = create_app(Config(database.app_url))
    trace(app, f"http://127.0.0.1:{server.server_port}/")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://map.test") as client:
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        answer = await client.get("/healthz?name=geheim", headers=headers)
    assert arrived.wait(20)
    server.shutdown()
    server.server_close()
    (span,) = got[0].resource_spans[0].scope_spans[0].spans
    told = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    assert span.name == "GET /healthz"
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert told["http.response.status_code"] == 200
    assert told["onemap.request_id"] == answer.headers["x-request-id"]
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 5e9
    assert b"geheim" not in got[0].SerializeToString()


def test_without_its_packages_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    app = create_app(Config("postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(Trouble) as trouble:
        trace(app, "http://127.0.0.1:4318")
    assert trouble.value.code is ExitCode.MISSING_SOFTWARE
    assert "onemap[server,tracing]" in trouble.value.zh
    assert "onemap[server,tracing]" in trouble.value.en
    assert app.state.metrics.listeners == []


def test_neither_collector_nor_recorder_is_loaded_without_its_setting():
    # The framework itself loads the empty interface of OpenTelemetry.
    look = (
        "import sys, onemap.application; "
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', "
        "'opentelemetry.exporter'))])"
    )
    ran = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "[]", ran.stderr

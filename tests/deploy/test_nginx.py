"""The example of a proxy, really run: TLS before the service, with all that it promises."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import shapely

from api.limits import MOST_BYTES
from layers.committing import committing
from layers.estate import Building
from layers.policy import Role
from layers.ticks import Ticks
from tests.e2e.serving import served
from tests.layers.support import put
from tests.support import accounts
from tests.support.certificate import make
from tests.support.databases import Clone
from tests.support.service import free_ports

EXAMPLE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is not installed: run tools/setup test"
)


@dataclass
class Proxy:
    """nginx over a service: a client of the one, the address of the other, and the estate."""

    client: httpx.Client
    plain: str
    database: Clone
    ticks: Path
    log: Path
    data: Path


def configured(folder: Path, service: str, ports: list[int]) -> str:
    """Return the example with paths and ports of a test, and in what a whole file needs."""
    certificate, key = make(folder)
    text = EXAMPLE.read_text("utf-8")
    changed = {
        "127.0.0.1:8080": service.removeprefix("http://"),
        "listen 80;": f"listen 127.0.0.1:{ports[0]};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{ports[1]} ssl http2;",
        "map.example.gov.cn": "localhost",
        "/etc/nginx/tls/onemap.crt": str(certificate),
        "/etc/nginx/tls/onemap.key": str(key),
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
    }
    for old, new in changed.items():
        assert old in text, old
        text = text.replace(old, new)
    user = "user root;" if os.geteuid() == 0 else ""
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"{user}\ndaemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\n"
        f"error_log {folder}/error.log warn;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{text}\n}}\n"
    )


@pytest.fixture(scope="module")
def proxy(module_database: Clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    (folder / "page" / "assets").mkdir(parents=True)
    (folder / "page" / "index.html").write_text("<!doctype html><title>一张图</title>")
    (folder / "page" / "assets" / "app-1a2b.js").write_text("//" + "x" * 5000)
    with module_database.engine.begin() as link:
        accounts.person(link, "zhang", Role.PLANNER)
        accounts.with_token(
            link, "loader", "loader", whole_estate=True, edit=True, roles=[Role.PLANNER]
        )
    options = {
        "accounts_url": module_database.accounts_url, "tile_cache_mb": 4, "demo": False,
        "anonymous": "public", "ticks": folder / "ticks",
        "limits": {"searches": "3 per minute"}, "data_dir": str(folder / "data"),
    }  # fmt: skip
    ports = free_ports(2)
    with served(module_database.app_url, folder / "page", **options) as service:
        file = folder / "nginx.conf"
        file.write_text(configured(folder, service, ports), "utf-8")
        subprocess.run(["nginx", "-t", "-c", file], check=True, capture_output=True)
        running = subprocess.Popen(["nginx", "-c", file], stderr=subprocess.DEVNULL)
        trusted = ssl.create_default_context(cafile=str(folder / "onemap.crt"))
        url = f"https://localhost:{ports[1]}"
        try:
            # From another address than the service sees nginx come from.
            way = httpx.HTTPTransport(verify=trusted, local_address="127.0.0.2")
            with httpx.Client(base_url=url, transport=way, trust_env=False, timeout=20) as client:
                _answering(client)
                yield Proxy(
                    client, f"http://127.0.0.1:{ports[0]}", module_database, folder / "ticks",
                    folder / "error.log", folder / "data",
                )  # fmt: skip
        finally:
            running.terminate()
            running.wait(20)


def _answering(client: httpx.Client) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            assert client.get("/healthz").status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not answer")


def test_the_page_comes_over_tls_packed_once_and_plain_http_is_sent_there(proxy: Proxy):
    sent = httpx.get(f"{proxy.plain}/?a=1", trust_env=False)
    assert (sent.status_code, sent.headers["location"]) == (301, "https://127.0.0.1/?a=1")
    page = proxy.client.get("/")
    assert "一张图" in page.text
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    script = proxy.client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "gzip"})
    assert script.headers["content-encoding"] == "gzip"
    assert script.text == "//" + "x" * 5000
    assert "immutable" in script.headers["cache-control"]
    assert "nginx/" not in script.headers.get("server", "")


def test_a_browser_may_speak_the_second_http(proxy: Proxy):
    trusted = ssl.create_default_context()
    trusted.check_hostname, trusted.verify_mode = False, ssl.CERT_NONE
    trusted.set_alpn_protocols(["h2", "http/1.1"])

    url = proxy.client.base_url
    with socket.create_connection((url.host, url.port)) as plain:
        with trusted.wrap_socket(plain) as link:
            assert link.selected_alpn_protocol() == "h2"


def put_building(proxy: Proxy, name: str) -> None:
    shape = shapely.MultiPolygon([shapely.box(116.3, 39.9, 116.301, 39.901)])
    with committing(proxy.database.engine, Ticks.of(proxy.ticks)) as link:
        put(link, Building, name=name, geom=f"SRID=4326;{shape.wkt}")


def test_a_tile_comes_as_the_service_packed_it(proxy: Proxy):
    put_building(proxy, "宫")
    path = "/tiles/buildings/16/53939/24834"
    answers = [proxy.client.get(path, headers={"Accept-Encoding": "gzip"}) for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["cache-control"] == "private, no-cache"
        assert "宫".encode() in answer.content
    assert answers[0].headers["etag"] == answers[1].headers["etag"]
    known = proxy.client.get(path, headers={"If-None-Match": answers[0].headers["etag"]})
    assert known.status_code == 304
    assert gzip.compress(answers[0].content)  # it was whole


def test_events_come_line_by_line(proxy: Proxy):
    heard: list[str] = []
    with proxy.client.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        threading.Timer(0.5, put_building, (proxy, "殿")).start()
        began = time.monotonic()
        for line in lines:
            heard.append(line)
            if "buildings" in line or time.monotonic() > began + 10:
                break
        assert time.monotonic() - began < 10
    assert any("buildings" in each for each in heard)


def test_signing_in_gives_a_cookie_of_this_host_alone_and_edits_are_of_this_origin(proxy: Proxy):
    body = {"login": "zhang", "password": accounts.PASSWORD}
    origin = str(proxy.client.base_url).rstrip("/")
    answer = proxy.client.post("/sign-in", json=body, headers={"Origin": origin})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-onemap_session=")
    assert {"Secure", "HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
    me = proxy.client.get("/me").json()
    headers = {"Origin": origin, "X-CSRF-Token": me["csrf"]}
    assert proxy.client.post("/sign-out", headers=headers).status_code == 200
    elsewhere = {"Origin": "https://elsewhere.test"}
    assert proxy.client.post("/sign-in", json=body, headers=elsewhere).status_code == 403
    proxy.client.cookies.clear()
    with proxy.database.engine.connect() as link:
        address = link.exec_driver_sql("SELECT address FROM sign_in_session").scalar_one()
    assert str(address) == "127.0.0.2"


def test_nobody_can_say_that_he_is_another(proxy: Proxy, monkeypatch):
    """The address that is told is the one that nginx saw, whatever the caller sends."""
    told = {"X-Forwarded-For": "192.0.2.7", "X-Request-Id": "of-the-caller"}
    answer = proxy.client.get("/search?q=a", headers=told)
    assert answer.status_code == 200
    assert len(answer.headers["x-request-id"]) == 32  # nginx's own
    # 127.0.0.2 is this machine, which is not limited by address: had 192.0.2.7 been believed,
    # the fourth would be refused.
    asked = [proxy.client.get("/search?q=a", headers=told).status_code for _ in range(5)]
    assert asked == [200] * 5


def test_what_is_too_large_or_not_for_the_public_ends_at_the_proxy(proxy: Proxy):
    assert proxy.client.get("/metrics").status_code == 404
    large = proxy.client.post("/changes", content=bytes(MOST_BYTES + 2_000_000))
    assert large.status_code == 413
    assert large.headers["content-type"] == "application/problem+json"
    assert "请求超过代理" in large.json()["detail"]


def test_a_file_goes_through_as_it_comes_and_does_not_lie_on_the_proxys_disk(proxy: Proxy):
    began, content = "工号,姓名\n".encode(), os.urandom(25_000_000)
    asked = {"kind": "persons", "name": "人.csv"}
    seen = []

    def parts() -> Iterator[bytes]:
        yield began
        for start in range(0, len(content), 5_000_000):
            yield content[start : start + 5_000_000]
            time.sleep(0.2)
            seen.append(sum(each.stat().st_size for each in proxy.data.rglob("人.csv")))

    answer = proxy.client.post(
        "/jobs/imports", params=asked, content=parts(), headers={"Authorization": "Bearer loader"}
    )
    assert answer.status_code == 202, answer.text
    assert seen[-2] > 5_000_000  # it was on its way before it was whole
    (kept,) = proxy.data.rglob("人.csv")
    assert kept.read_bytes() == began + content
    assert "temporary file" not in proxy.log.read_text()


def test_a_file_of_somebody_unknown_is_refused_in_the_services_words(proxy: Proxy):
    asked = {"kind": "persons", "name": "人.csv"}
    refused = proxy.client.post("/jobs/imports", params=asked, content=bytes(25_000_000))
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"


def test_who_asks_too_often_is_told_in_both_languages_when_to_come_again(proxy: Proxy):
    wrong = {"login": "nobody", "password": "x"}
    answers = [proxy.client.post("/sign-in", json=wrong) for _ in range(45)]
    refused = [each for each in answers if each.headers.get("retry-after") == "2"]
    assert refused
    assert refused[0].status_code == 429
    assert refused[0].headers["content-type"] == "application/problem+json"
    assert "请求过于频繁" in refused[0].json()["detail"]
    assert "try again" in refused[0].json()["detail"]

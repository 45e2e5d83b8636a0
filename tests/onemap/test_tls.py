"""The service speaks TLS by itself where it is given a certificate."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx

from layers.policy import Role
from tests.support import accounts
from tests.support.certificate import make
from tests.support.databases import Clone
from tests.support.service import free_ports


def environment(folder: Path, database: Clone | None = None, **more: object) -> dict[str, str]:
    given = {"DATA_DIR": folder, "LANGUAGE": "en", **more}
    if database is not None:
        given |= {
            "DATABASE_URL": database.owner_url, "APP_DATABASE_URL": database.app_url,
            "ACCOUNTS_DATABASE_URL": database.accounts_url, "SECOND_FACTOR_ROLES": "none",
        }  # fmt: skip
    return os.environ | {f"ONEMAP_{name}": str(value) for name, value in given.items()}


def test_over_tls_the_cookie_is_the_hosts_alone_and_the_log_tells_lines_of_json(
    database: Clone, tmp_path
):
    certificate, key = make(tmp_path)
    (port,) = free_ports(1)
    with database.engine.begin() as link:
        accounts.person(link, "zhang", Role.PLANNER)
    log = (tmp_path / "log").open("w")
    running = subprocess.Popen(
        [sys.executable, "-m", "onemap", "serve", "--port", str(port)],
        env=environment(tmp_path, database, TLS_CERTIFICATE=certificate, TLS_KEY=key),
        stdout=subprocess.PIPE, stderr=log, text=True,
    )  # fmt: skip
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == f"The map is at https://127.0.0.1:{port}/\n"
        trusted = ssl.create_default_context(cafile=str(certificate))
        url = f"https://localhost:{port}"
        with httpx.Client(base_url=url, verify=trusted, trust_env=False) as client:
            answer = client.post("/sign-in", json={"login": "zhang", "password": accounts.PASSWORD})
            assert answer.status_code == 200
            cookie = answer.headers["set-cookie"]
            assert cookie.startswith("__Host-onemap_session=")
            assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
            assert answer.headers["strict-transport-security"]
            assert client.get("/me").json()["account"]["login"] == "zhang"
            assert client.get("/nowhere").status_code == 404
    finally:
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
        log.close()
    told = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    seen = [(each["route"], each["status"]) for each in told if each["logger"] == "onemap.request"]
    assert ("/sign-in", 200) in seen
    assert accounts.PASSWORD not in (tmp_path / "log").read_text()


def ended(folder: Path, **more: object) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "onemap", "serve"], env=environment(folder, **more),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 2
    return ran.stderr


def test_a_certificate_that_cannot_be_used_is_told_before_anything_starts(tmp_path, database):
    certificate, _key = make(tmp_path)
    (tmp_path / "other").mkdir()
    _, other = make(tmp_path / "other")
    assert "together" in ended(tmp_path, TLS_CERTIFICATE=certificate)

    url = {"DATABASE_URL": database.owner_url, "PORT": free_ports(1)[0]}
    for wrong in (other, tmp_path / "none.key", certificate):
        said = ended(tmp_path, TLS_CERTIFICATE=certificate, TLS_KEY=wrong, **url)
        assert "ONEMAP_TLS_KEY" in said
        assert "Traceback" not in said

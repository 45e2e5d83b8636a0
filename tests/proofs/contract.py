"""Hold the running service to its own description: schemathesis, as several callers.

Each caller asks every address of the description with valid, invalid and borderline requests, on
a copy of the demo estate that nobody else uses. A fault of the service (5xx), a status, a kind or a
shape of answer that the description does not know is a breach.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from layers.policy import BUSINESS, Role
from tests.proofs.serving import serving
from tests.support import accounts, databases, demo

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,unsupported_method"
)
STREAM = "/events"
"""Never ends, so that no request of it could be judged; tests/api/test_events.py reads it."""
ENDING = ("/sign-out", "/me/sessions/{key}", "/administration/sessions/{key}", "/me/password")
"""Whoever asks these may be signed out by it, so they come last."""
TOOL = Path(__file__).parents[2] / ".prove" / "venv" / "bin" / "schemathesis"


@dataclass(frozen=True)
class Caller:
    """Who asks: by roles over the whole estate; with a session or with a token."""

    name: str
    roles: tuple[Role, ...] = ()
    session: bool = False


CALLERS = (
    Caller("anonymous"),
    Caller("business", tuple(BUSINESS)),
    Caller("viewer", (Role.VIEWER,), session=True),
    *(Caller(role.value, (role,), session=True) for role in (Role.ADMINISTRATOR, Role.AUDITOR)),
)


def run(examples: int, folder: Path, only: list[str] | None = None) -> int:
    """Ask as each caller; return how many breaches were found.

    Parameters
    ----------
    examples : requests made up for each address and kind of request.
    folder : where the reports are written.
    """
    run_id = f"proof-{os.getpid()}"
    breaches = 0
    try:
        with databases.private_server(run_id) as server, demo.built(server, run_id) as estate:
            for caller in CALLERS:
                if only and caller.name not in only:
                    continue
                with _serving(server, estate.database.name, run_id, caller) as (address, headers):
                    breaches += _asked(address, headers, caller, examples, folder)
    finally:
        databases.end_run(run_id, None)
    return breaches


@contextlib.contextmanager
def _serving(
    server: databases.Server, template: str, run_id: str, caller: Caller
) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve a copy of the demo to the caller; give the address and what the caller shows."""
    import psycopg

    name = f"proof_{caller.name}_{os.getpid()}"
    with psycopg.connect(server.admin_url, autocommit=True) as link:
        databases.clone(link, name, template)
        copy = databases.Clone(server, name)
        try:
            with copy.engine.begin() as connection:
                if caller.session:
                    accounts.person(connection, caller.name, *caller.roles)
                elif caller.roles:
                    accounts.with_token(
                        connection, caller.name, "proof-token", whole_estate=True, edit=True,
                        roles=caller.roles,
                    )  # fmt: skip
            copy.dispose()
            with serving(copy, databases.run_dir(run_id) / caller.name) as address:
                yield address, _shown(address, caller)
        finally:
            copy.dispose()
            databases.drop(link, name)


def _shown(address: str, caller: Caller) -> dict[str, str]:
    if not caller.roles:
        return {}
    if not caller.session:
        return {"Authorization": "Bearer proof-token"}
    with httpx.Client(base_url=address, headers={"Origin": address}, timeout=30) as client:
        body = {"login": caller.name, "password": accounts.PASSWORD}
        client.post("/sign-in", json=body).raise_for_status()
        csrf = client.get("/me").raise_for_status().json()["csrf"]
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return {"Cookie": cookie, "X-CSRF-Token": csrf, "Origin": address}


def _asked(
    address: str, headers: dict[str, str], caller: Caller, examples: int, folder: Path
) -> int:
    found = 0
    paths = [f"--exclude-path={path}" for path in (STREAM, *ENDING)]
    for part, chosen in (("main", paths), ("last", [f"--include-path={p}" for p in ENDING])):
        told = folder / f"{caller.name}-{part}"
        command = [
            str(TOOL), "run", f"{address}/openapi.json", "--checks", CHECKS, *chosen,
            "--phases", "examples,coverage,fuzzing", "--max-examples", str(examples),
            "--continue-on-failure", "--no-shrink", "--request-timeout", "60", "--seed", "1",
            "--warnings", "off", "--suppress-health-check", "all",
            "--report", "ndjson", "--report-ndjson-path", f"{told}.ndjson",
            *(f"--header={name}:{value}" for name, value in headers.items()),
        ]  # fmt: skip
        with told.with_suffix(".log").open("w") as log:
            ended = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        counted = _counted(told.with_suffix(".ndjson"))
        failed = told.with_suffix(".log").read_text("utf-8").count("\n- ST")
        found += failed or int(ended.returncode != 0)
        if part == "main" and counted["2xx"] < counted.total() // 20:
            # A session that was lost would be answered with 401 throughout, and breach nothing.
            found += 1
            print(f"{caller.name}: hardly anything was answered", flush=True)
        print(f"{caller.name:14} {part}: {sum(counted.values())} requests, "
              f"{dict(sorted(counted.items()))}, {failed} breaches, ended with "
              f"{ended.returncode}; see {told}.log", flush=True)  # fmt: skip
    return found


def _counted(report: Path) -> Counter[str]:
    """Count the answers of a run by their hundreds."""
    counted: Counter[str] = Counter()
    with report.open("r", encoding="utf-8") as lines:
        for line in lines:
            for status in _statuses(json.loads(line)):
                counted[f"{status // 100}xx"] += 1
    return counted


def _statuses(told: Any) -> Iterator[int]:
    if isinstance(told, dict):
        status = told.get("status_code")
        if isinstance(status, int):
            yield status
        for each in told.values():
            yield from _statuses(each)
    elif isinstance(told, list):
        for each in told:
            yield from _statuses(each)


if __name__ == "__main__":
    sys.exit(run(5, Path.cwd()) > 0)

"""Fixtures all tests share: fresh migrated databases and the real files."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import databases

EXTERNAL = "ONEMAP_TEST_DATABASE_URL"
EXTERNAL_APP = "ONEMAP_TEST_APP_DATABASE_URL"
RUN = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Name this run's server; the process that spreads the tests names it for its workers."""
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        config.stash[RUN] = workerinput["onemap_run"]
    else:
        config.stash[RUN] = uuid.uuid4().hex[:12]
        databases.sweep()
    for name in list(os.environ):
        # Tests state their settings; the shell's would leak into them.
        if name.startswith("ONEMAP_") and not name.startswith("ONEMAP_TEST_"):
            del os.environ[name]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker the name of the run."""
    node.workerinput["onemap_run"] = node.config.stash[RUN]  # type: ignore[attr-defined]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Spread the tests over the workers by files."""
    from tests.support.spreading import ByFile

    return ByFile(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the server once all workers have ended."""
    if not hasattr(config, "workerinput") and RUN in config.stash:
        databases.end_run(config.stash[RUN], os.environ.get(EXTERNAL))


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[databases.Server]:
    """The server of this run, with a migrated template."""
    run = request.config.stash[RUN]
    with ExitStack() as stack:
        external = os.environ.get(EXTERNAL)
        if external:
            app = os.environ.get(EXTERNAL_APP)
            yield stack.enter_context(databases.external_server(external, app, run))
        else:
            yield stack.enter_context(databases.private_server(run))


@pytest.fixture(scope="session")
def fresh_database(
    server: databases.Server,
) -> Callable[[], AbstractContextManager[databases.Clone]]:
    """``with fresh_database() as database``: for tests that need several, or for wider scopes."""
    return lambda: databases.fresh(server)


@pytest.fixture
def database(server: databases.Server) -> Iterator[databases.Clone]:
    """A fresh migrated database for one test."""
    with databases.fresh(server) as clone:
        yield clone


@pytest.fixture(scope="module")
def module_database(server: databases.Server) -> Iterator[databases.Clone]:
    """A fresh migrated database shared by the tests of one module."""
    with databases.fresh(server) as clone:
        yield clone


@dataclass(frozen=True)
class BuiltDemo:
    """The demo's database, which nobody may change, the reports of its imports, and its files."""

    database: databases.Clone
    reports: list[Any]
    files: Path


@pytest.fixture(scope="session")
def demo(server: databases.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltDemo]:
    """The demo as ``onemap demo`` builds it: half a minute, so once for all who read it.

    The files that use it stand in `tests.support.spreading`, so that one worker runs them.
    """
    from onemap.demo import build

    with databases.fresh(server) as clone:
        folder = tmp_path_factory.mktemp("demo")
        reports = build(clone.owner_url, folder, seed=1, scale=1.0, progress=lambda *_: None)
        yield BuiltDemo(clone, reports, folder / "files")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files, or a skip where it is absent."""
    named = os.environ.get("ONEMAP_TEST_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real files are not here ({folder}); set ONEMAP_TEST_DATA to their folder")
    return folder

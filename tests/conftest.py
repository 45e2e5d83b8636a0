"""Fixtures all tests share: fresh migrated databases and the real files."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from layers.audit import ORIGIN
from tests.support import databases
from tests.support.demo import BuiltDemo, built

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
    from tests.support.spreading import FromBothEnds

    return FromBothEnds(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Stand the files in the line from which they are handed out."""
    if hasattr(config, "workerinput"):
        from tests.support.spreading import line_up

        line_up(items)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the server once all workers have ended."""
    if not hasattr(config, "workerinput") and RUN in config.stash:
        databases.end_run(config.stash[RUN], os.environ.get(EXTERNAL))


@pytest.fixture(autouse=True)
def nobody_acts() -> Iterator[None]:
    """A command that a test runs in this process leaves no word of who acts to the next test."""
    before = ORIGIN.set(None)
    yield
    ORIGIN.reset(before)


@pytest.fixture(scope="session")
def run_name(request: pytest.FixtureRequest) -> str:
    """What the processes of this run call it."""
    return request.config.stash[RUN]


@pytest.fixture(scope="session")
def server(run_name: str) -> Iterator[databases.Server]:
    """The server of this run, with a migrated template."""
    with ExitStack() as stack:
        external = os.environ.get(EXTERNAL)
        if external:
            app = os.environ.get(EXTERNAL_APP)
            yield stack.enter_context(databases.external_server(external, app, run_name))
        else:
            yield stack.enter_context(databases.private_server(run_name))


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


@pytest.fixture(scope="session")
def demo(server: databases.Server, run_name: str) -> Iterator[BuiltDemo]:
    """The demo as it comes, built once for all who read it."""
    with built(server, run_name) as made:
        yield made


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files, or a skip where it is absent."""
    named = os.environ.get("ONEMAP_TEST_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real files are not here ({folder}); set ONEMAP_TEST_DATA to their folder")
    return folder

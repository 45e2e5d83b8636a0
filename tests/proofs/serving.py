"""The service as it is installed, over a database that a proof has made."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.servers import UNLIMITED, answering, free_port, process, without_onemap
from tests.support.databases import Clone


@contextlib.contextmanager
def serving(database: Clone, folder: Path, **settings: str) -> Iterator[str]:
    """Run `onemap serve` and give its address.

    Parameters
    ----------
    folder : its data folder, where its log lies too.
    settings : more of them, by name in capitals without the prefix.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    given = {
        "DATABASE_URL": database.owner_url,
        "APP_DATABASE_URL": database.app_url,
        "ACCOUNTS_DATABASE_URL": database.accounts_url,
        "DATA_DIR": str(folder),
        "SECOND_FACTOR_ROLES": "none",
        **settings,
    }
    environment = {**without_onemap(), **UNLIMITED, **{f"ONEMAP_{k}": v for k, v in given.items()}}
    log = folder / "onemap.log"
    command = [sys.executable, "-m", "onemap", "serve", "--port", str(port)]
    with process(command, environment, log):
        yield answering(f"http://127.0.0.1:{port}", "/healthz", log)

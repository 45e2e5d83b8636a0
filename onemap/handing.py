"""What the command hands on to the processes that it starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from onemap.clock import Clock
from onemap.database import Database
from onemap.settings import Settings

HANDED_ON = "ONEMAP_SERVING"
"""What `onemap.serving.run` hands on to `onemap.application.create` in each serving process."""

OWNER_ADDRESS = "ONEMAP_DATABASE_URL"
"""Where the address of the owner stands, which no serving process needs."""


def handed_on(
    settings: Settings,
    database: Database,
    clock: Clock,
    *,
    demo: bool,
    demo_logins: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what an application is made of, as JSON.

    The address of the owner is in it only where the service is the owner anyhow, and seals.
    """
    return {
        # A secret is not written into another variable: it is read from its own again.
        "settings": settings.model_dump(
            mode="json", exclude={"oidc_client_secret", "database_url"}
        ),
        "database_url": database.app_url,
        "accounts_url": database.accounts_url,
        "sealing_url": database.accounts_url
        or (database.owner_url if database.app_url == database.owner_url else None),
        "database": database.name,
        "demo_logins": list(demo_logins),
        "ticks": None if database.ticks is None else str(database.ticks),
        "offset_s": clock.offset.total_seconds(),
        "demo": demo,
        "parent": os.getpid(),
    }

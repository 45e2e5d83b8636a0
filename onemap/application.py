"""The application of one serving process: the HTTP interface, and the page at its root."""

from __future__ import annotations

import json
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from api.app import create_app
from api.session import Config, Oidc
from layers.audit.keys import Trail
from onemap.clock import Clock
from onemap.handing import HANDED_ON
from onemap.page import beneath
from onemap.settings import Settings, load
from onemap.tracing import trace
from onemap.tying import tie_to


def page_dir() -> Path | None:
    """Return the folder of the built page: within the wheel, or of a checkout."""
    here = Path(__file__).resolve().parent
    for folder in (here / "page", here.parent / "web" / "dist"):
        if (folder / "index.html").is_file():
            return folder
    return None


def _oidc(settings: Settings) -> Oidc | None:
    if settings.oidc_url is None:
        return None
    secret = settings.oidc_client_secret
    assert settings.oidc_client_id is not None
    assert secret is not None  # `load` has refused settings that lack them
    return Oidc(
        settings.oidc_url,
        settings.oidc_client_id,
        secret.get_secret_value(),
        settings.oidc_name,
        settings.oidc_group_claim,
        {
            group: tuple((each.role, each.body, each.layers) for each in of)
            for group, of in settings.oidc_groups.items()
        },
    )


def create() -> FastAPI:
    """Make the application in a serving process, from what `run` handed on."""
    handed: dict[str, Any] = json.loads(os.environ[HANDED_ON])
    if os.getpid() != handed["parent"]:  # one of several
        tie_to(handed["parent"], signal.SIGTERM)
    settings = load(**handed["settings"])
    app = create_app(config_of(handed))
    if settings.otlp_url is not None:
        trace(app, settings.otlp_url)
    page = page_dir()
    if page is not None:
        beneath(app, page)
    return app


def config_of(handed: dict[str, Any]) -> Config:
    """Return the configuration that `onemap.handing.handed_on` tells."""
    settings = load(**handed["settings"])
    return Config(
        database_url=handed["database_url"],
        pool_size=settings.pool_size,
        anonymous=settings.anonymous.value,
        language=settings.language.value,
        timezone=settings.timezone,
        now=Clock(timedelta(seconds=handed["offset_s"])).now,
        demo=handed["demo"],
        # The demo is there to be tried, and is built anew by one command.
        anonymous_edits=handed["demo"],
        data_dir=str(settings.data_dir),
        ticks=Path(handed["ticks"]) if handed["ticks"] else None,
        tile_cache_mb=settings.tile_cache_mb,
        tile_archive=str(settings.tile_archive) if settings.tile_archive else None,
        accounts_url=handed["accounts_url"],
        sign_in=settings.rules(demo=handed["demo"]),
        key_file=settings.key_file or settings.data_dir / "keys" / "accounts.key",
        public_url=settings.public_url,
        oidc=_oidc(settings),
        demo_logins=tuple(handed["demo_logins"]),
        trail=Trail.of(settings.audit_key, handed["database"]),
        sealing_url=handed["sealing_url"],
        trusted_proxies=settings.trusted_proxies,
        metrics_from=settings.metrics_from,
        limits=settings.limits,
        limits_file=settings.data_dir / "limits.sqlite",
        log_all=settings.log_level == "debug",
        upload_mb=settings.upload_mb,
        jobs=settings.jobs,
    )

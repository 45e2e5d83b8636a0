"""The front door: command line, settings, embedded database, demo estate and notebook client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onemap.client import Client as Client

__all__ = ["Client", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the client on first use, so that the command line starts quickly."""
    if name == "Client":
        from onemap.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

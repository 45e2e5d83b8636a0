"""What is missing for the service to run well here, and how it is mended."""

from __future__ import annotations

from collections.abc import Iterator

from onemap.doctor.estate import estate
from onemap.doctor.findings import Finding, State
from onemap.doctor.folders import folders
from onemap.doctor.machine import machine
from onemap.doctor.transport import transport
from onemap.settings import Settings

__all__ = ["Finding", "State", "examine"]


def examine(settings: Settings, *, demo: bool = False) -> Iterator[Finding]:
    """Look at the machine, the data folder and the database; nothing is changed."""
    yield from machine(settings)
    yield from folders(settings)
    yield transport(settings)
    yield from estate(settings, demo=demo)

"""OGC API - Features and Tiles: the addresses under ``/ogc``."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/ogc", tags=["ogc"])

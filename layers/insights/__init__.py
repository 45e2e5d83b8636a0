"""Insights: what the rules say of one thing. `INSIGHTS` is the whole list; the panel reads it."""

from __future__ import annotations

from layers.insights import assets, network
from layers.insights.base import Insight, Line, Told

INSIGHTS: tuple[Insight, ...] = (*assets.INSIGHTS, *network.INSIGHTS)

__all__ = ["INSIGHTS", "Insight", "Line", "Told"]

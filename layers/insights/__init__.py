"""Insights: what the rules say of one thing. `INSIGHTS` is the whole list; the panel reads it."""

from __future__ import annotations

from layers.insights import assets, energy, energy_of_places, fleet, holdings, network, space
from layers.insights.base import Insight, Line, Told

INSIGHTS: tuple[Insight, ...] = (
    *space.INSIGHTS,
    *holdings.INSIGHTS,
    *energy.INSIGHTS,
    *energy_of_places.INSIGHTS,
    *assets.INSIGHTS,
    *network.INSIGHTS,
    *fleet.INSIGHTS,
)

__all__ = ["INSIGHTS", "Insight", "Line", "Told"]

"""The bases of what is on the map, and `Layer`: how a thing is seen.

Columns say what a thing *is*: type, key, a comment in both languages and ``info`` (unit, list of
choices). `Layer` says how it is *seen*. Nothing of the one is repeated in the other: tables,
history, API schemas, queryables, tiles, style, search and the notebook client read both.
"""

from layers.base.area import DRAWN, WIDE_M, Area
from layers.base.columns import choice, column, reference
from layers.base.layer import Layer, Paint, Stroke, Words
from layers.base.tables import (
    SRID,
    TILE_SRID,
    Base,
    Entity,
    Feature,
    See,
    Series,
    Tracked,
    table_of,
)
from layers.labels import Text
from layers.sharing import Sharing

__all__ = [
    "DRAWN",
    "SRID",
    "TILE_SRID",
    "WIDE_M",
    "Area",
    "Base",
    "Entity",
    "Feature",
    "Layer",
    "Paint",
    "See",
    "Series",
    "Sharing",
    "Stroke",
    "Text",
    "Tracked",
    "Words",
    "choice",
    "column",
    "reference",
    "table_of",
]

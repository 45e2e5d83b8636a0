"""`Area`: a feature that the database describes for the tiles of low zooms."""

from __future__ import annotations

from typing import Any

from sqlalchemy import REAL, BigInteger, Computed, Index
from sqlalchemy import column as named
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from layers.base.tables import Feature, keys_and_indexes

# The middle of the extent on the grid of zoom 24 (2.4 m at the equator), and its stretch there.
_SHRINK = "cos(radians(least(85.05, greatest(-85.05, (ST_YMin(geom) + ST_YMax(geom)) / 2))))"
_COLUMN = (
    "floor(16777216 * least(0.99999999, greatest(0, "
    "(ST_XMin(geom) + ST_XMax(geom)) / 720 + 0.5)))::bigint"
)
_ROW = (
    "floor(16777216 * (0.5 - asinh(tan(radians(least(85.05, greatest(-85.05, "
    "(ST_YMin(geom) + ST_YMax(geom)) / 2))))) / 6.283185307179586))::bigint"
)
_SPOT = "(" + _ROW + " >> 14 << 38) | (" + _COLUMN + " << 14) | (" + _ROW + " & 16383)"
_AREA = "ST_Area(geom) * 12392029030.5 / " + _SHRINK
_SPAN = (
    "111319.490793 * greatest(ST_XMax(geom) - ST_XMin(geom), "
    "(ST_YMax(geom) - ST_YMin(geom)) / " + _SHRINK + ")"
)
WIDE_M = 64
"""What is at least so wide has an index of its own: few of a town's buildings are."""


class Area(Feature):
    """A feature that covers ground and is seen from afar, where most of it is under a pixel.

    What a tile of a low zoom needs of each row - where, how large, whose - stands in one narrow
    index in the order of the tiles, so that such a tile reads no rows at all (`tiles.far`). The
    database computes it with the row: it is never older than the row, and a past row has it too.
    """

    __abstract__ = True

    @declared_attr
    @classmethod
    def tile_spot(cls) -> Mapped[int | None]:
        """The middle on the grid of zoom 24: row of the tile of zoom 10, column, rest of the row.

        So a tile of zoom 10 is one range of the index, and one of zoom 8 is four.
        """
        return mapped_column(
            BigInteger,
            Computed(_SPOT, persisted=True),
            comment="瓦片位置 | place in the tiles",
            nullable=True,
            sort_order=202,
        )

    @declared_attr
    @classmethod
    def tile_area(cls) -> Mapped[float | None]:
        """The area in EPSG:3857."""
        return mapped_column(
            REAL,
            Computed(_AREA, persisted=True),
            comment="瓦片面积 | area in the tiles' plane",
            nullable=True,
            sort_order=203,
        )

    @declared_attr
    @classmethod
    def tile_span(cls) -> Mapped[float | None]:
        """The longer side of the extent in EPSG:3857."""
        return mapped_column(
            REAL,
            Computed(_SPAN, persisted=True),
            comment="瓦片跨度 | width in the tiles' plane",
            nullable=True,
            sort_order=204,
        )

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        table = cls.__tablename__
        return (
            *keys_and_indexes(table),
            Index(
                f"ix_{table}_tile_spot",
                "tile_spot",
                # With what a scope is judged by, so that the index alone answers.
                postgresql_include=["tile_area", "tile_span", "id", "body_id"],
            ),
            Index(
                f"ix_{table}_wide",
                "geom_3857",
                postgresql_using="gist",
                postgresql_where=named("tile_span") >= WIDE_M,
            ),
        )


DRAWN = frozenset({"geom_3857", "tile_spot", "tile_area", "tile_span"})
"""Columns that the database computes for tiles, and nobody reads."""

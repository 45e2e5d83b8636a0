"""Parents found by geometry where a file does not give them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa

from layers.base import Base, table_of
from layers.changes import ChangeSet
from layers.estate import Building


def sites_of(frame: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
    """Fill `site_id` where it is empty with the site that holds a point of the building.

    A building on two overlapping sites belongs to the smaller one.
    """
    if "geom" not in frame or frame.empty:
        return frame
    areas = _shapes(changes.connection, "site")
    if areas.empty:
        return frame
    frame = frame.copy(deep=False)
    known = frame["site_id"] if "site_id" in frame else pd.Series(pd.NA, index=frame.index)
    inside = containing(frame["geom"], areas)
    frame["site_id"] = known.astype("Int64").fillna(inside)
    return frame


def containing(shapes: pd.Series[Any], areas: pd.DataFrame) -> pd.Series[Any]:
    """Return the id of the smallest area that holds a point on each shape, NA where none does."""
    inner = shapely.point_on_surface(np.asarray(shapes.array, dtype=object))
    order = areas.iloc[np.argsort(shapely.area(areas["geom"].to_numpy()), kind="stable")]
    tree = shapely.STRtree(order["geom"].to_numpy())
    which, area = tree.query(inner, predicate="within")
    first = pd.Series(area).groupby(which).min()
    made = pd.Series(pd.NA, index=shapes.index, dtype="Int64")
    made.iloc[first.index.to_numpy(dtype=np.intp)] = order["id"].to_numpy()[first.to_numpy()]
    return made


def _shapes(connection: sa.Connection, name: str) -> pd.DataFrame:
    table = Base.metadata.tables[name]
    rows = connection.execute(
        sa.select(table.c.id, sa.func.ST_AsBinary(table.c.geom, type_=sa.LargeBinary)).where(
            table.c.geom.is_not(None)
        )
    ).all()
    made = pd.DataFrame(rows, columns=["id", "geom"])
    made["geom"] = pd.Series(shapely.from_wkb(made["geom"].to_numpy()), dtype=object)
    return made


def buildings_into_sites(changes: ChangeSet) -> None:
    """Give every building without a site the smallest site that holds a point of it."""
    building, site = table_of(Building), Base.metadata.tables["site"]
    inner = sa.func.ST_PointOnSurface(building.c.geom)
    found = (
        sa.select(site.c.id)
        .where(sa.func.ST_Intersects(site.c.geom, inner))
        .order_by(sa.func.ST_Area(site.c.geom))
        .limit(1)
        .correlate(building)
        .scalar_subquery()
    )
    lost = sa.and_(building.c.site_id.is_(None), building.c.geom.is_not(None), found.is_not(None))
    changes.update_where(Building, lost, {"site_id": found})

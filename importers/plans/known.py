"""Which buildings and sites of a plan are on the map already.

A row of this same source is updated, never matched. Otherwise, in this order: what the user says
(buildings only), the same code, the same name where only one bears it, and the overlap: the
shape with which it shares most, if that is at least half of the smaller of the two.
"""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from geoalchemy2 import Geometry
from geoalchemy2.shape import from_shape
from shapely.geometry.base import BaseGeometry

from layers.base import SRID, Feature, table_of
from layers.changes import ChangeSet
from layers.estate import Building, Site
from layers.labels import Text
from layers.problems import BadInput

_LEAST_OVERLAP: Final = 0.5


def match_buildings(
    changes: ChangeSet, source: str, frame: pd.DataFrame, given: str | None
) -> tuple[dict[str, int], dict[str, Text]]:
    """Return the ids of known buildings by source key, and how each was recognised.

    Parameters
    ----------
    given : code or name of the building the user says it is.

    Raises
    ------
    BadInput : there is no building called `given`, or more than one.
    """
    if given is not None and len(frame):
        return _as_given(changes, frame, given)
    return _match(changes, Building, source, frame, ("code", "name"))


def match_sites(
    changes: ChangeSet, source: str, frame: pd.DataFrame
) -> tuple[dict[str, int], dict[str, Text]]:
    """Return the ids of known sites by source key, and how each was recognised."""
    return _match(changes, Site, source, frame, ("name",))


def _as_given(
    changes: ChangeSet, frame: pd.DataFrame, given: str
) -> tuple[dict[str, int], dict[str, Text]]:
    t = table_of(Building)
    for column in (t.c.code, t.c.name):
        ids = changes.connection.scalars(sa.select(t.c.id).where(column == given)).all()
        if len(ids) == 1:
            key = str(frame["source_key"].iloc[0])
            said = Text(f"按指定归入建筑“{given}”", f"Taken as the building '{given}', as told")
            return {key: int(ids[0])}, {key: said}
        if ids:
            raise BadInput(
                zh=f"有 {len(ids)} 栋建筑名为“{given}”；请用唯一的楼号",
                en=f"{len(ids)} buildings are called '{given}': use a code that only one has",
                field="building",
                value=given,
            )
    raise BadInput(
        zh=f"没有楼号或名称为“{given}”的建筑；请先导入建筑，或改正",
        en=f"There is no building with the code or name '{given}': import it first, or mend it",
        field="building",
        value=given,
    )


def _match(
    changes: ChangeSet,
    model: type[Feature],
    source: str,
    frame: pd.DataFrame,
    columns: tuple[str, ...],
) -> tuple[dict[str, int], dict[str, Text]]:
    own = set(map(str, changes.ids(model, source).index))
    known: dict[str, int] = {}
    notes: dict[str, Text] = {}
    for _, row in frame.iterrows():
        key = str(row["source_key"])
        if key in own:
            continue
        found = _by_words(changes, model, row, columns) or _by_place(changes, model, row)
        if found is not None:
            known[key], notes[key] = found
    return known, notes


def _by_words(
    changes: ChangeSet, model: type[Feature], row: pd.Series[Any], columns: tuple[str, ...]
) -> tuple[int, Text] | None:
    t = table_of(model)
    for name in columns:
        word = row.get(name)
        if word is None or pd.isna(word):
            continue
        ids = changes.connection.scalars(sa.select(t.c.id).where(t.c[name] == word)).all()
        if len(ids) == 1:
            what = {"code": Text("楼号", "code"), "name": Text("名称", "name")}[name]
            return int(ids[0]), Text(
                f"{what.zh}“{word}”已在图上：沿用已有的档案，未改动",
                f"The {what.en} '{word}' is on the map: that one is used as it is",
            )
    return None


def _by_place(
    changes: ChangeSet, model: type[Feature], row: pd.Series[Any]
) -> tuple[int, Text] | None:
    shape = row.get("geom")
    if not isinstance(shape, BaseGeometry) or shape.is_empty:
        return None
    t = table_of(model)
    here = sa.type_coerce(from_shape(shape, srid=SRID), Geometry(srid=SRID))
    shared = sa.func.ST_Area(sa.func.ST_Intersection(t.c.geom, here))
    share = shared / sa.func.least(sa.func.ST_Area(t.c.geom), shape.area)
    best = changes.connection.execute(
        sa.select(t.c.id, t.c.name, share.label("share"))
        .where(sa.func.ST_Intersects(t.c.geom, here), sa.func.ST_Area(t.c.geom) > 0)
        .order_by(sa.desc("share"), t.c.id)
        .limit(1)
    ).first()
    if best is None or best.share < _LEAST_OVERLAP:
        return None
    return int(best.id), Text(
        f"与图上的“{best.name or best.id}”重叠 {best.share:.0%}：沿用已有的档案，未改动",
        f"Overlaps '{best.name or best.id}' on the map by {best.share:.0%}: "
        "that one is used as it is",
    )

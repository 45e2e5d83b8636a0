"""When an edit comes too late: who changed the row meanwhile, and which fields differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from layers.access import Actor
from layers.base import DRAWN, Base
from layers.editing.edit import Delete, Put
from layers.fields import title_of
from layers.history import history_table
from layers.problems import Stale

_UNTOLD = frozenset({"id", "revision"}) | DRAWN


def stale(
    connection: sa.Connection,
    actor: Actor,
    late: Sequence[tuple[str, Put | Delete, Mapping[str, Any]]],
) -> Stale:
    """Return the problem of parts that are based on an old revision.

    Parameters
    ----------
    late : the place in the edit, the part, and the row as the actor sees it now.
    """
    told = [_conflict(connection, actor, *each) for each in late]
    first = told[0]
    by = first["changed_by"] or "—"
    return Stale(
        zh=f"{first['layer']}/{first['id']} 已由 {by} 修改（现为第 {first['revision']} 版）；"
        "请核对差异后重新提交",
        en=f"{first['layer']}/{first['id']} was changed by {by} (now revision "
        f"{first['revision']}); look at what differs and send it again",
        conflicts=told,
    )


def _conflict(
    connection: sa.Connection,
    actor: Actor,
    where: str,
    part: Put | Delete,
    row: Mapping[str, Any],
) -> dict[str, Any]:
    last = _last_change(connection, part.layer.table.name, row["id"])
    base = _image(connection, part, row["id"])
    if not actor.owned(part.layer, base.get("body_id")):
        base = {}  # the row was another body's then
    base = {name: value for name, value in base.items() if actor.opens(part.layer, name)}
    yours = dict(part.properties) if isinstance(part, Put) else {}
    return {
        "pointer": "/" + where,
        "layer": part.layer.name,
        "id": row["id"],
        "based_on": part.revision,
        "revision": row["revision"],
        "changed_by": last.actor if last is not None else None,
        "changed_at": last.recorded_at if last is not None else None,
        "differs": [
            {
                "field": "geometry" if name == "geom" else name,
                "title": _title(part, name),
                "base": None if name == "geom" else base.get(name),
                "yours": yours.get(name),
                "theirs": None if name == "geom" else row[name],
            }
            for name in row
            if name not in _UNTOLD and _differs(name, row, base, yours)
        ],
    }


def _differs(
    name: str, row: Mapping[str, Any], base: Mapping[str, Any], yours: Mapping[str, Any]
) -> bool:
    """Whether another has set a field since; where it is not kept, whether it is not as wanted."""
    if base:
        return bool(row[name] != base.get(name))
    return name in yours and bool(row[name] != yours[name])


def _title(part: Put | Delete, name: str) -> dict[str, str]:
    if name == "geom":
        return {"zh": "几何", "en": "Geometry"}
    return title_of(part.layer.table.c[name])._asdict()


def _last_change(connection: sa.Connection, table: str, key: int) -> Any:
    change, record = Base.metadata.tables["change"], Base.metadata.tables["change_set"]
    return connection.execute(
        sa.select(record.c.actor, record.c.recorded_at)
        .join(change, change.c.tx == record.c.tx)
        .where(change.c.layer == table, change.c.id == key)
        .order_by(record.c.seq.desc())
        .limit(1)
    ).one_or_none()


def _image(connection: sa.Connection, part: Put | Delete, key: int) -> Mapping[str, Any]:
    """Return the row as it was in the revision that the part is based on; empty if not kept."""
    past = history_table(part.layer.table)
    found = connection.execute(
        sa.select(*image_columns(past))
        .where(past.c.id == key, past.c.revision == part.revision)
        .limit(1)
    )
    return dict(found.mappings().one_or_none() or {})


def image_columns(
    table: sa.Table, source: sa.FromClause | None = None
) -> list[sa.ColumnElement[Any]]:
    """Return the stored columns of a table or its history, geometry as hexadecimal EWKB.

    Parameters
    ----------
    source : rows of the table as somebody sees them; by default the table itself.
    """
    past = table.info.get("history_of")
    now = Base.metadata.tables[past] if past else table
    read = table if source is None else source
    stored: list[sa.ColumnElement[Any]] = [
        read.c[c.name] for c in now.c if c.computed is None and c.name != "geom"
    ]
    if "geom" in table.c:
        stored.append(sa.func.encode(sa.func.ST_AsEWKB(read.c.geom), "hex").label("geom"))
    return stored

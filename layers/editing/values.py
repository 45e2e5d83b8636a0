"""Values of an edit: from JSON to what a column holds, or a fault that says what is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Float, Integer, Numeric

from geo.messages import GEOMETRY_MESSAGES
from geo.validity import Target, check_geometry
from layers.base import SRID, Entity, Feature, table_of
from layers.cql2_values import moment_in_utc
from layers.editing.edit import Fault, Put, refuse
from layers.fields import editable, title_of
from layers.labels import CHOICES, Text

LONGEST = 10_000
"""Characters of a text; a remark needs no more."""

_TARGETS: dict[str, Target] = {
    "POINT": "Point", "LINESTRING": "LineString", "POLYGON": "Polygon", "GEOMETRY": "Geometry",
    "MULTIPOINT": "MultiPoint", "MULTILINESTRING": "MultiLineString",
    "MULTIPOLYGON": "MultiPolygon",
}  # fmt: skip


class _Wrong(ValueError):
    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)


def values_of(put: Put, model: type[Entity], where: str, zone: ZoneInfo) -> dict[str, Any]:
    """Return the column values that a put names, ready for JSON: `layers.changes` writes them.

    Parameters
    ----------
    where : the put's place in the edit, for the faults.
    zone : in which times without an offset are read.

    Raises
    ------
    Impossible : a name or a value is wrong; every fault is told.
    """
    table, faults, found = table_of(model), [], {}
    for name, given in put.properties.items():
        pointer = f"{where}/properties/{name}"
        column = table.c.get(name)
        if column is None or not editable(model, column):
            faults.append(_unknown(put, model, name, pointer, given))
            continue
        try:
            found[name] = _value(column, given, zone)
        except _Wrong as wrong:
            title = title_of(column)
            text = Text(f"{title.zh}：{wrong.text.zh}", f"{title.en}: {wrong.text.en}")
            faults.append(Fault(pointer, name, text, given))
    if put.placed:
        try:
            found["geom"] = _geometry(model, put.geometry)
        except _Wrong as wrong:
            faults.append(Fault(f"{where}/geometry", "geometry", wrong.text))
    refuse(faults)
    return found


def _unknown(put: Put, model: type[Entity], name: str, pointer: str, given: Any) -> Fault:
    names = [c.name for c in table_of(model).c if editable(model, c)]
    if name in table_of(model).c:
        zh, en = f"字段 {name} 不能手工修改", f"'{name}' is not edited by hand"
    else:
        zh = f"图层“{put.layer.title.zh}”没有字段 {name}；可修改的字段：{'、'.join(names)}"
        en = f"'{put.layer.name}' has no field '{name}'; it has {', '.join(names)}"
    return Fault(pointer, name, Text(zh, en), given)


def _value(column: Column[Any], given: Any, zone: ZoneInfo) -> Any:
    if given is None or given == "":
        if not column.nullable and column.server_default is None:
            raise _Wrong("必填", "is required")
        return None
    choices = CHOICES.get(column.info.get("choices", ""))
    if choices is not None:
        if not isinstance(given, str) or given not in choices:
            known = "、".join(f"{code}（{label.zh}）" for code, label in choices.items())
            raise _Wrong(
                f"没有“{given}”这一项；可选：{known}",
                f"there is no '{given}'; choose from {', '.join(choices)}",
            )
        return given
    for kind, read in _READERS:
        if isinstance(column.type, kind):
            return _in_range(column, read(given, zone))
    return _text(given, zone)


def _text(given: Any, _zone: ZoneInfo) -> str:
    if not isinstance(given, str):
        raise _Wrong("应为文字", "must be a text")
    text = given.strip()
    if len(text) > LONGEST:
        raise _Wrong(
            f"文字过长（至多 {LONGEST} 字）", f"is too long (at most {LONGEST} characters)"
        )
    if not writable(text):
        raise _Wrong("含有无法保存的字符", "holds a character that cannot be kept")
    return text


def writable(text: str) -> bool:
    """Whether the database can keep a text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


def _boolean(given: Any, _zone: ZoneInfo) -> bool:
    if not isinstance(given, bool):
        raise _Wrong("应为 true 或 false", "must be true or false")
    return given


def _integer(given: Any, _zone: ZoneInfo) -> int:
    whole = isinstance(given, int) or (isinstance(given, float) and given.is_integer())
    if isinstance(given, bool) or not whole:
        raise _Wrong("应为整数", "must be a whole number")
    return int(given)


def _in_range(column: Column[Any], value: Any) -> Any:
    most = 2**63 - 1 if isinstance(column.type, BigInteger) else 2**31 - 1
    if isinstance(column.type, Integer) and abs(value) > most:
        raise _Wrong(f"数值应在 ±{most} 以内", f"must lie within ±{most}")
    return value


def _float(given: Any, _zone: ZoneInfo) -> float:
    try:
        found = float(given) if isinstance(given, int | float) else math.nan
    except OverflowError:
        found = math.inf
    if isinstance(given, bool) or not math.isfinite(found):
        raise _Wrong("应为数值", "must be a number")
    return found


def _decimal(given: Any, _zone: ZoneInfo) -> str:
    try:
        found = Decimal(str(given))
    except InvalidOperation:
        raise _Wrong("应为数值", "must be a number") from None
    if isinstance(given, bool) or not found.is_finite():
        raise _Wrong("应为数值", "must be a number")
    return str(found)


def _date(given: Any, _zone: ZoneInfo) -> str:
    try:
        return date.fromisoformat(given).isoformat()
    except (TypeError, ValueError):
        raise _Wrong("应为日期，如 2026-10-12", "must be a date, as in 2026-10-12") from None


def _moment(given: Any, zone: ZoneInfo) -> str:
    try:
        return moment_in_utc(datetime.fromisoformat(given), zone).isoformat()
    except (TypeError, ValueError):
        raise _Wrong(
            "应为时间，如 2026-10-12T09:00:00+08:00",
            "must be a time, as in 2026-10-12T09:00:00+08:00",
        ) from None


# In this order: a Float is a Numeric to SQLAlchemy.
_READERS: tuple[tuple[type[Any], Callable[[Any, ZoneInfo], Any]], ...] = (
    (Boolean, _boolean),
    (Integer, _integer),
    (Float, _float),
    (Numeric, _decimal),
    (DateTime, _moment),
    (Date, _date),
)


def _geometry(model: type[Entity], given: Mapping[str, Any] | None) -> str | None:
    """Return a geometry as hexadecimal EWKB in EPSG:4326; None for none."""
    if given is None:
        return None
    if not issubclass(model, Feature):
        raise _Wrong("该图层没有几何", "this layer has no geometry")
    try:
        shape = shapely.from_geojson(json.dumps(given))
    except (shapely.errors.GEOSException, TypeError, ValueError):
        raise _Wrong("不是有效的 GeoJSON 几何", "is no valid GeoJSON geometry") from None
    checked = check_geometry(np.array([shape], dtype=object), _TARGETS[model.geometry_type])
    status, reason = str(checked.status[0]), str(checked.reason[0])
    if status == "repaired":
        # A person sees what is drawn and can draw it right; a repair would change it unseen.
        said = shapely.is_valid_reason(shape)
        raise _Wrong(f"图形无效（{said}）；请重新绘制", f"is not valid ({said}); draw it anew")
    if status == "rejected":
        message = GEOMETRY_MESSAGES[reason]
        raise _Wrong(message.text("zh"), message.text("en"))
    placed = shapely.set_srid(checked.geometry[0], SRID)
    return str(shapely.to_wkb(placed, hex=True, include_srid=True))

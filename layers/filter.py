"""`Filter`: bbox, time and CQL2 as one condition over `layers.access.rows`.

The map's list, the exports, the measures and the OGC addresses all ask through it, so that the
same words select the same rows everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    DateTime,
    LargeBinary,
    and_,
    any_,
    bindparam,
    func,
    or_,
    true,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers import cql2
from layers.base import SRID, Layer
from layers.cql2_values import box, moment_of, parse_time
from layers.crs import CRS84, Coordinates, named
from layers.problems import BadRequest

UTC_ZONE = ZoneInfo("UTC")
AREA, INNER, SINCE, UNTIL = "filter_area", "filter_inner", "filter_since", "filter_until"
IDS = "filter_ids"
# The boxes of rows and of questions are kept in single precision, rounded outwards by 1.6e-5° at
# most (at 180°).
_ROUNDING_DEG = 2e-5


@dataclass(frozen=True)
class Filter:
    """What to select.

    Attributes
    ----------
    area : a shape in degrees, longitude first; rows whose geometry meets it. None: anywhere.
    since, until : the time span of observation, both ends included; None: open.
    cql : a CQL2 JSON tree, already parsed; None: no condition.
    text : the CQL2 as it was written (for places in messages); None for JSON.
    crs : the system of the coordinates in `cql`.
    zone : in which a bare date is a day.
    ids : the rows that a named filter selected, and no others; None: all.
    """

    area: BaseGeometry | None = None
    since: datetime | None = None
    until: datetime | None = None
    cql: Any = None
    text: str | None = None
    crs: Coordinates = CRS84
    zone: ZoneInfo = field(default=UTC_ZONE)
    ids: tuple[int, ...] | None = None

    @classmethod
    def parse(
        cls,
        *,
        bbox: str | None = None,
        bbox_crs: str | None = None,
        datetime: str | None = None,
        filter: str | None = None,
        filter_lang: str = "cql2-text",
        filter_crs: str | None = None,
        zone: ZoneInfo = UTC_ZONE,
    ) -> Filter:
        """Read the parameters of an address, each as OGC API - Features writes it.

        Raises
        ------
        BadRequest : one cannot be understood; names it, its value, the place and a remedy.
        """
        since, until = parse_datetime(datetime, zone) if datetime else (None, None)
        crs = named(filter_crs, field="filter-crs") if filter_crs else CRS84
        return cls(
            area=parse_bbox(bbox, bbox_crs) if bbox is not None else None,
            since=since,
            until=until,
            cql=cql2.parse(filter, filter_lang) if filter is not None else None,
            text=filter if filter is not None and filter_lang == "cql2-text" else None,
            crs=crs,
            zone=zone,
        )

    def also(self, conditions: list[Any]) -> Filter:
        """Return this filter narrowed by further CQL2 JSON conditions."""
        if not conditions:
            return self
        whole = conditions if self.cql is None else [self.cql, *conditions]
        return replace(self, cql={"op": "and", "args": whole}, text=None)

    @property
    def shape(self) -> tuple[Any, ...]:
        """What decides the statement but not its `values`: equal shapes share a compiled one."""
        return (
            self.area is not None,
            self._inner is not None,
            self.since is not None,
            self.until is not None,
            None if self.cql is None else (self.text or repr(self.cql)),
            self.crs.uri,
            self.zone.key,
            self.ids is not None,
        )

    @property
    def values(self) -> Mapping[str, Any]:
        """The values of the named parameters of `condition`."""
        made: dict[str, Any] = {}
        if self.area is not None:
            made[AREA] = shapely.to_wkb(self.area)
        if self._inner is not None:
            made[INNER] = shapely.to_wkb(self._inner)
        if self.since is not None:
            made[SINCE] = self.since
        if self.until is not None:
            made[UNTIL] = self.until
        if self.ids is not None:
            made[IDS] = list(self.ids)
        return made

    def condition(self, layer: Layer, source: FromClause) -> ColumnElement[bool]:
        """Return the condition over the columns of `source`, which `rows(layer, …)` gave.

        A layer without geometry ignores the area, one without a time column the time span: OGC
        API - Features asks for that, so that one question can be put to every layer.

        Raises
        ------
        BadRequest : the CQL2 names an unknown property or compares what does not compare.
        """
        parts: list[Any] = []
        if self.area is not None and layer.spatial:
            parts.append(self._meets(source.c.geom, self.area))
        when = time_column(layer)
        if when is not None:
            moment = DateTime(timezone=True)
            if self.since is not None:
                parts.append(source.c[when] >= bindparam(SINCE, self.since, moment))
            if self.until is not None:
                parts.append(source.c[when] <= bindparam(UNTIL, self.until, moment))
        if self.ids is not None:
            chosen = bindparam(IDS, list(self.ids), ARRAY(BigInteger))
            parts.append(source.c.id == any_(chosen))
        if self.cql is not None:
            translator = cql2.Translator(
                layer, source, zone=self.zone, crs=self.crs, text=self.text
            )
            parts.append(translator.condition(self.cql))
        return and_(true(), *parts)

    @cached_property
    def _inner(self) -> BaseGeometry | None:
        """The box in which whatever lies meets the area, when that is a box of some size."""
        if self.area is None:
            return None
        west, south, east, north = self.area.bounds
        if min(east - west, north - south) < 4 * _ROUNDING_DEG:
            return None
        whole = shapely.box(west, south, east, north).normalize()
        if not self.area.normalize().equals_exact(whole):
            return None
        return shapely.box(
            west + _ROUNDING_DEG, south + _ROUNDING_DEG, east - _ROUNDING_DEG, north - _ROUNDING_DEG
        )

    def _meets(self, geom: ColumnElement[Any], area: BaseGeometry) -> ColumnElement[bool]:
        # ST_Intersects brings `geom && area` with it, which is what the GiST index answers.
        asked = _shape(AREA, area)
        exact: ColumnElement[bool] = func.ST_Intersects(geom, asked, type_=Boolean)
        if self._inner is None:
            return exact
        # It need be asked only of what lies at the edge: comparing boxes takes a tenth of it.
        inside = geom.bool_op("@")(_shape(INNER, self._inner))
        return and_(geom.bool_op("&&")(asked), or_(inside, exact))


def _shape(name: str, shape: BaseGeometry) -> ColumnElement[Any]:
    return func.ST_GeomFromWKB(bindparam(name, shapely.to_wkb(shape), LargeBinary), SRID)


def time_column(layer: Layer) -> str | None:
    """Return the column that `datetime` asks about: the layer's first moment in time, or None."""
    return next(
        (c.name for c in layer.table.c if isinstance(c.type, DateTime) and not c.computed), None
    )


def parse_bbox(text: str, crs: str | None = None) -> BaseGeometry:
    """Return the area of ``west,south,east,north`` (or six numbers, heights ignored).

    Parameters
    ----------
    crs : its system, in whose axis order the numbers stand; CRS84 (longitude first) by default.

    Raises
    ------
    BadRequest : not four or six numbers, out of range, or upside down.
    """
    system = named(crs, field="bbox-crs") if crs else CRS84
    try:
        numbers = [float(each) for each in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 6:
        numbers = [*numbers[0:2], *numbers[3:5]]
    if len(numbers) != 4 or not all(math.isfinite(each) for each in numbers):
        raise _refusal(
            text,
            "需要四个数 西,南,东,北，例如 116.3,39.9,116.4,40.0",
            "four numbers west,south,east,north are needed, such as 116.3,39.9,116.4,40.0",
        )
    if system.northing_first:
        numbers = [numbers[1], numbers[0], numbers[3], numbers[2]]
    west, south, east, north = numbers
    if south > north or (not system.geographic and west > east):
        raise _refusal(
            text,
            "下限大于上限；顺序为 西,南,东,北（按坐标系的轴序）",
            "its lower bound is above its upper one; the order is west,south,east,north "
            "(in the axis order of its system)",
        )
    if system.geographic:
        if max(map(abs, (south, north))) > 90 or max(map(abs, (west, east))) > 180:
            raise _refusal(
                text,
                "经度须在 ±180、纬度须在 ±90 之内；CRS84 中经度在前",
                "longitudes lie within ±180 and latitudes within ±90; in CRS84 longitude is first",
            )
        return box(west, south, east, north)
    # The edges of a projected box are not straight in degrees: give them points enough.
    edges = shapely.segmentize(
        shapely.box(west, south, east, north), max(east - west, north - south, 1) / 32
    )
    return _eastings_to_lonlat(edges, system, text)


def _eastings_to_lonlat(edges: BaseGeometry, system: Coordinates, text: str) -> BaseGeometry:
    if system.northing_first:
        edges = shapely.transform(edges, lambda xy: xy[:, ::-1])
    area = system.to_lonlat(edges)
    if not math.isfinite(sum(area.bounds)):
        raise _refusal(
            text,
            f"坐标超出 {system.uri} 的范围",
            f"its coordinates lie outside the range of {system.uri}",
        )
    return area


def _refusal(text: str, zh: str, en: str) -> BadRequest:
    return BadRequest(zh=f"bbox“{text}”：{zh}", en=f"bbox '{text}': {en}", field="bbox", value=text)


def parse_datetime(text: str, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Return the span that an RFC 3339 moment, a date or ``start/end`` (``..`` open) names, in UTC.

    Raises
    ------
    BadRequest : no such form, or the start lies after the end.
    """
    parts = text.strip().split("/")
    ends: list[datetime | None] = []
    try:
        if len(parts) > 2:
            raise ValueError("more than two ends")
        for i, part in enumerate(parts):
            # An unescaped "+08:00" in an address arrives as " 08:00".
            given = part.strip().replace(" ", "+")
            if len(parts) == 2 and given in ("", ".."):
                ends.append(None)
                continue
            value: date | datetime = parse_time(given, zone)
            ends.append(moment_of(value, zone, last=i == 1))
            if len(parts) == 1:
                ends.append(moment_of(value, zone, last=True))
    except ValueError as wrong:
        raise BadRequest(
            zh=f"datetime“{text}”无效；例如 2026-10-12T09:00:00+08:00、2026-10-12、"
            "2026-10-01/2026-10-12 或 2026-10-01/..",
            en=f"datetime '{text}' is not a time; write 2026-10-12T09:00:00+08:00, 2026-10-12, "
            "2026-10-01/2026-10-12 or 2026-10-01/..",
            field="datetime",
            value=text,
        ) from wrong
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise BadRequest(
            zh=f"datetime“{text}”：起点晚于终点",
            en=f"datetime '{text}': its start lies after its end",
            field="datetime",
            value=text,
        )
    return ends[0], ends[1]

"""Measures of vehicles (kilometres and hours moving a day) and the state of network nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Float,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from layers.access import rows
from layers.fleet import POSITIONS, STOPS, TRIPS, VEHICLES
from layers.labels import Text
from layers.measures.base import Measure, Question, last_days, states
from layers.network import NETWORK_NODES
from layers.rules.fleet import moment, seconds_within, share


def _within(t: FromClause, question: Question) -> ColumnElement[bool]:
    """Return whether a trip or stop overlaps the window."""
    return and_(t.c.started_at < question.span.end, t.c.ended_at > question.span.start)


def _seconds(t: FromClause, question: Question) -> ColumnElement[float]:
    """Return the seconds that a trip or stop spends in the window."""
    return seconds_within(t, moment(question.span.start), moment(question.span.end))


def _part(trip: FromClause, question: Question) -> ColumnElement[float]:
    """Return the share of a trip's length driven within the window."""
    return share(trip, moment(question.span.start), moment(question.span.end))


def _driven(question: Question, column: str, scale: float) -> Mapping[str, Select[Any]]:
    """Return the sum of a trip column over the window's days, for each vehicle heard from."""
    actor, at = question.actor, question.at
    vehicle = rows(VEHICLES, actor, at)
    trip, stop, position = rows(TRIPS, actor, at), rows(STOPS, actor, at), rows(POSITIONS, actor)
    sums = (
        select(
            trip.c.vehicle_id,
            (func.sum(cast(trip.c[column], Float) * _part(trip, question)) * scale).label("total"),
        )
        .where(_within(trip, question))
        .group_by(trip.c.vehicle_id)
        .subquery("sums")
    )
    known = union_all(
        *(
            select(t.c.vehicle_id, _seconds(t, question).label("s")).where(_within(t, question))
            for t in (trip.alias(), stop)
        )
    ).subquery("known")
    heard = (
        select(known.c.vehicle_id, func.sum(known.c.s).label("s"))
        .group_by(known.c.vehicle_id)
        .subquery("heard")
    )
    seen = exists(
        select(literal_column("1")).where(
            position.c.vehicle_id == vehicle.c.id,
            position.c.time >= question.span.start,
            position.c.time < question.span.end,
        )
    )
    # Standing still is 0 km; not having been heard from is no number at all.
    total = case((or_(heard.c.s.is_not(None), seen), func.coalesce(sums.c.total, 0.0)), else_=None)
    coverage = func.least(func.coalesce(heard.c.s, 0.0) / question.span.seconds, 1.0)
    query = (
        select(
            vehicle.c.id,
            total.label("numerator"),
            literal(question.span.days, Float).label("denominator"),
            coverage.label("coverage"),
        )
        .outerjoin(sums, sums.c.vehicle_id == vehicle.c.id)
        .outerjoin(heard, heard.c.vehicle_id == vehicle.c.id)
    )
    return {"values": query.order_by(vehicle.c.id)}


def km_per_day(question: Question) -> Mapping[str, Select[Any]]:
    """Kilometres driven in the window over its days."""
    return _driven(question, "length_km", 1.0)


def moving_hours_per_day(question: Question) -> Mapping[str, Select[Any]]:
    """Hours moving in the window over its days."""
    return _driven(question, "moving_s", 1 / 3600)


def state_of_nodes(question: Question) -> Mapping[str, Select[Any]]:
    """Return the state of each node; "unknown" is a state of its own and is not "up"."""
    node = rows(NETWORK_NODES, question.actor, question.at)
    return {"values": select(node.c.id, node.c.state).order_by(node.c.id)}


MEASURES = (
    Measure(
        name="km_per_day",
        layer="vehicles",
        rests=("trips.geom", "stops", "positions"),
        title=Text("日均里程", "Kilometres a day"),
        description=Text(
            "时间窗内行驶里程除以天数；跨越午夜的行程在午夜处分开",
            "Kilometres driven in the window over its days; a trip across midnight is cut there",
        ),
        unit=Text("km/日", "km a day"),
        kind="neutral",
        direction="neutral",
        ask=km_per_day,
        default_window=last_days,
    ),
    Measure(
        name="moving_hours_per_day",
        layer="vehicles",
        rests=("trips.geom", "stops", "positions"),
        title=Text("日均行驶时长", "Hours moving a day"),
        description=Text("时间窗内行驶时长除以天数", "Hours moving in the window over its days"),
        unit=Text("小时/日", "hours a day"),
        kind="neutral",
        direction="neutral",
        ask=moving_hours_per_day,
        default_window=last_days,
    ),
    Measure(
        name="node_state",
        layer="network_nodes",
        title=Text("节点状态", "State of the nodes"),
        description=Text("节点最近记录的状态", "The state last recorded of each node"),
        unit=Text("", ""),
        kind="categorical",
        direction="neutral",
        ask=state_of_nodes,
        read=states,
        states="node_state",
    ),
)

"""Counted questions of the network: what failed, what it cut off, and whom that concerns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Select,
    column,
    distinct,
    func,
    literal,
    select,
)
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause, Subquery

from layers.access import rows
from layers.labels import Text
from layers.measures.base import Question
from layers.measures.space import held
from layers.named.base import Column, Found, NamedFilter
from layers.network import NETWORK_NODES
from layers.places import name_of
from layers.rules.network import COMMA, Outage, Thing, of_nodes, parts, served, stopped_rooms
from layers.space import ROOMS

CAUSE = Column("cause", Text("原因", "cause"), "string")
GATEWAY = "gateway"


def failed_nodes(question: Question, found: Found) -> Select[Any]:
    """Return the nodes that are down, and how much each of them stops."""
    outage = Outage.of(found)
    keys = sorted(outage.down)
    counts = [len(outage.behind(key)) if outage.roots else None for key in keys]
    columns = (column("id", BigInteger), column("unreachable", Integer))
    known = func.unnest(
        literal([key for _, key in keys], ARRAY(BigInteger)), literal(counts, ARRAY(Integer))
    )
    failed = known.table_valued(*columns, name="failed").render_derived()
    node = rows(NETWORK_NODES, question.actor, question.at)
    stopped = _stopped_by(question, outage)
    return (
        select(
            failed.c.id,
            node.c.state_since.label("since"),
            failed.c.unreachable,
            func.coalesce(stopped.c.rooms, 0).label("rooms"),
            func.coalesce(stopped.c.people, 0).label("people"),
        )
        .join(node, node.c.id == failed.c.id)
        .outerjoin(stopped, stopped.c.cause == failed.c.id)
    )


def _stopped_by(question: Question, outage: Outage) -> Subquery:
    """Return ``cause, rooms, people`` of each failed node that serves any, by itself or not."""
    pairs = [(cause, node) for cause, node in outage.touched() if cause in outage.down]
    columns = (column("cause", BigInteger), column("id", BigInteger))
    touched = (
        func.unnest(
            literal([cause[1] for cause, _ in pairs], ARRAY(BigInteger)),
            literal([node[1] for _, node in pairs], ARRAY(BigInteger)),
        )
        .table_valued(*columns, name="touched")
        .render_derived()
    )
    room, people = served(question), held(question).people
    return (
        select(
            touched.c.cause,
            func.count(distinct(room.c.room_id)).label("rooms"),
            func.count(distinct(people.c.person_id)).label("people"),
        )
        .join(room, room.c.node_id == touched.c.id)
        .outerjoin(people, people.c.room_id == room.c.room_id)
        .group_by(touched.c.cause)
        .subquery("stopped_by")
    )


def _dark(outage: Outage, things: Iterable[Thing]) -> FromClause:
    pairs = [(key, outage.titles(outage.blamed["network_nodes", key])) for _, key in sorted(things)]
    return of_nodes("dark", pairs)


def unreachable_nodes(_question: Question, found: Found) -> Select[Any]:
    """Return the nodes that failures cut off from every root."""
    outage = Outage.of(found)
    dark = _dark(outage, outage.blamed)
    return select(dark.c.id, dark.c.cause)


def dark_gateways(_question: Question, found: Found) -> Select[Any]:
    """Return the gateways that are down or cut off."""
    outage = Outage.of(found)
    gone = {*outage.down, *outage.blamed}
    gateways = [key for key in gone if outage.facts[key]["kind"] == GATEWAY]
    pairs = [(key[1], outage.titles(outage.blamed.get(key, {key}))) for key in sorted(gateways)]
    dark = of_nodes("dark", pairs)
    return select(dark.c.id, dark.c.cause)


def affected_rooms(question: Question, found: Found) -> Select[Any]:
    """Return the rooms that failed or unreachable nodes serve."""
    room = stopped_rooms(question, Outage.of(found))
    return select(room.c.room_id.label("id"), _names(room.c.cause).label("cause")).group_by(
        room.c.room_id
    )


def affected_people(question: Question, found: Found) -> Select[Any]:
    """Return the people who hold a room that failed or unreachable nodes serve."""
    stopped = stopped_rooms(question, Outage.of(found))
    people = held(question)
    number = name_of(ROOMS, people.rooms)
    by_cause = (
        select(people.people.c.person_id.label("id"), stopped.c.cause, number.label("room"))
        .join(stopped, stopped.c.room_id == people.people.c.room_id)
        .join(people.rooms, people.rooms.c.id == stopped.c.room_id)
        .distinct()
        .subquery("by_cause")
    )
    return select(
        by_cause.c.id,
        _names(by_cause.c.cause).label("cause"),
        _names(by_cause.c.room).label("room"),
    ).group_by(by_cause.c.id)


def _names(values: ColumnElement[Any]) -> ColumnElement[str]:
    """Return different texts as one, in order."""
    each = func.array_agg(aggregate_order_by(distinct(values), values))
    return func.array_to_string(each, literal(COMMA, TextType))


_RULE = Text(
    "不可达：自身未报故障，但故障使其与所有根节点（出口）断开；没有根节点的网络无从判断",
    "unreachable: not down itself, yet cut off from every root (the way out) by what is; nothing "
    "is said of a network without a root",
)

NAMED = (
    NamedFilter(
        name="failed_nodes",
        layer="network_nodes",
        rests=("network_nodes", "network_links", "occupancies", "persons"),
        title=Text("故障节点", "Failed nodes"),
        description=Text(
            f"状态为故障的节点，及由其造成的不可达设备、受影响房间和人员。{_RULE.zh}",
            "Nodes whose state is down, with the devices, rooms and people that each of them "
            f"stops; {_RULE.en}",
        ),
        unit=Text("个", "nodes"),
        tone="bad",
        needs=parts,
        ask=failed_nodes,
        columns=(
            Column("since", Text("故障起始", "down since"), "date-time"),
            Column("unreachable", Text("不可达设备", "unreachable devices"), "integer"),
            Column("rooms", Text("受影响房间", "affected rooms"), "integer"),
            Column("people", Text("受影响人员", "affected people"), "integer"),
        ),
        order="-people,-unreachable",
    ),
    NamedFilter(
        name="unreachable_nodes",
        layer="network_nodes",
        rests=("network_links",),
        title=Text("不可达设备", "Unreachable devices"),
        description=_RULE,
        unit=Text("台", "devices"),
        tone="bad",
        needs=parts,
        ask=unreachable_nodes,
        columns=(CAUSE,),
        order="cause,name",
    ),
    NamedFilter(
        name="affected_rooms",
        layer="rooms",
        rests=("network_nodes", "network_links"),
        title=Text("受影响房间", "Affected rooms"),
        description=Text(
            "由故障或不可达的节点服务的房间（含另有节点服务的）",
            "Rooms served by a node that is down or unreachable, also where another node serves "
            "them too",
        ),
        unit=Text("间", "rooms"),
        needs=parts,
        ask=affected_rooms,
        columns=(CAUSE,),
        order="number",
        group="level",
    ),
    NamedFilter(
        name="affected_people",
        layer="persons",
        rests=("network_nodes", "network_links", "occupancies", "persons"),
        title=Text("受影响人员", "Affected people"),
        description=Text(
            "当日使用受影响房间的人员，每人计一次",
            "People who hold an affected room that day, each counted once",
        ),
        unit=Text("人", "people"),
        needs=parts,
        ask=affected_people,
        columns=(CAUSE, Column("room", Text("房间", "room"), "string")),
        order="room,name",
        group="body",
    ),
    NamedFilter(
        name="dark_gateways",
        layer="network_nodes",
        rests=("network_links",),
        title=Text("中断采集网关", "Silent meter gateways"),
        description=Text(
            "故障或不可达的网关：其后的计量表没有数据上来",
            "Gateways that are down or unreachable: nothing comes in from the meters behind them",
        ),
        unit=Text("个", "gateways"),
        tone="bad",
        needs=parts,
        ask=dark_gateways,
        columns=(CAUSE,),
        order="name",
    ),
)

"""The communication network: nodes, links and the ducts that carry them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Boolean, DateTime, Float, and_
from sqlalchemy import Text as TextType
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.schema import UniqueConstraint
from sqlalchemy.sql.selectable import FromClause

from layers.base import Feature, Layer, Paint, Sharing, Text, choice, column, reference, table_of
from layers.links import Link
from layers.scope import through
from layers.sharing import share


class NetworkNode(Feature):
    """A device or a place of the network; one without coordinates is kept and listed."""

    __tablename__ = "network_node"
    geometry_type: ClassVar[str] = "POINT"
    kind: Mapped[str | None] = choice("node_kind", "类型", "kind")
    state: Mapped[str] = choice(
        "node_state", "状态", "state", server_default="unknown", nullable=False
    )
    state_since: Mapped[datetime | None] = column(
        DateTime(timezone=True), "状态起始", "state since"
    )
    room_id: Mapped[int | None] = reference("room.id", "所在房间", "room")
    address: Mapped[str | None] = column(
        TextType, "网络地址", "network address", sharing=Sharing.NETWORK
    )
    root: Mapped[bool] = column(
        Boolean, "根节点", "root (the way out)", server_default="false", nullable=False
    )


share(table_of(NetworkNode), attributes=Sharing.NETWORK)


class NetworkLink(Feature):
    """A connection of two nodes; without a course of its own it runs straight between them."""

    __tablename__ = "network_link"
    geometry_type: ClassVar[str] = "LINESTRING"
    a_node_id: Mapped[int] = reference(
        "network_node.id", "甲端节点", "node A", nullable=False, ondelete="CASCADE"
    )
    b_node_id: Mapped[int] = reference(
        "network_node.id", "乙端节点", "node B", nullable=False, ondelete="CASCADE"
    )
    kind: Mapped[str | None] = choice("link_kind", "类型", "kind")
    capacity_mbps: Mapped[float | None] = column(Float, "带宽", "capacity", unit="Mbit/s")
    state: Mapped[str] = choice(
        "node_state", "状态", "state", server_default="unknown", nullable=False
    )

    @classmethod
    def visible(cls, t: FromClause, bodies: ColumnElement[Any], at: datetime | None) -> Any:
        """As an entity, and only between two nodes that are seen: it would tell where they are."""
        return and_(
            super().visible(t, bodies, at),
            through(NetworkNode, t.c.a_node_id, bodies, at),
            through(NetworkNode, t.c.b_node_id, bodies, at),
        )


class Duct(Feature):
    """A duct in the ground that carries links."""

    __tablename__ = "duct"
    geometry_type: ClassVar[str] = "LINESTRING"


class LinkDuct(Link):
    """A link runs through a duct."""

    __tablename__ = "link_duct"
    __table_args__ = (UniqueConstraint("link_id", "duct_id"),)
    link_id: Mapped[int] = reference(
        "network_link.id", "链路", "link", nullable=False, index=False, ondelete="CASCADE"
    )
    duct_id: Mapped[int] = reference("duct.id", "管孔", "duct", nullable=False, ondelete="CASCADE")


class NodeRoom(Link):
    """A node serves a room: whoever works there depends on it."""

    __tablename__ = "node_room"
    __table_args__ = (UniqueConstraint("node_id", "room_id"),)
    node_id: Mapped[int] = reference(
        "network_node.id", "节点", "node", nullable=False, index=False, ondelete="CASCADE"
    )
    room_id: Mapped[int] = reference("room.id", "房间", "room", nullable=False, ondelete="CASCADE")


_STATES = {"up": "#2e9e6b", "down": "#d64545", "maintenance": "#e0a100", "unknown": "#8a94a0"}

NETWORK_NODES = Layer(
    name="network_nodes",
    model=NetworkNode,
    title=Text("网络节点", "Network nodes"),
    description=Text("网络设备和站点", "Devices and places of the network"),
    group="network",
    zooms=(3, 17),
    tiled=("name", "kind", "state"),
    searchable=("name", "address"),
    paint=Paint(
        "circle",
        "#8a94a0",
        "#8a94a0",
        outline="#ffffff",
        width=5,
        label="name",
        label_zoom=15,
        by="state",
        colors=_STATES,
    ),
    shown=False,
)
NETWORK_LINKS = Layer(
    name="network_links",
    model=NetworkLink,
    title=Text("网络链路", "Network links"),
    description=Text("节点之间的连接", "Connections between nodes"),
    group="network",
    zooms=(3, 16),
    tiled=("name", "kind", "state"),
    paint=Paint("line", "#7b8794", "#8b98a6", width=1.5, by="state", colors=_STATES),
    shown=False,
)
DUCTS = Layer(
    name="ducts",
    model=Duct,
    title=Text("管孔", "Ducts"),
    description=Text("地下通信管孔", "Ducts in the ground"),
    group="network",
    zooms=(12, 16),
    paint=Paint("line", "#a58b6f", "#9c8468", width=3, opacity=0.5),
    shown=False,
)

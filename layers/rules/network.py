"""The rule of outages: what a failed node or link takes with it.

A node is unreachable when it is not down itself, a root (the way out) would reach it if all were
well, and what has failed leaves it no way. Nothing is said of a network without a root among the
nodes that the actor sees, nor of a node that no root ever reached. Failed is what a monitor calls
``down``; ``maintenance`` and ``unknown`` are no failures. A link that is down at a node that is
down has not failed by itself: its port went with the node. The rule is that of `geo.network`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, column, func, literal, select
from sqlalchemy import Text as TextType
from sqlalchemy.sql.selectable import FromClause, Subquery

from geo.network import Network
from layers.access import rows
from layers.measures.base import Question, Rows
from layers.measures.space import held
from layers.network import NETWORK_LINKS, NETWORK_NODES, NodeRoom
from layers.places import title_of

Thing = tuple[str, int]
"""A layer and an id: a node and a link may have the same number."""

DOWN = "down"
COMMA = "、"


def node_of(key: int) -> Thing:
    """Return a node as the network knows it."""
    return (NETWORK_NODES.name, key)


def link_of(key: int) -> Thing:
    """Return a link as the network knows it."""
    return (NETWORK_LINKS.name, key)


def parts(question: Question) -> Mapping[str, Select[Any]]:
    """Return the statements of the ``nodes`` and ``links`` that the actor sees."""
    node = rows(NETWORK_NODES, question.actor, question.at)
    link = rows(NETWORK_LINKS, question.actor, question.at)
    return {
        "nodes": select(
            node.c.id,
            title_of(NETWORK_NODES, node).label("title"),
            node.c.kind,
            node.c.state,
            node.c.state_since,
            node.c.root,
        ).order_by(node.c.id),
        "links": select(
            link.c.id,
            title_of(NETWORK_LINKS, link).label("title"),
            link.c.a_node_id,
            link.c.b_node_id,
            link.c.state,
        ).order_by(link.c.id),
    }


@dataclass(frozen=True)
class Outage:
    """The network as it stands, and what its failures take with them.

    Attributes
    ----------
    facts : the rows of nodes and links by what they are.
    roots, down : nodes; `cut`: the links that failed by themselves.
    """

    network: Network[Thing, Thing]
    facts: Mapping[Thing, Mapping[str, Any]]
    roots: frozenset[Thing]
    down: frozenset[Thing]
    cut: frozenset[Thing]

    @classmethod
    def of(cls, found: Mapping[str, Rows]) -> Outage:
        """Return the outage that the rows of `parts` tell of."""
        nodes = {node_of(row["id"]): row for row in found["nodes"]}
        links = {link_of(row["id"]): row for row in found["links"]}
        ends = {
            key: (node_of(row["a_node_id"]), node_of(row["b_node_id"]))
            for key, row in links.items()
        }
        # The two statements may see two moments: a link may be newer than its nodes.
        ends = {key: (a, b) for key, (a, b) in ends.items() if a in nodes and b in nodes}
        down = frozenset(key for key, row in nodes.items() if row["state"] == DOWN)
        cut = frozenset(
            key
            for key, (a, b) in ends.items()
            if links[key]["state"] == DOWN and a not in down and b not in down
        )
        return cls(
            Network(nodes, [(key, a, b) for key, (a, b) in ends.items()]),
            {**nodes, **links},
            frozenset(key for key, row in nodes.items() if row["root"]),
            down,
            cut,
        )

    @cached_property
    def blamed(self) -> Mapping[Thing, set[Thing]]:
        """The unreachable nodes, each with the failures that keep it so."""
        return self.network.blame(self.roots, down_nodes=self.down, down_links=self.cut)

    def behind(self, failed: Thing) -> set[Thing]:
        """Return the unreachable nodes that a failure is blamed for."""
        return {node for node, causes in self.blamed.items() if failed in causes}

    def further(self, nodes: Iterable[Thing] = (), links: Iterable[Thing] = ()) -> set[Thing]:
        """Return the nodes that would go dark if these failed too, beyond those that are."""
        dark = self.network.dark(
            self.roots, down_nodes=self.down.union(nodes), down_links=self.cut.union(links)
        )
        return dark - self.blamed.keys()

    def ever_reached(self, node: Thing) -> bool:
        """Whether a root reaches the node when all is well."""
        return node in self.network.reachable(self.roots)

    def title(self, thing: Thing) -> str:
        """Return what a node or link is called."""
        return str(self.facts[thing]["title"] or thing[1])

    def titles(self, things: Iterable[Thing]) -> str:
        """Return the names of several, in order, as one text."""
        return COMMA.join(sorted(self.title(each) for each in things))

    def touched(self) -> list[tuple[Thing, Thing]]:
        """Return pairs of a failure and a node that it stops: a failed node stops itself."""
        pairs = [(node, node) for node in sorted(self.down)]
        return pairs + [
            (cause, node)
            for node, causes in sorted(self.blamed.items())
            for cause in sorted(causes)
        ]


def of_nodes(name: str, given: Iterable[tuple[int, str]]) -> FromClause:
    """Return ``id, cause`` of pairs worked out here, as a table to join."""
    pairs = list(given)
    made = func.unnest(
        literal([key for key, _ in pairs], ARRAY(BigInteger)),
        literal([cause for _, cause in pairs], ARRAY(TextType)),
    )
    columns = (column("id", BigInteger), column("cause", TextType))
    return made.table_valued(*columns, name=name).render_derived()


def served(question: Question) -> Subquery:
    """Return ``node_id, room_id``: the rooms that nodes serve, of those the actor sees."""
    link = rows(NodeRoom, question.actor, question.at)
    room = held(question).rooms
    return (
        select(link.c.node_id, link.c.room_id)
        .join(room, room.c.id == link.c.room_id)
        .subquery("served")
    )


def stopped_rooms(question: Question, outage: Outage) -> Subquery:
    """Return ``room_id, cause``: the rooms that failed or unreachable nodes serve, each once."""
    pairs = [(node[1], outage.title(cause)) for cause, node in outage.touched()]
    node = of_nodes("touched", pairs)
    room = served(question)
    return (
        select(room.c.room_id, node.c.cause)
        .join(node, node.c.id == room.c.node_id)
        .distinct()
        .subquery("stopped")
    )

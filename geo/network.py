"""What is connected to what, and what goes dark: pure functions on nodes and links.

Links are undirected and may run in parallel. A link whose end is unknown is an error, since
leaving it out would report nodes as dark that are not.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar

import networkx as nx

N = TypeVar("N", bound=Hashable)
L = TypeVar("L", bound=Hashable)


@dataclass(frozen=True)
class Path(Generic[N, L]):
    """A way through the network: nodes in order, the links between them, and its length."""

    nodes: tuple[N, ...]
    links: tuple[L, ...]
    length: float


class Network(Generic[N, L]):
    """An undirected network of nodes and (parallel) links, by their ids."""

    def __init__(
        self,
        nodes: Iterable[N],
        links: Iterable[tuple[L, N, N]],
        *,
        lengths: Mapping[L, float] | None = None,
    ) -> None:
        """Build from node ids and (link id, from, to); `lengths` in any one unit, default 1.

        Raises
        ------
        ValueError
            When a link ends at an unknown node or an id stands twice.
        """
        self._graph: nx.MultiGraph[N] = nx.MultiGraph()
        self._ends: dict[L, tuple[N, N]] = {}
        for node in nodes:
            if node in self._graph:
                raise ValueError(f"node {node!r} stands twice")
            self._graph.add_node(node)
        for link, start, end in links:
            for node in (start, end):
                if node not in self._graph:
                    raise ValueError(f"link {link!r} ends at the unknown node {node!r}")
            if link in self._ends:
                raise ValueError(f"link {link!r} stands twice")
            self._ends[link] = (start, end)
            length = 1.0 if lengths is None else lengths[link]
            self._graph.add_edge(start, end, key=link, length=length)

    def reachable(
        self, roots: Iterable[N], *, down_nodes: Iterable[N] = (), down_links: Iterable[L] = ()
    ) -> set[N]:
        """Return the nodes that some root still reaches; a root that is down reaches nothing."""
        closed, cut = set(down_nodes), set(down_links)
        found = {root for root in roots if root in self._graph and root not in closed}
        stack = list(found)
        while stack:
            for _, neighbour, link in self._graph.edges(stack.pop(), keys=True):
                if link not in cut and neighbour not in closed and neighbour not in found:
                    found.add(neighbour)
                    stack.append(neighbour)
        return found

    def dark(
        self, roots: Iterable[N], *, down_nodes: Iterable[N] = (), down_links: Iterable[L] = ()
    ) -> set[N]:
        """Return what the failure makes unreachable: nodes that are up, had a root and lost it.

        Nodes that are down themselves are the cause, not the effect, and are not listed; nor are
        nodes that no root reached before.
        """
        roots, closed = list(roots), set(down_nodes)
        left = self.reachable(roots, down_nodes=closed, down_links=down_links)
        return self.reachable(roots) - left - closed

    def causes(
        self, roots: Iterable[N], *, down_nodes: Iterable[N] = (), down_links: Iterable[L] = ()
    ) -> dict[N | L, set[N]]:
        """Sort an outage by cause: each failed node or link → what its repair alone would free.

        Of the failed, those that are only dark because another failed before them free nothing
        and are left out; nodes that need several repairs are under none.
        """
        roots, closed, cut = list(roots), set(down_nodes), set(down_links)
        left = self.reachable(roots, down_nodes=closed, down_links=cut)
        answer: dict[N | L, set[N]] = {}
        for node in closed:
            freed = self.reachable(roots, down_nodes=closed - {node}, down_links=cut) - left
            if freed:
                answer[node] = freed - {node}
        for link in cut:
            freed = self.reachable(roots, down_nodes=closed, down_links=cut - {link}) - left
            if freed:
                answer[link] = freed
        return answer

    def blame(
        self, roots: Iterable[N], *, down_nodes: Iterable[N] = (), down_links: Iterable[L] = ()
    ) -> dict[N, set[N | L]]:
        """Say of each dark node which failures keep it dark.

        Where a single repair would free the part it stands in, these are the failures of which
        that is true; else those at the edge of the part on its side of a root, of which several
        must be mended.
        """
        roots, closed, cut = list(roots), set(down_nodes), set(down_links)
        left = self.reachable(roots, down_nodes=closed, down_links=cut)
        dark = self.reachable(roots) - left - closed
        answer: dict[N, set[N | L]] = {}
        while dark:
            part = self.reachable([next(iter(dark))], down_nodes=closed, down_links=cut)
            dark -= part
            edge = self._edge(part, closed, cut)
            found = {each for each, beyond in edge.items() if self._joins(each, beyond, left, cut)}
            found |= {each for each in edge if each in closed and each in roots}
            if not found:
                beyond = self.reachable(roots, down_nodes=part)
                found = {each for each, ends in edge.items() if not beyond.isdisjoint(ends)}
            answer |= dict.fromkeys(part, found)
        return answer

    def _edge(self, part: set[N], closed: set[N], cut: set[L]) -> dict[N | L, set[N]]:
        """Return the failures at the edge of a part: a node and itself, a link and its far end."""
        edge: dict[N | L, set[N]] = {}
        for here, there, link in self._graph.edges(part, keys=True):
            far = there if here in part else here
            if far in part:
                continue
            if link in cut:
                edge.setdefault(link, set()).add(far)
            elif far in closed:
                edge.setdefault(far, set()).add(far)
        return edge

    def _joins(self, failed: N | L, beyond: set[N], left: set[N], cut: set[L]) -> bool:
        """Whether the repair of one failure alone leads from its far side to what has a root."""
        if failed in self._ends:
            return not beyond.isdisjoint(left)
        return any(
            there in left and link not in cut
            for node in beyond
            for _, there, link in self._graph.edges(node, keys=True)
        )

    def dark_by_group(
        self, roots: Iterable[N], groups: Mapping[Hashable, Sequence[L]]
    ) -> dict[Hashable, set[N]]:
        """Return what goes dark when all links of a group fail together, e.g. a cut duct."""
        roots = list(roots)
        return {group: self.dark(roots, down_links=links) for group, links in groups.items()}

    def bridges(self) -> set[L]:
        """Return the links whose loss splits the network; parallel links are none."""
        simple: Any = nx.Graph(self._graph)
        pairs: Iterable[tuple[N, N]] = nx.bridges(simple)
        found: set[Any] = set()
        for start, end in pairs:
            parallel = list(self._graph[start][end])
            if len(parallel) == 1:
                found.add(parallel[0])
        return found

    def cut_nodes(self) -> set[N]:
        """Return the nodes whose loss splits the network (articulation points)."""
        return set(nx.articulation_points(nx.Graph(self._graph)))

    def islands(self) -> list[set[N]]:
        """Return the connected parts, the largest first."""
        return sorted(nx.connected_components(self._graph), key=len, reverse=True)

    def trace(
        self,
        start: N,
        end: N,
        *,
        down_nodes: Iterable[N] = (),
        down_links: Iterable[L] = (),
    ) -> Path[N, L] | None:
        """Return the shortest way between two nodes by length, None when there is none.

        Raises
        ------
        KeyError
            When one of the nodes is unknown.
        """
        for node in (start, end):
            if node not in self._graph:
                raise KeyError(node)
        closed, cut = set(down_nodes), set(down_links)

        def weight(a: N, b: N, parallel: dict[Any, Any]) -> float | None:
            if a in closed or b in closed:
                return None
            open_links: list[float] = [
                data["length"] for link, data in parallel.items() if link not in cut
            ]
            return min(open_links, default=None)

        if start in closed or end in closed:
            return None
        try:
            nodes: list[N] = nx.dijkstra_path(self._graph, start, end, weight=weight)
        except nx.NetworkXNoPath:
            return None
        links: list[L] = []
        length = 0.0
        for here, there in pairwise(nodes):
            parallel: dict[Any, dict[str, float]] = self._graph[here][there]
            shortest, best = min(
                (data["length"], order)
                for order, (link, data) in enumerate(parallel.items())
                if link not in cut
            )
            links.append(list(parallel)[best])
            length += shortest
        return Path(tuple(nodes), tuple(links), length)

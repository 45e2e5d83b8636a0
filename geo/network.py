"""What is connected to what, and what goes dark: pure functions on nodes and links.

Links are undirected and may run in parallel. A link whose end is unknown is an error, since
leaving it out would report nodes as dark that are not.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
        # Plain lists: what a failure leaves is asked far more often than what networkx answers.
        self._beside: dict[N, list[tuple[N, L]]] = {}
        self._ends: dict[L, tuple[N, N]] = {}
        self._lengths = lengths
        for node in nodes:
            if node in self._beside:
                raise ValueError(f"node {node!r} stands twice")
            self._beside[node] = []
        for link, start, end in links:
            for node in (start, end):
                if node not in self._beside:
                    raise ValueError(f"link {link!r} ends at the unknown node {node!r}")
            if link in self._ends:
                raise ValueError(f"link {link!r} stands twice")
            self._ends[link] = (start, end)
            self._beside[start].append((end, link))
            self._beside[end].append((start, link))

    @cached_property
    def _graph(self) -> nx.MultiGraph[N]:
        made: nx.MultiGraph[N] = nx.MultiGraph()
        made.add_nodes_from(self._beside)
        for link, (start, end) in self._ends.items():
            length = 1.0 if self._lengths is None else self._lengths[link]
            made.add_edge(start, end, key=link, length=length)
        return made

    def reachable(
        self, roots: Iterable[N], *, down_nodes: Iterable[N] = (), down_links: Iterable[L] = ()
    ) -> set[N]:
        """Return the nodes that some root still reaches; a root that is down reaches nothing."""
        closed, cut = set(down_nodes), set(down_links)
        found = {root for root in roots if root in self._beside and root not in closed}
        stack = list(found)
        while stack:
            for neighbour, link in self._beside[stack.pop()]:
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

        They are the failures beside the part it stands in with which the fewest repairs that
        would free it end: where one repair alone would do, every one of which that is true.
        """
        closed, cut = set(down_nodes), set(down_links)
        repairs = self._repairs(roots, closed, cut)
        dark = {node for node, count in repairs.items() if count and node not in closed}
        answer: dict[N, set[N | L]] = {}
        while dark:
            part = self.reachable([next(iter(dark))], down_nodes=closed, down_links=cut)
            dark -= part
            found: set[N | L] = set()
            for node in part:
                for beyond, link in self._beside[node]:
                    if link in cut:
                        if repairs[beyond] + 1 == repairs[node]:
                            found.add(link)
                    elif beyond in closed and repairs[beyond] == repairs[node]:
                        found.add(beyond)
            answer |= dict.fromkeys(part, found)
        return answer

    def _repairs(self, roots: Iterable[N], closed: set[N], cut: set[L]) -> dict[N, int]:
        """Return how many failures must be mended, its own among them, for a root to reach each."""
        least = {root: int(root in closed) for root in roots if root in self._beside}
        pending: dict[int, list[N]] = {}
        for node, count in least.items():
            pending.setdefault(count, []).append(node)
        while pending:
            count = min(pending)
            stack = pending.pop(count)
            while stack:
                node = stack.pop()
                if least[node] < count:
                    continue  # a shorter way was found meanwhile
                for beyond, link in self._beside[node]:
                    needed = count + (beyond in closed) + (link in cut)
                    if needed < least.get(beyond, needed + 1):
                        least[beyond] = needed
                        (stack if needed == count else pending.setdefault(needed, [])).append(
                            beyond
                        )
        return least

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

"""Walks through who-waits-for-whom, without recursion: chains can be as long as there are sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Links = Mapping[int, Sequence[int]]
"""For each node the nodes that it waits for; every node is a key."""


def components(links: Links) -> list[tuple[int, ...]]:
    """Groups of nodes that wait for each other in a circle (most hold one node), blockers before waiters.

    Tarjan's algorithm.
    """
    found: list[tuple[int, ...]] = []
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for start in links:
        if start in index:
            continue
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        walk = [(start, iter(links[start]))]
        while walk:
            node, rest = walk[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    walk.append((other, iter(links[other])))
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[node])
                if low[node] == index[node]:
                    at = _position(stack, node)
                    group = stack[at:]
                    del stack[at:]
                    on_stack.difference_update(group)
                    found.append(tuple(sorted(group)))
    return found


def _position(stack: list[int], node: int) -> int:
    at = len(stack) - 1
    while stack[at] != node:
        at -= 1
    return at


class Reach:
    """Which nodes are reached from which, as bits of whole numbers: hundreds of sessions stay cheap."""

    def __init__(self, links: Links, groups: Iterable[tuple[int, ...]]) -> None:
        """`groups` as `components` gives them."""
        self._bit = {node: 1 << place for place, node in enumerate(links)}
        self._nodes = list(links)
        groups = list(groups)
        self._up: dict[int, int] = {}
        down = dict.fromkeys(links, 0)
        for group in groups:
            own = self._sum(group)
            up = 0
            for node in group:
                for other in links[node]:
                    if not self._bit[other] & own:
                        up |= self._up[other] | self._bit[other]
            if len(group) > 1:
                up |= own
            for node in group:
                self._up[node] = up
        for group in reversed(groups):
            below = 0
            for node in group:
                below |= down[node]
            if len(group) > 1:
                below |= self._sum(group)
            for node in group:
                down[node] = below
            reached = below | self._sum(group)
            for node in group:
                for other in links[node]:
                    down[other] |= reached
        self._down = down

    def _sum(self, group: Iterable[int]) -> int:
        total = 0
        for node in group:
            total |= self._bit[node]
        return total

    def behind(self, node: int) -> int:
        """How many other nodes wait for this one, at however many removes; each counts once."""
        return (self._down[node] & ~self._bit[node]).bit_count()

    def above(self, node: int, among: int) -> tuple[int, ...]:
        """Of the nodes in `among` (see `mask`), those that this one waits for, at however many removes."""
        bits = self._up[node] & among
        found = []
        while bits:
            lowest = bits & -bits
            found.append(self._nodes[lowest.bit_length() - 1])
            bits ^= lowest
        return tuple(found)

    def mask(self, nodes: Iterable[int]) -> int:
        """The nodes as bits, for `above`."""
        return self._sum(nodes)

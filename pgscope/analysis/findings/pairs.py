"""The search for parent and child among thousands of statements: pruned first, then fitted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pgscope.analysis.findings.conservation import EXACT, EXACT_ALONE, WINDOWS, Verdict, judge
from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.regression import centred, dot
from pgscope.analysis.findings.relation import Relationship, Schema
from pgscope.analysis.findings.series import Group
from pgscope.analysis.shape import Shape
from pgscope.dataclass import dataclass

FEWEST_CALLS = 8
"""Child calls in the windows kept below which nothing is tested."""
MOST_UNTIED = 1500
"""Pairs without a foreign key that are looked at in one window; the search goes on with the others."""
MOST_CHILDREN = 300
PROMISING = 0.72
"""Square of the correlation below which a pair without a foreign key is not fitted."""


@dataclass(frozen=True)
class Pair:
    """A child whose calls follow a parent's rows."""

    child: Group
    parent: Group
    tie: Relationship | None
    verdict: Verdict
    applications: tuple[str, ...]
    first: int
    """The window from which on both are compared."""

    @property
    def score(self) -> float:
        """To choose among parents of one child."""
        tie = {"collection": 3.0, "reference": 3.0, "reload": 1.5}.get(self.tie.kind if self.tie else "", 0.0)
        return self.verdict.score + tie


@dataclass
class _Parents:
    """Possible parents of one database and role."""

    groups: list[Group]
    by_table: dict[str, list[Group]]


class PairSearch:
    """Finds pairs window by window; remembers only where the untied search stopped."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._resume = 0

    def find(self, incumbents: set[tuple[int, int]]) -> list[Pair]:
        """Pairs that hold now. `incumbents` are those found before, as ids of child and parent group:
        where two parents explain a child about equally well, the one shown stays."""
        parents = self._parents()
        children = sorted(self._children(parents), key=lambda group: -group.calls)[:MOST_CHILDREN]
        found: list[Pair] = []
        untied: list[Group] = []
        for child in children:
            schema = self._context.schemas.get(child.dbid)
            near = parents[child.dbid, child.userid]
            tied = list(self._tied(child, schema, near)) if schema is not None else []
            pairs = [pair for pair in tied if pair.verdict.kind != "cached" or pair.verdict.strong]
            best = self._best(pairs or tied, incumbents)
            if best is not None:
                found.append(best)
            if best is None or best.tie is None or best.tie.kind == "reload":
                untied.append(child)
            if schema is not None and (best is None or best.verdict.fit.intercept > 0):
                found += self._several(child, schema, near, best)
        have = {id(pair.child): pair for pair in found}
        for pair in self._untied(untied, parents, incumbents):
            before = have.get(id(pair.child))
            if before is None:
                found.append(pair)
        return found

    def _parents(self) -> dict[tuple[int, int], _Parents]:
        parents: dict[tuple[int, int], _Parents] = defaultdict(lambda: _Parents([], defaultdict(list)))
        for group in self._context.series.active():
            if group.rows >= 2 * group.calls and group.shape.lists_rows:
                near = parents[group.dbid, group.userid]
                near.groups.append(group)
                for table in {relation.table for relation in group.shape.relations}:
                    near.by_table[table].append(group)
        return parents

    def _children(self, parents: dict[tuple[int, int], _Parents]) -> Iterator[Group]:
        for group in self._context.series.active():
            if group.calls >= FEWEST_CALLS and (group.dbid, group.userid) in parents:
                shape: Shape = group.shape
                if shape.looks_up or shape.writes_one:
                    yield group

    def _tied(self, child: Group, schema: Schema, near: _Parents) -> Iterator[Pair]:
        for parent, tie in self._candidates(child, schema, near):
            pair = self.test(child, parent, tie)
            if pair is not None:
                yield pair

    def _candidates(
        self, child: Group, schema: Schema, near: _Parents
    ) -> Iterator[tuple[Group, Relationship]]:
        seen: set[int] = set()
        for table in schema.sources(child.shape):
            for parent in near.by_table.get(table, ()):
                if parent is child or id(parent) in seen or child.calls < 2 * parent.calls:
                    continue
                seen.add(id(parent))
                tie = schema.relationship(child.shape, parent.shape)
                if tie is not None:
                    yield parent, tie

    def test(
        self,
        child: Group,
        parent: Group,
        tie: Relationship | None,
        explained: Sequence[tuple[Group, int]] = (),
    ) -> Pair | None:
        """The pair, if row conservation holds for the child calls that are not explained already."""
        series = self._context.series
        first = self._first(child, parent)
        last = max(child.last, parent.last)
        if last - first + 1 < (EXACT if tie is not None else EXACT_ALONE):
            return None
        calls, rows = parent.spread(first, last)
        asked, _ = child.spread(first, last)
        for other, per_row in explained:
            _, theirs = other.spread(first, last)
            asked = [mine - per_row * row for mine, row in zip(asked, theirs, strict=True)]
        verdict = judge(rows, calls, asked, tie, begins=first > 0 and first in (child.first, parent.first))
        if verdict is None or last < series.newest - WINDOWS:
            return None
        applications = self._context.together(child, parent)
        if applications is None:
            return None
        if not applications and tie is None:
            applications = self._context.sole(parent) or self._context.sole(child)
            if not applications:
                return None
        if not applications and verdict.kind == "constant":
            verdict = replace(verdict, needs_run=True)
        return Pair(child, parent, tie, verdict, applications, first)

    def _first(self, child: Group, parent: Group) -> int:
        """The first window in which both were at work, perhaps for a part of it only."""
        return max(child.first, parent.first, self._context.series.oldest)

    def _best(self, pairs: list[Pair], incumbents: set[tuple[int, int]]) -> Pair | None:
        def worth(pair: Pair) -> float:
            return pair.score + (0.5 if (id(pair.child), id(pair.parent)) in incumbents else 0.0)

        return max(pairs, key=worth, default=None)

    def _several(self, child: Group, schema: Schema, near: _Parents, best: Pair | None) -> list[Pair]:
        """A child that several pages walk into: each parent is tested on what the others leave."""
        candidates = [
            (parent, tie)
            for parent, tie in self._candidates(child, schema, near)
            if tie.kind != "reload" and child.calls >= 0.8 * parent.rows
        ][:5]
        if best is not None:
            explained = [(best.parent, best.verdict.per_row)]
            if best.verdict.per_row == 0:
                return []
            rest = [self.test(child, p, tie, explained) for p, tie in candidates if p is not best.parent]
            return [pair for pair in rest if pair is not None and pair.verdict.kind == "rows"]
        for one, tie in candidates:
            for other, other_tie in candidates:
                if one is other:
                    continue
                first = self.test(child, one, tie, [(other, 1)])
                second = self.test(child, other, other_tie, [(one, 1)])
                if (
                    first is not None
                    and second is not None
                    and first.verdict.strong
                    and second.verdict.strong
                ):
                    return [first, second]
        return []

    def _untied(
        self,
        children: list[Group],
        parents: dict[tuple[int, int], _Parents],
        incumbents: set[tuple[int, int]],
    ) -> Iterator[Pair]:
        """Pairs that only row conservation and the application tie together."""
        series = self._context.series
        oldest, newest = series.oldest, series.newest
        if newest - oldest + 1 < EXACT_ALONE or not children:
            return
        vectors: dict[int, tuple[list[float], list[float], float]] = {}

        def vector(group: Group, which: int) -> tuple[list[float], list[float], float]:
            known = vectors.get(id(group))
            if known is None:
                raw = group.spread(oldest, newest)[which]
                values = centred(raw)
                known = vectors[id(group)] = (raw, values, dot(values, values))
            return known

        budget = MOST_UNTIED
        start = self._resume % len(children)
        for place in range(len(children)):
            child = children[(start + place) % len(children)]
            near = [
                parent
                for parent in parents[child.dbid, child.userid].groups
                if parent is not child
                and child.calls >= 2 * parent.calls
                and 0.8 * parent.rows <= child.calls <= 6 * parent.rows
            ]
            budget -= len(near)
            if budget < 0 and place > 0:
                self._resume = start + place
                return
            raw, asked, square = vector(child, 0)
            pairs = []
            for parent in near:
                returned, rows, size = vector(parent, 1)
                product = dot(asked, rows)
                alike = product > 0 and product * product >= PROMISING * square * size > 0
                if alike or _meet(raw, returned) >= EXACT:
                    pair = self.test(child, parent, None)
                    if pair is not None:
                        pairs.append(pair)
            best = self._best(pairs, incumbents)
            if best is not None:
                yield best
        self._resume = 0


def _meet(calls: list[float], rows: list[float]) -> int:
    """In how many windows calls and rows are the same, and not zero."""
    return sum(1 for call, row in zip(calls, rows, strict=True) if call == row and call)

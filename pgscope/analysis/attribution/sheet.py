"""One partition's balance sheet: from sums of groups and statements to the shares of each statement."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple, TypeAlias

from pgscope.analysis.attribution.balance import Balance
from pgscope.analysis.attribution.groups import FORGOTTEN, Group, GroupKey, Groups
from pgscope.analysis.attribution.prepares import Counted, ways
from pgscope.analysis.attribution.shares import Share, normalised, unattributed
from pgscope.analysis.attribution.tally import Seen
from pgscope.dataclass import dataclass

_UNSEEN = (unattributed("no session was seen running it"),)
_OF_OTHERS = "it was run by applications of which there were too many to remember"
_Z = 1.96
"""Half-width of a 95% interval in standard deviations."""
_MOST_SESSIONS = 5_000
"""Sessions that count as work: the whole watch may have seen any number."""
_MOST_ROWS = 120
"""Rows beyond this are those of the least active groups, and are left out to keep the cost bounded."""
_PIPELINE_SPREAD = 1.0
"""Statements of a pipeline follow each other faster than they can be seen."""
_OVERLOOKED = 0.3
"""Part of what was counted of a group (transactions, buffers) by which the statements that it was seen to run
may fail to account for it, where looks had hardly a chance to find it at work."""
_TOO_MUCH = 2.0
"""How many times the buffers of its dearest statement a transaction visits where it holds several."""
_WORKERS = 1.1
"""How many times what its sessions visited a group's own statements may have: beyond that they had parallel
workers that no poll saw, and the sessions' buffers say nothing of the rest."""
_MOST_OWN = 0.6
"""Part of a group's transactions that its own statements are, where it does not prepare each of them."""
_POOL_SPREAD = 0.3
"""Of a pool, what is seen between two requests is the last statement of one, under its name."""

Label: TypeAlias = "tuple[GroupKey | None, int | str]"
"""What names a cell from one solution to the next."""


class Total(NamedTuple):
    """What is known of a statement's calls in the stretch of time."""

    calls: float
    buffers: float
    seconds: float = 0.0
    """Time it took."""

    def plus(self, other: Total | None) -> Total:
        """Both together."""
        return self if other is None else Total(*(a + b for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Circumstances:
    """What, besides sums, the answer depends on."""

    looks: int
    seconds: float
    controls: tuple[Collection[int], Collection[int]]
    """query_ids that begin, and that end, transactions."""
    names: Collection[str]
    """Applications ever seen in this partition."""
    names_of: Mapping[int, Collection[str]]
    """Applications ever seen for a query_id of this partition."""
    short_lived: bool
    """Whether sessions come and go too quickly to see all of them."""
    roles: Collection[int] = ()
    """query_ids that sessions of other users were seen running too, under a role taken by SET ROLE."""


class _Column(NamedTuple):
    calls: float
    cells: dict[GroupKey, int]
    rest: int
    """The cell of what nobody was seen for."""


class Sheet:
    """Solves once when made; then `shares` of each statement.

    The search begins at the solution of the sheet `before`, if one is given.
    """

    def __init__(
        self,
        totals: Mapping[int, Total],
        groups: Groups,
        circumstances: Circumstances,
        before: Sheet | None = None,
    ) -> None:
        self._totals = totals
        self._groups = groups
        self._about = circumstances
        self._sessions = min(sum(group.sessions for group in groups.values()), _MOST_SESSIONS)
        self._balance = Balance()
        self._columns: dict[int, _Column] = {}
        self._fixed: dict[int, GroupKey] = {}
        self._fixed_seconds: dict[GroupKey, float] = {}
        """What each group took for statements that are its alone."""
        self._by_group: dict[GroupKey, dict[int, int]] = {}
        self._labels: dict[Label, tuple[int, float]] = {}
        self._too_many = 0.0
        """Part of the transactions counted that may be no calls, and nobody can tell whose."""
        self._ways: dict[GroupKey, int] = {}
        """How many transactions each call of a group is, where that was found out."""
        self._told: dict[int, tuple[Share, ...]] = {}
        self._told_by_buffers: set[GroupKey] = set()
        self._before = before.solution() if before is not None else {}
        self._fill()
        self.steps = self._balance.solve() if self._balance.columns else 0

    def solution(self) -> dict[Label, float]:
        """The cells' values, as parts of their columns' or rows' amounts."""
        cells = self._balance.cells
        return {label: cells[i].value / scale for label, (i, scale) in self._labels.items() if scale > 0}

    @property
    def cost(self) -> int:
        """About how much work it was to make and to solve: sessions summed up, and cells times steps.

        A thousand sessions change their sums so little from tick to tick that they count double.
        """
        return 2 * self._sessions + len(self._balance.cells) * self.steps

    def has(self, query_id: int) -> bool:
        """Whether the statement did something when this was made."""
        return query_id in self._totals

    def _cell(self, label: Label, scale: float, guess: float, spread: float, column: int = -1) -> int:
        index = self._balance.cell(guess, spread, column, self._before.get(label, 0.0) * scale)
        self._labels[label] = (index, scale)
        return index

    def shares(self, query_id: int) -> tuple[Share, ...]:
        """The shares of a statement of this partition; found out when first asked for."""
        told = self._told.get(query_id)
        if told is None:
            told = self._shares(query_id)
            # Most statements of a server were not seen: those are not worth to be remembered.
            if told is not _UNSEEN:
                self._told[query_id] = told
        return told

    def _shares(self, query_id: int) -> tuple[Share, ...]:
        if query_id in self._fixed:
            return (self._only(query_id, self._fixed[query_id].application_name),)
        if query_id not in self._columns:
            return _UNSEEN
        names = {key.application_name for key in self._columns[query_id].cells}
        if query_id not in self._about.roles and len(names | {*self._about.names_of.get(query_id, ())}) == 1:
            return (self._only(query_id, names.pop()),)
        return self._split(query_id)

    # Filling in

    def _find_prepares(self) -> None:
        groups = {key: self._groups[key] for key in self._by_group}
        if not all(key.counted and key.habit == "autocommit" for key in groups):
            return
        counted = {
            key: Counted(
                group.transactions.amount, group.transactions.variance, self._fixed_sum(key, self._fixed)
            )
            for key, group in groups.items()
        }
        calls = sum(column.calls for column in self._columns.values())
        calls += sum(group.own for group in counted.values())
        self._ways, self._too_many = ways(counted, calls, self._unseen_calls())

    def _fill(self) -> None:
        implied, begun = self._implied(), self._begun()
        for query_id, total in self._totals.items():
            if total.calls <= 0:
                continue
            seen = {
                key: group.seen[query_id] for key, group in self._groups.items() if query_id in group.seen
            }
            if query_id in begun:
                seen = begun[query_id] | seen
            known = implied.get(query_id, {})
            if len(seen) == 1 and not known and query_id not in self._about.roles:
                self._fixed[query_id] = owner = next(iter(seen))
                self._fixed_seconds[owner] = self._fixed_seconds.get(owner, 0.0) + total.seconds
            elif seen or known:
                self._add_column(query_id, total, seen, known)
        self._find_prepares()
        order = sorted(self._groups, key=lambda key: -self._groups[key].transactions.amount)
        for key in order:
            if len(self._balance.rows) < _MOST_ROWS and key in self._by_group:
                self._add_rows(key, self._groups[key])

    def _implied(self) -> dict[int, dict[GroupKey, float]]:
        """Calls of BEGIN and COMMIT by groups that work in transactions, whose number was counted.

        They are too short to be seen reliably, and in some protocols never are.
        """
        found: dict[int, dict[GroupKey, float]] = {}
        for controls in self._about.controls:
            present = {
                query_id: self._totals[query_id].calls for query_id in controls if query_id in self._totals
            }
            whole = sum(present.values())
            for key, group in self._groups.items():
                if key.habit == "transactions" and whole > 0:
                    for query_id, calls in present.items():
                        amount = group.transactions.amount * calls / whole
                        found.setdefault(query_id, {})[key] = amount
        return found

    def _begun(self) -> dict[int, dict[GroupKey, Seen]]:
        """BEGIN by groups whose transactions were not all counted: as often as they were seen to end one.

        It is over in no time, and looked at rarely it is never seen, but the COMMIT of an idle session is.
        Only where there is one BEGIN.
        """
        begins, ends = self._about.controls
        there = [query_id for query_id in begins if query_id in self._totals]
        if len(there) != 1:
            return {}
        found = {}
        for key, group in self._groups.items():
            seen = next((group.seen[one] for one in ends if one in group.seen), None)
            if seen is not None and key.habit != "transactions":
                found[key] = seen
        return {there[0]: found}

    def _add_column(
        self,
        query_id: int,
        total: Total,
        seen: Mapping[GroupKey, Seen],
        implied: Mapping[GroupKey, float],
    ) -> None:
        balance = self._balance
        column = balance.column(total.calls)
        lasting = total.seconds / total.calls
        rates = {key: one.rate(lasting) for key, one in seen.items() if key not in implied}
        whole = sum(rate for rate, _ in rates.values())
        left = max(total.calls - sum(implied.values()), 0.05 * total.calls)
        guesses = {
            key: (left * rate / whole, spread + self._more_spread(key))
            for key, (rate, spread) in rates.items()
        }
        guesses |= {key: (amount, 0.3) for key, amount in implied.items()}
        cells = {}
        for key, (guess, spread) in guesses.items():
            cells[key] = self._cell((key, query_id), total.calls, guess, spread, column)
            self._by_group.setdefault(key, {})[query_id] = cells[key]
        executions = sum(one.executions for one in seen.values())
        others = 0.5 if query_id in self._about.roles else 0.3 / (executions + 10.0)
        rest = self._cell((None, query_id), total.calls, total.calls * others, 2.0, column)
        self._columns[query_id] = _Column(total.calls, cells, rest)

    def _more_spread(self, key: GroupKey) -> float:
        if self._groups[key].pipelines:
            return _PIPELINE_SPREAD
        return 0.0 if key.counted else _POOL_SPREAD

    def _add_rows(self, key: GroupKey, group: Group) -> None:
        if key.counted and group.transactions.amount > 0:
            self._add_transactions(key, group)
        if group.buffers_known and group.buffers.amount > 0:
            self._add_buffers(key, group)

    def _add_transactions(self, key: GroupKey, group: Group) -> None:
        """In autocommit each statement is a transaction; otherwise each transaction has one end."""
        way = self._ways.get(key, 1)
        amount = group.transactions.amount / way
        sd = math.sqrt(group.transactions.variance / way**2 + (0.01 * amount) ** 2 + 4.0)
        cells = self._by_group[key]
        if key.habit == "transactions":
            for part, controls in enumerate(self._about.controls):
                once = {cells[query_id]: 1.0 for query_id in cells if query_id in controls}
                if once:
                    once[self._cell((key, f"control {part}"), amount, 0.01 * amount + 0.5, 2.0)] = 1.0
                    self._balance.row(amount - self._fixed_sum(key, controls), sd, once)
            more = 5.0, 1.2
        elif key.habit == "mixed":
            more = 2.0, 1.5
        elif group.pipelines or self._visits_too_much(group):
            more = 3.0, 1.5
        else:
            more = 0.002, 2.0
        terms = dict.fromkeys(cells.values(), 1.0)
        terms[self._cell((key, "more"), amount, more[0] * amount + 0.5, more[1])] = -1.0
        # A separate prepare, or a statement that was never seen, is a transaction of no column.
        unseen = self._unseen_part() + self._prepared_part(key)
        terms[self._cell((key, "less"), amount, (0.003 + unseen) * amount + 0.5, 2.0)] = 1.0
        sd = math.hypot(sd, self._overlooked(key) * amount)
        self._balance.row(amount - self._fixed_sum(key, self._fixed), sd, terms)

    def _prepared_part(self, key: GroupKey) -> float:
        """The part of a group's transactions that may be prepares: some drivers prepare each call by itself.

        It is nobody's whose own statements are most of its transactions.
        """
        group = self._groups[key]
        if self._fixed_sum(key, self._fixed) > _MOST_OWN * group.transactions.amount:
            return 0.0
        return self._too_many

    def _add_buffers(self, key: GroupKey, group: Group) -> None:
        """The buffers of its statements are the buffers of the session, planning and catalogs apart."""
        amount = group.buffers.amount
        fixed = sum(self._totals[query_id].buffers for query_id, owner in self._fixed.items() if owner == key)
        if fixed > _WORKERS * amount + _Z * math.sqrt(group.buffers.variance):
            return
        terms = {}
        for query_id, cell in self._by_group[key].items():
            total = self._totals[query_id]
            if total.buffers > 0:
                terms[cell] = total.buffers / total.calls
        if not terms:
            return
        unsure = math.hypot(0.02, self._overlooked(key)) * amount
        sd = math.sqrt(group.buffers.variance + unsure**2 + 100.0)
        terms[self._cell((key, "buffers"), amount, 0.01 * amount + 1.0, 1.5)] = 1.0
        self._balance.row(amount - fixed, sd, terms)
        self._told_by_buffers.add(key)

    def _overlooked(self, key: GroupKey) -> float:
        """The part of what was counted that may be of statements which the group was not seen to run.

        An idle session shows what it ran last; all else is seen only while it works. The fewer looks can have
        found it at work, by how long the statements take that it was seen to run, the more there may be.
        """
        working = self._fixed_seconds.get(key, 0.0)
        for query_id, cell in self._by_group[key].items():
            total = self._totals[query_id]
            working += self._balance.cells[cell].guess * total.seconds / total.calls
        found = working * self._about.looks / max(self._about.seconds, 1e-3)
        return _OVERLOOKED / (1.0 + found)

    def _visits_too_much(self, group: Group) -> bool:
        """Whether one statement for each transaction cannot account for the buffers visited."""
        if not group.buffers_known:
            return False
        each = [
            total.buffers / total.calls
            for query_id in group.seen
            if (total := self._totals.get(query_id)) is not None and total.calls > 0
        ]
        return group.buffers.amount > _TOO_MUCH * group.transactions.amount * max([1.0, *each])

    def _fixed_sum(self, key: GroupKey, wanted: Collection[int]) -> float:
        return sum(
            self._totals[query_id].calls
            for query_id, owner in self._fixed.items()
            if owner == key and query_id in wanted
        )

    def _unseen_calls(self) -> float:
        return sum(
            total.calls
            for query_id, total in self._totals.items()
            if query_id not in self._fixed and query_id not in self._columns
        )

    def _unseen_part(self) -> float:
        whole = sum(total.calls for total in self._totals.values())
        return self._unseen_calls() / whole if whole > 0 else 0.0

    # Reading off

    def _only(self, query_id: int, name: str) -> Share:
        """A statement that one application only was seen running."""
        if name == FORGOTTEN:
            return unattributed(_OF_OTHERS)
        executions = self._executions(query_id, name)
        others = [other for other in self._about.names if other != name]
        if not others and not self._about.short_lived:
            basis = "no other application was seen with this user and database"
            return Share(name, 1.0, 1.0, 1.0, executions, "exact", (basis,))
        # Another one that ran this much of it would have been seen, 19 times of 20.
        unseen = 1.0 - 0.05 ** (1.0 / max(executions, 1) ** 0.8) if executions else 1.0
        basis = f"no other application was seen running it, in {executions} executions seen"
        if not executions:
            basis = "it is too short to be seen, but no other application was seen to work in transactions"
        low = 1.0 - unseen
        return Share(name, 1.0, low, 1.0, executions, "exact" if low >= 0.9 else "sampled", (basis,))

    def _split(self, query_id: int) -> tuple[Share, ...]:
        column = self._columns[query_id]
        by_name: dict[str | None, list[int]] = {}
        nobodys = [column.rest]
        counted: dict[str | None, set[str]] = {}
        for key, cell in column.cells.items():
            if key.application_name == FORGOTTEN:
                nobodys.append(cell)
                continue
            by_name.setdefault(key.application_name, []).append(cell)
            if key.counted:
                counted.setdefault(key.application_name, set()).add("transactions")
            if key in self._told_by_buffers:
                counted.setdefault(key.application_name, set()).add("buffers")
        by_name[None] = nobodys
        shares = []
        for name, cells in by_name.items():
            part = sum(self._balance.cells[i].value for i in cells) / column.calls
            if name is None and part < 0.005:
                continue
            deviation = self._balance.deviation(cells) / column.calls
            prior = self._balance.deviation_unmeasured(cells) / column.calls
            low, high = _interval(part, math.hypot(deviation, 0.002))
            if name is None:
                basis = "more calls than the applications seen can account for"
                if query_id in self._about.roles:
                    basis = "sessions of another user were seen running it too (SET ROLE)"
                elif len(nobodys) > 1:
                    basis = _OF_OTHERS
                shares.append(Share(None, part, low, high, 0, "unattributed", (basis,)))
                continue
            measured = deviation < 0.5 * prior and high - low < 0.25
            shares.append(
                Share(
                    name,
                    part,
                    low,
                    high,
                    self._executions(query_id, name),
                    "measured" if measured else "sampled",
                    _basis(counted.get(name, set()), measured),
                )
            )
        return normalised(shares)

    def _executions(self, query_id: int, name: str) -> int:
        return sum(
            group.seen[query_id].executions
            for key, group in self._groups.items()
            if key.application_name == name and query_id in group.seen
        )


def _interval(part: float, deviation: float) -> tuple[float, float]:
    """Bounds of a share, found on the logit scale, where they cannot leave 0 to 1."""
    inside = min(max(part, 1e-4), 1.0 - 1e-4)
    wide = min(_Z * deviation / (inside * (1.0 - inside)), 8.0)
    centre = math.log(inside / (1.0 - inside))
    return min(part, _logistic(centre - wide)), max(part, _logistic(centre + wide))


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


def _basis(counted: set[str], measured: bool) -> tuple[str, ...]:
    lines = []
    if "transactions" in counted:
        lines.append("its sessions' transactions were counted (virtualxid)")
    if "buffers" in counted:
        lines.append("its sessions' buffers were counted (pg_stat_get_backend_io)")
    if not measured:
        lines.append("what was counted does not tell it apart: estimated from sightings")
    return tuple(lines)

"""The rows of statements: what each did in the last interval, or since its counters began."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, overload

from pgscope.analysis.attribution import Share
from pgscope.analysis.counters import Counts
from pgscope.analysis.filter import Getters
from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.statements import StatementRow
from pgscope.report import numbers
from pgscope.sample import StatementKey
from pgscope.text import one_line
from pgscope.tui.glyphs import Signs
from pgscope.tui.rows.applications import FINDING_WORDS, name_of
from pgscope.tui.rows.kept import as_made
from pgscope.tui.rows.sessions import LONGEST_LINE
from pgscope.tui.table import Cell, Column, Row

UNATTRIBUTED = "(unattributed)"
_NOTHING: Mapping[StatementKey, str] = {}


def columns(since_start: bool) -> tuple[Column, ...]:
    """The columns: rates of the last interval, or sums since the counters began."""
    each = "" if since_start else "/s"
    when = "since its counters began" if since_start else "in the last interval"
    return (
        Column("share", "time%", width=6, justify="right", priority=96, tooltip=f"Share of all time {when}"),
        Column("calls", f"calls{each}", width=7, justify="right", priority=95, tooltip=f"Calls {when}"),
        Column("mean", "mean", width=6, justify="right", priority=85, tooltip=f"Mean time of a call {when}"),
        Column(
            "rows",
            "rows/c",
            width=6,
            justify="right",
            priority=80,
            tooltip=f"Rows of a call on average {when}",
        ),
        Column(
            "time", f"time{each}", width=6, justify="right", priority=40, tooltip=f"Execution time {when}"
        ),
        Column(
            "hit",
            "hit",
            width=5,
            justify="right",
            priority=60,
            tooltip=f"Part of its blocks that were found in shared buffers {when}",
        ),
        Column(
            "read",
            f"read{each}",
            width=6,
            justify="right",
            priority=35,
            tooltip=f"Read into shared buffers {when}",
        ),
        Column(
            "temp",
            f"temp{each}",
            width=6,
            justify="right",
            priority=55,
            tooltip=f"Temporary files, read and written {when}",
        ),
        Column("max", "max", width=6, justify="right", priority=10, tooltip="The longest call ever"),
        Column(
            "app",
            "application",
            min_width=13,
            max_width=30,
            weight=1,
            priority=75,
            tooltip="Who runs it: its part, and how that is known",
        ),
        Column("basis", "known", width=12, priority=20, tooltip="exact, measured, sampled or unattributed"),
        Column("db", "database", min_width=8, max_width=16, weight=0.3, priority=15),
        Column("user", "user", min_width=8, max_width=16, weight=0.3, priority=14),
        Column("query", "statement", min_width=26, weight=6, priority=97),
    )


def text_of(row: StatementRow) -> str:
    """The start of its text, or its number while the text is not known."""
    return row.start or f"(text not read yet, queryid {row.key.queryid})"


def flags(snapshot: Snapshot) -> dict[StatementKey, str]:
    """Words for what was found about statements, by their entries; of N+1 it is the child."""
    words: dict[StatementKey, list[str]] = {}
    for finding in snapshot.findings:
        if finding.statement is not None and not finding.ended:
            word = FINDING_WORDS.get(finding.kind, finding.kind)
            for key in finding.statement.keys:
                found = words.setdefault(key, [])
                if word not in found:
                    found.append(word)
    return {key: ", ".join(found) for key, found in words.items()}


def getters(since_start: bool, found: Mapping[StatementKey, str] = _NOTHING) -> Getters[StatementRow]:
    """How a filter asks statements; `found` are their flags."""

    def counts(row: StatementRow) -> Counts:
        return row.total if since_start else row.rates

    return {
        "": lambda row: (*_names(row), row.user, row.database, str(row.key.queryid), row.query),
        "app": _names,
        "user": lambda row: row.user,
        "db": lambda row: row.database,
        "query": lambda row: row.query,
        "kind": lambda row: found.get(row.key),
        "calls": lambda row: counts(row).calls,
        "rows": lambda row: counts(row).rows,
        "mean": lambda row: _each(counts(row).exec_time, counts(row).calls) or 0.0,
        "time": lambda row: row.share_of_time,
    }


def _names(row: StatementRow) -> tuple[str, ...]:
    return tuple(name_of(share.application_name) for share in row.shares) or (UNATTRIBUTED,)


def _each(amount: float, calls: float) -> float | None:
    return amount / calls if calls > 0 else None


class StatementRows:
    """Makes rows, and keeps those of statements that did not change."""

    def __init__(self, signs: Signs) -> None:
        self._signs = signs
        self._of: list[StatementRow] = []
        self._made: list[Row] = []
        """The rows of those, one each."""
        self._mode: object = None

    def make(
        self,
        statements: Iterable[StatementRow],
        *,
        since_start: bool,
        block_size: int,
        part: Callable[[StatementRow], float] | None = None,
        found: Mapping[StatementKey, str] = _NOTHING,
        members: Collection[object] = frozenset(),
    ) -> list[Row]:
        """A row for each statement, with its flag of those `found`; those among `members`, which stand
        for several, are marked. With `part`, only that part of a statement (0 to 1) is counted.
        """
        chosen = statements if isinstance(statements, list) else list(statements)
        whole = sum(row.total.exec_time for row in chosen) if since_start else 0.0

        def fresh(statement: StatementRow) -> Row:
            factor = 1.0 if part is None else part(statement)
            flag = found.get(statement.key, "")
            row = self._row(statement, since_start, whole, block_size, factor, flag)
            return row._replace(mark="+") if statement.key in members else row

        if part is not None:
            return [fresh(statement) for statement in chosen]
        mode = (since_start, whole, block_size, dict(found), frozenset(members))
        if mode != self._mode:
            self._of, self._made, self._mode = [], [], mode
        made = as_made(self._of, self._made, chosen, fresh)
        self._of, self._made = chosen, made
        return list(made)

    def _row(
        self,
        row: StatementRow,
        since_start: bool,
        whole: float,
        block_size: int,
        factor: float,
        flag: str,
    ) -> Row:
        counts = row.total if since_start else row.rates
        share = (_each(counts.exec_time, whole) or 0.0) if since_start else row.share_of_time
        if factor != 1.0:
            counts, share = counts.times(factor), share * factor
        values = _Values(row, counts, share, block_size, flag, self._signs)
        return Row(
            key=row.key,
            cells=values,
            sort_values=values,
            tone="normal" if counts.calls > 0 else "muted",
        )


class _Values:
    """What a row shows and is sorted by, worked out when asked for: of thousands few come into view.

    Called with the place of a column it gives the value there, without one all cells.
    """

    __slots__ = ("_flag", "_made", "_signs", "block_size", "counts", "row", "share")

    def __init__(
        self, row: StatementRow, counts: Counts, share: float, block_size: int, flag: str, signs: Signs
    ) -> None:
        self.row = row
        self.counts = counts
        self.share = share
        self.block_size = block_size
        self._flag = flag
        self._signs = signs
        self._made: tuple[Cell | str, ...] | None = None

    @overload
    def __call__(self) -> tuple[Cell | str, ...]: ...

    @overload
    def __call__(self, column: int) -> Any: ...

    def __call__(self, column: int | None = None) -> Any:
        if column is not None:
            return _VALUES[column](self)
        if self._made is None:
            self._made = _cells(self.row, self, self._flag, self._signs)
        return self._made


def _busy(value: Callable[[_Values], float]) -> Callable[[_Values], float | None]:
    """The value if the statement was called at all."""
    return lambda of: value(of) if of.counts.calls > 0 else None


_VALUES: tuple[Callable[[_Values], Any], ...] = (
    _busy(lambda of: of.share),
    _busy(lambda of: of.counts.calls),
    lambda of: _each(of.counts.exec_time, of.counts.calls),
    lambda of: _each(of.counts.rows, of.counts.calls),
    _busy(lambda of: of.counts.exec_time),
    lambda of: _each(of.counts.shared_hit, of.counts.shared_hit + of.counts.shared_read),
    _busy(lambda of: of.counts.shared_read * of.block_size),
    _busy(lambda of: (of.counts.temp_read + of.counts.temp_written) * of.block_size),
    lambda of: of.row.max_exec_time,
    lambda of: name_of(of.row.shares[0].application_name if of.row.shares else None).lower(),
    lambda of: basis(of.row.shares),
    lambda of: of.row.database,
    lambda of: of.row.user,
    lambda of: of.row.start[:200],
)


def basis(shares: Sequence[Share]) -> str:
    """How the owners of a statement are known, the weakest word of its shares."""
    words = {share.attribution for share in shares if share.share > 0} or {"unattributed"}
    return next(word for word in ("unattributed", "sampled", "measured", "exact", *words) if word in words)


def owner_text(shares: Sequence[Share], signs: Signs) -> str:
    """The application with the largest part, that part if there are others, and how many they are."""
    named = sorted((one for one in shares if one.share > 0), key=lambda one: -one.share)
    if not named:
        return UNATTRIBUTED
    first = named[0]
    if len(named) == 1 or first.share > 0.9995:
        return name_of(first.application_name)
    about = signs.about if first.attribution == "sampled" else ""
    return f"{about}{first.share * 100:.0f}% {name_of(first.application_name)} +{len(named) - 1}"


def _cells(row: StatementRow, values: _Values, flag: str, signs: Signs) -> tuple[Cell | str, ...]:
    def shown(index: int, form: Callable[[float], str]) -> str:
        value = values(index)
        return form(value) if isinstance(value, (int, float)) else ""

    def amount(index: int) -> str:
        return shown(index, numbers.size) if values(index) else ""

    known = basis(row.shares)
    text = one_line(text_of(row)[:LONGEST_LINE])
    return (
        shown(0, numbers.percent),
        shown(1, numbers.count),
        shown(2, numbers.millis),
        shown(3, numbers.count),
        shown(4, numbers.millis),
        shown(5, numbers.percent),
        amount(6),
        Cell(amount(7), "warn"),
        numbers.millis(row.max_exec_time),
        Cell(owner_text(row.shares, signs), "muted" if known == "unattributed" else "normal"),
        known,
        row.database,
        row.user,
        Cell(f"{signs.finding}{flag} {text}", "warn") if flag else text,
    )

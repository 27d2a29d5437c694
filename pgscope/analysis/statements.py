"""Statements as rows: what each did in the last interval and since its counters began, and for whom."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from functools import cached_property

from pgscope.analysis.activity import OWN_APPLICATION
from pgscope.analysis.attribution import Share
from pgscope.analysis.counters import NOTHING, Counts, Interval, counts_of
from pgscope.analysis.fingerprints import FingerprintBook
from pgscope.dataclass import dataclass
from pgscope.packed import Packed, start_of, unpack
from pgscope.sample import StatementCounters, StatementKey


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One entry of pg_stat_statements: `rates` are per second of the last interval."""

    key: StatementKey
    database: str
    user: str
    packed: Packed
    """Its text, as it is kept."""
    fingerprint: str
    """The same for statements of the same text, whatever their queryid, user or database."""
    rates: Counts
    counted: StatementCounters | Counts
    """Where `total` comes from: of thousands of rows few are asked for it."""
    max_exec_time: float
    """ms."""
    since: float | None
    """Epoch seconds; None if the server does not say."""
    shares: tuple[Share, ...]
    share_of_time: float
    """Its part of the execution time of all but pgscope's statements in the last interval, 0 to 1."""
    own: bool = False
    """Whether pgscope ran it, all of it: told by the mark in its text, or by whose it is."""

    @property
    def total(self) -> Counts:
        """What it did since `since`."""
        return self.counted if isinstance(self.counted, Counts) else counts_of(self.counted)

    @property
    def query(self) -> str:
        """The whole text, '' while it is not known."""
        return unpack(self.packed)

    @property
    def start(self) -> str:
        """The first thousand characters or more of the text: what is asked for of thousands of rows."""
        return start_of(self.packed, 1000)

    @property
    def mean_ms(self) -> float:
        """Mean execution time of a call in the last interval, or since the counters began if it was idle."""
        counts = self.rates if self.rates.calls > 0 else self.total
        return counts.exec_time / counts.calls if counts.calls else 0.0

    @property
    def rows_per_call(self) -> float:
        """Mean rows of a call in the last interval, or since the counters began if it was idle."""
        counts = self.rates if self.rates.calls > 0 else self.total
        return counts.rows / counts.calls if counts.calls else 0.0


@dataclass(frozen=True)
class Known:
    """Names and texts known so far."""

    users: Mapping[int, str]
    databases: Mapping[int, str]
    texts: FingerprintBook

    def user(self, oid: int) -> str:
        """The role's name, or its number."""
        return self.users.get(oid, str(oid))

    def database(self, oid: int) -> str:
        """The database's name, or its number."""
        return self.databases.get(oid, str(oid))

    def packed(self, key: StatementKey) -> Packed:
        """The normalised text as it is kept."""
        return self.texts.packed(key)

    def query(self, key: StatementKey) -> str:
        """The normalised text, '' while it is not known."""
        return self.texts.text(key)


class Statements(Mapping[StatementKey, StatementRow]):
    """The rows of a moment, worked out when somebody asks for one: many screens show none."""

    def __init__(
        self,
        make: Callable[[], Mapping[StatementKey, StatementRow]],
        make_working: Callable[[], Sequence[StatementRow]] | None = None,
    ) -> None:
        """`make` gives all rows, `make_working` those of them that have rates, where that takes less.

        Both give those of the moment in which they are called; each is called once at the most.
        """
        self._make: Callable[[], Mapping[StatementKey, StatementRow]] | None = make
        self._make_working = make_working
        self._working: tuple[StatementRow, ...] | None = None

    @cached_property
    def rows(self) -> Mapping[StatementKey, StatementRow]:
        """The rows; the same object in all snapshots up to the next interval."""
        assert self._make is not None
        rows, self._make = self._make(), None
        # What was told of those that work may be of a moment before: all is of one.
        self._make_working, self._working = None, None
        return rows

    @property
    def working(self) -> tuple[StatementRow, ...]:
        """The rows of those that did something in the last interval."""
        if self._working is None:
            if self._make_working is not None:
                make, self._make_working = self._make_working, None
                self._working = tuple(make())
            else:
                self._working = tuple(row for row in self.rows.values() if row.rates is not NOTHING)
        return self._working

    def __getitem__(self, key: StatementKey) -> StatementRow:
        return self.rows[key]

    def __iter__(self) -> Iterator[StatementKey]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    # By way of the rows themselves: those of Mapping look each key up.

    def keys(self) -> KeysView[StatementKey]:
        return self.rows.keys()

    def values(self) -> ValuesView[StatementRow]:
        return self.rows.values()

    def items(self) -> ItemsView[StatementKey, StatementRow]:
        return self.rows.items()


class StatementTable:
    """A row for each entry; those of entries that did nothing stay the objects they are."""

    def __init__(self) -> None:
        self._rows: dict[StatementKey, StatementRow] = {}
        self._arranged: int | None = None
        self._moving: set[StatementKey] = set()
        """Rows with rates, which say something else next time, whatever their counters do."""
        self._textless: set[StatementKey] = set()
        self._learned = -1
        self._named: tuple[Mapping[int, str], Mapping[int, str]] = ({}, {})
        """The names of users and databases that rows were made with."""
        self._working: dict[StatementKey, StatementRow] = {}
        """Rows with rates of the interval that rows were made of last."""
        self._working_in: Interval | None = None

    @property
    def made(self) -> bool:
        """Whether rows of all entries were ever asked for; until then none is kept of those without rates."""
        return self._arranged is not None

    def working(
        self,
        entries: Mapping[StatementKey, StatementCounters],
        interval: Interval,
        known: Known,
        shares: Callable[[StatementKey], Sequence[Share]],
    ) -> Sequence[StatementRow]:
        """The rows of an interval that have rates: the same objects that `update` gives for it.

        Of thousands of entries a few dozen work, and most screens ask for no others.
        """
        if interval.seconds <= 0:
            return ()
        if self._working_in is not interval:
            time, per_second = _time_of(interval, known), 1.0 / interval.seconds
            self._working_in = interval
            self._working = {
                key: _row(key, entry, delta, per_second, time, known, tuple(shares(key)))
                for key, delta in interval.deltas.items()
                if (entry := entries.get(key)) is not None
            }
        return tuple(self._working.values())

    def update(
        self,
        entries: Mapping[StatementKey, StatementCounters],
        arranged: int,
        touched: Iterable[StatementKey],
        interval: Interval,
        known: Known,
        shares: Callable[[StatementKey], Sequence[Share]],
    ) -> dict[StatementKey, StatementRow]:
        """The rows as of an interval; `touched` are the entries whose counters may be others than last time.

        `arranged` is the same number as last time where the entries are the same, in the same order.
        """
        time = _time_of(interval, known)
        per_second = 1.0 / interval.seconds if interval.seconds > 0 else 0.0
        working = self._working if self._working_in is interval else {}
        before, deltas = self._rows, interval.deltas
        made, due = dict(before), {*touched, *self._moving}
        self._moving = set()
        if known.texts.learned != self._learned:
            self._learned = known.texts.learned
            due.update(key for key in self._textless if known.packed(key))
        if self._named[0] is not known.users or self._named[1] is not known.databases:
            self._named = (known.users, known.databases)
            due.update(key for key, row in before.items() if not _is_named(row, known))
        moved, self._arranged = arranged != self._arranged, arranged
        if moved:
            self._textless.intersection_update(entries)
            due.intersection_update(entries)
            due |= entries.keys() - made.keys()
        for key in due:
            entry, old, delta = entries[key], before.get(key), deltas.get(key)
            if old is None or delta is not None or not _is_current(old, entry, known):
                made[key] = working.get(key) or _row(
                    key, entry, delta, per_second, time, known, tuple(shares(key))
                )
            if made[key].rates is not NOTHING:
                self._moving.add(key)
            (self._textless.discard if made[key].packed else self._textless.add)(key)
        if not self._textless:
            # What was emptied stays as large as it was.
            self._textless = set()
        self._rows = {key: made[key] for key in entries} if moved else made
        self._working, self._working_in = {key: made[key] for key in self._moving}, interval
        return self._rows


def _time_of(interval: Interval, known: Known) -> float:
    """The execution time of all but pgscope's statements, ms."""
    return sum(delta.exec_time for key, delta in interval.deltas.items() if not known.texts.own(key))


def _is_current(row: StatementRow, entry: StatementCounters, known: Known) -> bool:
    """Whether a row still says what is known of an entry that did nothing."""
    told = bool(row.packed) or not known.packed(row.key)
    return row.rates is NOTHING and told and row.counted.calls == entry.calls and _is_named(row, known)


def _is_named(row: StatementRow, known: Known) -> bool:
    """Whether it has the names that role and database have now: they may be renamed."""
    key = row.key
    return row.database == known.database(key.dbid) and row.user == known.user(key.userid)


def _row(
    key: StatementKey,
    entry: StatementCounters,
    delta: Counts | None,
    per_second: float,
    time: float,
    known: Known,
    shares: tuple[Share, ...],
) -> StatementRow:
    text = known.packed(key)
    return StatementRow(
        key=key,
        database=known.database(key.dbid),
        user=known.user(key.userid),
        packed=text,
        fingerprint=known.texts.fingerprint(key),
        rates=delta.times(per_second) if delta is not None and per_second else NOTHING,
        counted=entry,
        max_exec_time=entry.max_exec_time,
        since=entry.stats_since,
        shares=shares,
        share_of_time=min(delta.exec_time / time, 1.0) if delta is not None and time > 0 else 0.0,
        own=known.texts.own(key) or (len(shares) == 1 and shares[0].application_name == OWN_APPLICATION),
    )

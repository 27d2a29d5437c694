"""Statements as rows: what each did in the last interval and since its counters began, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pgscope.analysis.activity import OWN_APPLICATION
from pgscope.analysis.attribution import Share
from pgscope.analysis.counters import NOTHING, Counts, Interval, counts_of
from pgscope.analysis.fingerprints import FingerprintBook
from pgscope.packed import Packed, start_of, unpack
from pgscope.sample import OWN_EXPLAIN, StatementCounters, StatementKey


@dataclass(frozen=True)
class StatementRow:
    """One entry of pg_stat_statements: `rates` are per second of the last interval, `total` since `since`."""

    key: StatementKey
    database: str
    user: str
    packed: Packed
    """Its text, as it is kept."""
    fingerprint: str
    """The same for statements of the same text, whatever their queryid, user or database."""
    rates: Counts
    total: Counts
    max_exec_time: float
    """ms."""
    since: float | None
    """Epoch seconds; None if the server does not say."""
    shares: tuple[Share, ...]
    share_of_time: float
    """Its part of the server's execution time in the last interval, 0 to 1."""
    own: bool = False
    """Whether pgscope ran it, all of it: its EXPLAIN, and its polls where they are known."""

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


def _is_current(row: StatementRow, entry: StatementCounters) -> bool:
    """Whether a row still says what is known of an entry that did nothing."""
    return row.rates is NOTHING and bool(row.packed) and row.total.calls == entry.calls


def rows(
    entries: Mapping[StatementKey, StatementCounters],
    interval: Interval,
    known: Known,
    shares: Callable[[StatementKey], Sequence[Share]],
    before: Mapping[StatementKey, StatementRow],
) -> dict[StatementKey, StatementRow]:
    """A row for each entry; rows of entries that did nothing since `before` was made are used again."""
    time = sum(delta.exec_time for delta in interval.deltas.values())
    per_second = 1.0 / interval.seconds if interval.seconds > 0 else 0.0
    deltas, made = interval.deltas, dict(before) if before.keys() == entries.keys() else {}
    for key, entry in entries.items():
        old = before.get(key)
        if old is not None and key not in deltas and _is_current(old, entry):
            if old is not made.get(key):
                made[key] = old
            continue
        delta = deltas.get(key)
        text, parts = known.packed(key), tuple(shares(key))
        made[key] = StatementRow(
            key=key,
            database=known.database(key.dbid),
            user=known.user(key.userid),
            packed=text,
            fingerprint=known.texts.fingerprint(key),
            rates=delta.times(per_second) if delta is not None and per_second else NOTHING,
            total=counts_of(entry),
            max_exec_time=entry.max_exec_time,
            since=entry.stats_since,
            shares=parts,
            share_of_time=delta.exec_time / time if delta is not None and time > 0 else 0.0,
            own=start_of(text, 100).startswith(OWN_EXPLAIN)
            or (len(parts) == 1 and parts[0].application_name == OWN_APPLICATION),
        )
    return made

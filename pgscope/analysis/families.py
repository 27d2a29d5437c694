"""Statements of one fingerprint as one: what pg_stat_statements keeps apart for reasons no reader has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pgscope.analysis.attribution import Share
from pgscope.analysis.attribution.shares import Certainty
from pgscope.analysis.counters import NOTHING, total
from pgscope.analysis.statements import StatementRow
from pgscope.sample import StatementKey

_WEAKEST_FIRST: tuple[Certainty, ...] = ("unattributed", "sampled", "measured", "exact")
_MOST_BASIS = 4


class Family(NamedTuple):
    """Entries taken for one statement: their sum, under the key of the one most called, and all keys."""

    row: StatementRow
    members: tuple[StatementKey, ...]


def families(rows: Iterable[StatementRow]) -> Iterator[Family]:
    """Rows of the same fingerprint, database and level put together, in the order of their first.

    The users are put together too. A row without others stays the object it is.
    """
    first: dict[tuple[str, str, bool], StatementRow] = {}
    others: dict[tuple[str, str, bool], list[StatementRow]] = {}
    for row in rows:
        name = (row.fingerprint, row.database, row.key.toplevel)
        if first.setdefault(name, row) is not row:
            others.setdefault(name, [first[name]]).append(row)
    for name, row in first.items():
        members = others.get(name)
        if members is None:
            yield Family(row, (row.key,))
        else:
            yield Family(merged(members), tuple(one.key for one in members))


class FamilyBook:
    """Families from snapshot to snapshot: where the entries stay, only what changed is put together.

    Of thousands of families most are of one entry, and nothing is kept of them but its row.
    """

    def __init__(self) -> None:
        self._entries: Mapping[StatementKey, StatementRow] = {}
        self._rows: list[StatementRow] = []
        self._places: dict[StatementKey, int] = {}
        self._several: dict[int, tuple[StatementKey, ...]] = {}
        """The entries of families of several, by place."""

    def update(self, entries: Mapping[StatementKey, StatementRow]) -> list[StatementRow]:
        """The rows of the families of these, in an order that stays while they do; not to be changed."""
        before, self._entries = self._entries, entries
        if entries is before:
            return self._rows
        if len(entries) == len(before):
            pairs = zip(before.values(), entries.values(), strict=True)
            changed = [(old, row) for old, row in pairs if old is not row]
            if all(old.key == row.key and old.fingerprint == row.fingerprint for old, row in changed):
                self._rows = list(self._rows)
                for place, row in {self._places[row.key]: row for _, row in changed}.items():
                    members = self._several.get(place)
                    self._rows[place] = merged([entries[key] for key in members]) if members else row
                return self._rows
        self._rows, self._places, self._several = [], {}, {}
        for place, family in enumerate(families(entries.values())):
            self._rows.append(family.row)
            self._places.update(dict.fromkeys(family.members, place))
            if len(family.members) > 1:
                self._several[place] = family.members
        return self._rows

    @property
    def members(self) -> dict[StatementKey, tuple[StatementKey, ...]]:
        """The entries of each family of several, by the key that it has as one."""
        return {self._rows[place].key: members for place, members in self._several.items()}

    def of(self, key: StatementKey) -> StatementRow | None:
        """The row of the family that an entry belongs to."""
        place = self._places.get(key)
        return self._rows[place] if place is not None else None


def merged(rows: Sequence[StatementRow]) -> StatementRow:
    """The sum of some rows (at least one); its user is named if all have the same."""
    first = max(rows, key=lambda row: (row.total.calls, row.key))
    users = sorted({row.user for row in rows})
    busy = any(row.rates is not NOTHING for row in rows)
    since = [row.since for row in rows if row.since is not None]
    return StatementRow(
        key=first.key,
        database=first.database,
        user=users[0] if len(users) == 1 else f"{len(users)} users",
        packed=first.packed,
        fingerprint=first.fingerprint,
        rates=total(row.rates for row in rows) if busy else NOTHING,
        counted=total(row.total for row in rows),
        max_exec_time=max(row.max_exec_time for row in rows),
        since=min(since) if since else None,
        shares=_shares(rows),
        share_of_time=sum(row.share_of_time for row in rows),
        own=all(row.own for row in rows),
    )


def _shares(rows: Sequence[StatementRow]) -> tuple[Share, ...]:
    """Shares of the sum: each row's weigh as much as it has calls; bounds are summed, so never too narrow."""
    busy = sum(row.rates.calls for row in rows)
    weights = [row.rates.calls if busy else row.total.calls for row in rows]
    whole = sum(weights)
    if whole <= 0:
        return first if all((first := rows[0].shares) == row.shares for row in rows) else ()
    parts: dict[str | None, list[tuple[float, Share]]] = {}
    for row, weight in zip(rows, weights, strict=True):
        if weight > 0:
            nobody = (Share(None, 1.0, 0.0, 1.0, 0, "unattributed"),)
            for share in row.shares or nobody:
                parts.setdefault(share.application_name, []).append((weight / whole, share))
    if set(parts) == {None} and not any(row.shares for row in rows):
        return ()
    made = [_share(name, found) for name, found in parts.items()]
    return tuple(sorted(made, key=lambda share: -share.share))


def _share(name: str | None, parts: Sequence[tuple[float, Share]]) -> Share:
    shares = [share for _, share in parts]
    words = {share.attribution for share in shares}
    basis = dict.fromkeys(line for share in shares for line in share.basis)
    return Share(
        application_name=name,
        share=min(sum(weight * share.share for weight, share in parts), 1.0),
        low=min(sum(weight * share.low for weight, share in parts), 1.0),
        high=min(sum(weight * share.high for weight, share in parts), 1.0),
        observations=sum(share.observations for share in shares),
        attribution=next(word for word in _WEAKEST_FIRST if word in words),
        basis=tuple(basis)[:_MOST_BASIS],
    )

"""Statements of one fingerprint as one: what pg_stat_statements keeps apart for reasons no reader has."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import compress

from pgscope.analysis.attribution import Share
from pgscope.analysis.attribution.shares import Certainty
from pgscope.analysis.counters import NOTHING, total
from pgscope.analysis.statements import StatementRow
from pgscope.sample import StatementKey

_WEAKEST_FIRST: tuple[Certainty, ...] = ("unattributed", "sampled", "measured", "exact")
_MOST_BASIS = 4


class FamilyBook:
    """Rows of the same fingerprint, database and level as one, whoever their users are.

    From snapshot to snapshot: where the entries stay, only what changed is put together. Of thousands of
    families most are of one entry, and nothing is kept of them but its row, which is the object that it was.
    """

    def __init__(self) -> None:
        self._entries: Mapping[StatementKey, StatementRow] = {}
        self._rows: list[StatementRow] = []
        self._places = array("L")
        """For each entry, in their order, the place of its family."""
        self._several: dict[int, tuple[StatementKey, ...]] = {}
        """The entries of families of several, by place."""
        self._asked: dict[StatementKey, int] = {}
        """The places of those that were asked for."""

    def update(self, entries: Mapping[StatementKey, StatementRow]) -> list[StatementRow]:
        """The rows of the families of these, in the order of their first, which stays while they do.

        Not to be changed.
        """
        before, self._entries = self._entries, entries
        if entries is before:
            return self._rows
        if len(entries) == len(before):
            pairs = zip(self._places, before.values(), entries.values(), strict=True)
            changed = [(place, old, row) for place, old, row in pairs if old is not row]
            if all(old.key == row.key and old.fingerprint == row.fingerprint for _, old, row in changed):
                self._rows = list(self._rows)
                for place, row in {place: row for place, _, row in changed}.items():
                    members = self._several.get(place)
                    self._rows[place] = merged([entries[key] for key in members]) if members else row
                return self._rows
        self._put_together(entries)
        return self._rows

    def _put_together(self, entries: Mapping[StatementKey, StatementRow]) -> None:
        rows: list[StatementRow] = []
        places = array("L")
        self._rows, self._places, self._asked = rows, places, {}
        several: dict[int, list[StatementKey]] = {}
        # Most are told apart by the fingerprint alone; a key of three parts for each takes much more.
        first: dict[str, int] = {}
        further: dict[tuple[str, str, bool], int] = {}
        for row in entries.values():
            new = len(rows)
            place = first.setdefault(row.fingerprint, new)
            if place != new and not _alike(rows[place], row):
                place = further.setdefault((row.fingerprint, row.database, row.key.toplevel), new)
            if place == new:
                rows.append(row)
            else:
                several.setdefault(place, [rows[place].key]).append(row.key)
            places.append(place)
        self._several = {place: tuple(members) for place, members in several.items()}
        for place, members in self._several.items():
            rows[place] = merged([entries[key] for key in members])

    @property
    def members(self) -> dict[StatementKey, tuple[StatementKey, ...]]:
        """The entries of each family of several, by the key that it has as one."""
        return {self._rows[place].key: members for place, members in self._several.items()}

    def of(self, key: StatementKey) -> StatementRow | None:
        """The row of the family that an entry belongs to."""
        if key not in self._entries:
            return None
        if key not in self._asked:
            self._asked[key] = next(compress(self._places, map(key.__eq__, self._entries)))
        return self._rows[self._asked[key]]


def _alike(one: StatementRow, other: StatementRow) -> bool:
    """Whether rows of one fingerprint are of one family."""
    return one.key.toplevel == other.key.toplevel and one.database == other.database


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

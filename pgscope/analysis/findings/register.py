"""Findings over time: each appears once, is updated while it lasts, and ages out visibly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pgscope.analysis.findings.model import GRADES, Finding
from pgscope.analysis.findings.recurrence import Recurrence, Time, told
from pgscope.dataclass import dataclass

Identity = tuple[str, int, int, str, tuple[int, ...]]

MOST_HISTORY = 2000
_COUNTED = {"idle_in_transaction"}
"""Kinds that come and go with sessions: how often they recur is told."""


@dataclass
class _Entry:
    finding: Finding
    passes: int
    shown: bool
    time: Time | None = None


class Register:
    """What was found, by identity."""

    def __init__(self) -> None:
        self._entries: dict[Identity, _Entry] = {}
        self._history: dict[Identity, Finding] = {}
        self._recurrence = Recurrence()

    def update(
        self, at: float, drafts: Iterable[Finding], *, passes: int, grace_s: float, kinds: set[str]
    ) -> None:
        """Take what holds now of these kinds.

        A draft is shown from its `passes`-th time on. What was shown and is not among the drafts ends when
        it has not been seen for `grace_s` seconds; what was not shown is forgotten at once.
        """
        seen: set[Identity] = set()
        for draft in drafts:
            name = identity(draft)
            if name in seen:
                continue
            seen.add(name)
            entry = self._entries.get(name)
            at_once = draft.at_once
            if entry is None:
                draft = replace(draft, first_seen=at, last_seen=at)
                self._entries[name] = _Entry(draft, 1, passes <= 1 or at_once)
                continue
            before = entry.finding
            grade = draft.grade if before.ended else max(draft.grade, before.grade, key=GRADES.index)
            entry.finding = replace(
                draft,
                grade=grade,
                application_names=draft.application_names or before.application_names,
                first_seen=before.first_seen,
                last_seen=at,
            )
            entry.passes += 1
            entry.shown = entry.shown or entry.passes >= passes or at_once
            if entry.shown and draft.kind in _COUNTED:
                if entry.time is None or before.ended:
                    entry.time = self._recurrence.begins(draft, at)
                entry.finding = told(entry.finding, entry.time, at)
        self._supersede(seen)
        for name, entry in list(self._entries.items()):
            if entry.finding.kind in kinds and name not in seen:
                self._miss(name, entry, at, grace_s)
        for name in seen:
            if self._entries[name].shown:
                self._history[name] = self._entries[name].finding
        while len(self._history) > MOST_HISTORY:
            del self._history[next(iter(self._history))]

    def _supersede(self, seen: set[Identity]) -> None:
        """A loop whose parent was found meanwhile is the same thing, better known: it goes at once."""
        known = {
            (finding.datid, finding.usesysid, finding.statement.fingerprint)
            for finding in (self._entries[name].finding for name in seen)
            if finding.parent is not None and finding.statement is not None
        }
        if not known:
            return
        for name, entry in list(self._entries.items()):
            finding = entry.finding
            if finding.kind not in ("lookup_loop", "row_by_row_writes") or finding.parent is not None:
                continue
            ref = finding.statement
            if ref is not None and (finding.datid, finding.usesysid, ref.fingerprint) in known:
                del self._entries[name]
                self._history.pop(name, None)

    def _miss(self, name: Identity, entry: _Entry, at: float, grace_s: float) -> None:
        if not entry.shown:
            del self._entries[name]
        elif not entry.finding.ended and at - entry.finding.last_seen > grace_s:
            entry.finding = replace(entry.finding, ended=True)
            self._history[name] = entry.finding

    def lasting(self) -> list[Finding]:
        """What was shown and has not ended."""
        return [entry.finding for entry in self._entries.values() if entry.shown and not entry.finding.ended]

    def shown(self, at: float, keep_s: float) -> list[Finding]:
        """What lasts, and what ended less than `keep_s` seconds ago."""
        for name, entry in list(self._entries.items()):
            if entry.finding.ended and at - entry.finding.last_seen > keep_s:
                del self._entries[name]
        return [entry.finding for entry in self._entries.values() if entry.shown]

    def history(self) -> list[Finding]:
        """Everything shown so far, oldest first."""
        return list(self._history.values())


def identity(finding: Finding) -> Identity:
    """What makes two findings the same one, seen at different times."""
    return (finding.kind, finding.datid, finding.usesysid, finding.fingerprint, finding.pids)

"""How a connection fares: what to tell when answers stay away, polls fail, or parts of them are refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from pgscope.capture.source import Emit
from pgscope.sample import Connected, Disconnected, Missing, ServerFacts
from pgscope.server.batch import Failure
from pgscope.server.poll import Polled

_FAILURES_BEFORE_TOLD = 2
"""Polls that fail in a row before it is told: one may have been cancelled by somebody."""
_TEXTS = "statement_texts"
_SAMPLER = "sampler"
_VIEWS = {
    "databases": "pg_stat_database",
    "statements": "pg_stat_statements",
    "statements_info": "pg_stat_statements_info",
    "locks": "pg_locks",
    "prepared": "pg_prepared_xacts",
    "progress": "pg_stat_progress_*",
    "xmin_holders": "what holds back vacuum",
    _TEXTS: "texts of new statements",
}


class Health:
    """Tells the stream of trouble, and when it is over."""

    def __init__(self, facts: ServerFacts, emit: Emit, now: Callable[[], float]) -> None:
        """`now` is the time by the server's clock, epoch seconds."""
        self._facts = facts
        self._now = now
        self._emit = emit
        self._troubled = False
        self._failed = 0
        self._refused: dict[str, str] = {}

    def quiet(self, seconds: float) -> None:
        """No answer came for so long."""
        self._trouble(f"no answer for {seconds:g} s; still waiting for it", seconds)

    def failed(self, reason: str) -> None:
        """A whole poll failed, though the connection is there."""
        self._failed += 1
        if self._failed >= _FAILURES_BEFORE_TOLD:
            self._trouble(f"cannot read the sessions: {reason}")

    def suspicious(self, polled: Polled) -> bool:
        """Whether the server may be able to do other things than it was when the connection was made."""
        new = _for_good(polled.failures).keys() - self._refused.keys()
        return bool(new) or polled.in_recovery != self._facts.in_recovery

    def well(self, polled: Polled, *, unreadable: str = "", unsampled: str = "") -> None:
        """A poll was answered; say what it was refused, if that is not what it was refused before.

        `unreadable` is why texts of statements cannot be read, `unsampled` why the sampler has no connection;
        '' where that is not so.
        """
        beside = {_TEXTS: unreadable, _SAMPLER: unsampled}
        refused = {**self._refused, **_for_good(polled.failures)}
        for part in (*polled.answered, *beside):
            refused.pop(part, None)
        refused.update({part: reason for part, reason in beside.items() if reason})
        if self._troubled or refused.keys() != self._refused.keys():
            self._refused = refused
            missing = tuple(_missing(part, reason, self._facts.user) for part, reason in refused.items())
            facts = replace(self._facts, missing=self._facts.missing + missing)
            if "statements" in refused:
                # Then they are those seen in sessions, as without the extension.
                facts = replace(facts, statements_version=None)
            self._emit(Connected(self._now(), time.monotonic(), facts))
        self._troubled = False
        self._failed = 0

    def _trouble(self, reason: str, since: float = 0.0) -> None:
        """`since` so many seconds."""
        self._troubled = True
        self._emit(Disconnected(self._now() - since, time.monotonic(), reason))


def _for_good(failures: Mapping[str, Failure]) -> dict[str, str]:
    return {part: failure.reason for part, failure in failures.items() if not failure.passing}


def _missing(part: str, reason: str, user: str) -> Missing:
    remedy = "it is tried again each minute"
    if part == _SAMPLER:
        return Missing("the sampler has no connection: only polls tell who runs what", reason, remedy)
    if "permission denied" in reason:
        remedy = f"grant {user} what it names, or membership of pg_monitor; {remedy}"
    if part == _TEXTS and "encoding" in reason:
        remedy = f"CREATE EXTENSION pg_stat_statements in a database whose encoding is SQL_ASCII; {remedy}"
    return Missing(f"{_VIEWS.get(part, part)} cannot be read", reason, remedy)

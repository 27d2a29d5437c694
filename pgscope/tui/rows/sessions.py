"""The rows of sessions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import compress
from typing import Any

from pgscope.analysis.activity import (
    is_active,
    is_idle_in_transaction,
    is_own,
    is_waiting_for_lock,
    state_age,
    state_word,
    statement_age,
    transaction_age,
)
from pgscope.analysis.filter import Getters
from pgscope.analysis.locks import LockForest
from pgscope.report import numbers
from pgscope.sample import Session
from pgscope.text import one_line
from pgscope.tui.glyphs import Signs
from pgscope.tui.rows.kept import as_made
from pgscope.tui.stage import Status
from pgscope.tui.table import Cell, Column, Row, Tone

COLUMNS = (
    Column("pid", "pid", width=7, justify="right", fixed=True, priority=99, descending=False),
    Column("app", "application", min_width=10, max_width=28, weight=1, priority=90),
    Column("user", "user", min_width=8, max_width=16, weight=0.5, priority=40),
    Column("db", "database", min_width=8, max_width=16, weight=0.5, priority=42),
    Column("client", "client", min_width=9, max_width=39, weight=0.3, priority=35),
    Column(
        "state",
        "state",
        width=12,
        priority=95,
        tooltip="waiting is for a lock; idle in tx holds a transaction open; a square blocks others",
    ),
    Column(
        "age",
        "age",
        width=6,
        justify="right",
        priority=88,
        tooltip="Of the running statement; of the state if none runs",
    ),
    Column(
        "xact", "tx age", width=6, justify="right", priority=50, tooltip="How long its transaction is open"
    ),
    Column(
        "wait",
        "wait",
        min_width=11,
        max_width=28,
        weight=0.8,
        priority=60,
        tooltip="What it waits for, and how many sessions wait because of it",
    ),
    Column(
        "query", "statement", min_width=16, weight=6, priority=70, tooltip="The current or last statement"
    ),
)

LONGEST_LINE = 1000
"""Characters of a statement that a row looks at."""

_RANKS = {"waiting": 0, "active": 1, "fastpath": 1, "idle in tx": 2, "aborted tx": 2, "idle": 4}


def age_of(session: Session, at: float) -> float | None:
    """Seconds of the running statement, or of its state if none runs."""
    running = statement_age(session, at)
    return state_age(session, at) if running is None else running


def wait_of(session: Session) -> str:
    """What it waits for while it works; an idle session waits for its client, which says nothing."""
    if session.wait_event_type in ("Client", "Activity") and session.state != "active":
        return ""
    return f"{session.wait_event_type}:{session.wait_event}".rstrip(":")


def process_word(session: Session) -> str:
    """The state of a client, the kind of any other process."""
    return state_word(session) if session.is_client else state_word(session) or "background"


def name_of(session: Session) -> str:
    """Its application, or what kind of process it is."""
    if session.is_client:
        return session.application_name or "(no name)"
    return session.backend_type or "(background)"


def getters(at: float) -> Getters[Session]:
    """How a filter asks sessions, as of a moment."""
    return {
        "": lambda one: (
            str(one.pid),
            name_of(one),
            one.user,
            one.database,
            one.client_addr,
            state_word(one),
            wait_of(one),
            one.query,
        ),
        "app": lambda one: one.application_name or "(no name)",
        "user": lambda one: one.user,
        "db": lambda one: one.database,
        "client": lambda one: one.client_addr,
        "state": lambda one: (state_word(one), one.state),
        "wait": lambda one: (wait_of(one), one.wait_event_type, one.wait_event),
        "kind": lambda one: one.backend_type,
        "query": lambda one: one.query,
        "pid": lambda one: one.pid,
        "age": lambda one: age_of(one, at) or 0.0,
        "xact": lambda one: transaction_age(one, at) or 0.0,
    }


def is_wanted(session: Session, status: Status) -> bool:
    """Whether the toggles leave it: idle ones, pgscope's own, background processes."""
    return (
        (status.background or session.is_client or session.is_starting)
        and (status.own or not is_own(session))
        and (status.idle or session.state != "idle")
    )


_NO_LOCKS = LockForest(0.0)
_AGE = [column.key for column in COLUMNS].index("age")


class _Moment:
    """The time that ages are counted to: one for all rows, so that a row can stay while time goes on."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = 0.0


class SessionRows:
    """Makes rows, and keeps those of sessions that did not change: most of a thousand are the objects they
    were. Cells are made when they come into view, as of the moment of the last rows made.
    """

    def __init__(self, signs: Signs) -> None:
        self._signs = signs
        self._moment = _Moment()
        self._toggles: object = None
        self._sessions: Sequence[Session] = ()
        self._wanted: list[bool] = []
        """Which of them the toggles leave."""
        self._of: Sequence[Session] = ()
        self._rows: list[Row] = []
        """The rows of those, one each."""
        self._blocks: dict[int, int] = {}
        """By pid, how many each blocked then."""

    def wanted(self, sessions: Sequence[Session], status: Status) -> list[Session]:
        """Those that the toggles leave."""
        toggles = (status.background, status.own, status.idle)
        if toggles == self._toggles and len(sessions) == len(self._sessions):
            for n, (before, now) in enumerate(zip(self._sessions, sessions, strict=True)):
                if before is not now:
                    self._wanted[n] = is_wanted(now, status)
        else:
            self._wanted = [is_wanted(one, status) for one in sessions]
        self._toggles, self._sessions = toggles, sessions
        return list(compress(sessions, self._wanted))

    def make(self, sessions: Sequence[Session], at: float, locks: LockForest = _NO_LOCKS) -> list[Row]:
        """A row for each session, as of `at` (epoch seconds). `locks` says who blocks whom."""
        self._moment.at = at
        blocks = {pid: node.behind for pid, node in locks.nodes.items() if node.behind}
        rows = as_made(self._of, self._rows, sessions, lambda one: self._row(one, blocks.get(one.pid, 0)))
        if blocks or self._blocks:
            for n, session in enumerate(sessions):
                if blocks.get(session.pid) != self._blocks.get(session.pid):
                    rows[n] = self._row(session, blocks.get(session.pid, 0))
        self._of, self._rows, self._blocks = sessions, rows, blocks
        return rows

    def _row(self, session: Session, blocks: int) -> Row:
        return Row(
            key=session.identity,
            cells=_Cells(session, self._moment, self._signs, blocks),
            sort_values=partial(_sort_value, session, blocks),
            tone="muted" if session.state == "idle" or not session.is_client else "normal",
        )


def _since(session: Session) -> float | None:
    """When its statement began, or its state if none runs (epoch seconds): what its age is counted from."""
    runs = is_active(session) and session.query_start is not None
    return session.query_start if runs else session.state_change


def _state_rank(session: Session, blocks: int) -> tuple[int, float]:
    """What is worst first, the oldest of them first."""
    word = state_word(session)
    rank = -1 if blocks and word != "waiting" else _RANKS.get(word, 3)
    since = _since(session)
    return (rank, math.inf if since is None else since)


def _age_rank(since: float | None) -> float | None:
    """The older the larger, whatever the time is now: it need not be worked out again each time."""
    return None if since is None else -since


_SORT_VALUES: tuple[Callable[[Session, int], Any], ...] = (
    lambda session, _: session.pid,
    lambda session, _: session.application_name.lower(),
    lambda session, _: session.user,
    lambda session, _: session.database,
    lambda session, _: session.client_addr,
    _state_rank,
    lambda session, _: _age_rank(_since(session)),
    lambda session, _: _age_rank(session.xact_start),
    lambda session, _: wait_of(session) or None,
    lambda session, _: session.query,
)
"""In the order of the columns."""


def _sort_value(session: Session, blocks: int, column: int) -> Any:
    """Worked out for the column that sorts only."""
    return _SORT_VALUES[column](session, blocks)


def state_tone(session: Session) -> Tone:
    """The colour of a state, beside its word."""
    if is_waiting_for_lock(session):
        return "bad"
    if is_idle_in_transaction(session):
        return "warn"
    return "good" if session.state == "active" else "normal"


def state_text(session: Session, signs: Signs) -> str:
    """The word of a state, with a sign where it is bad for others."""
    word = process_word(session)
    if is_waiting_for_lock(session):
        return f"{signs.waiting} {word}"
    return word


class _Cells:
    """The cells of a session, made when they are first seen; after that only its ages are."""

    __slots__ = ("_ages", "_blocks", "_made", "_moment", "_session", "_signs")

    def __init__(self, session: Session, moment: _Moment, signs: Signs, blocks: int) -> None:
        self._session = session
        self._moment = moment
        self._signs = signs
        self._blocks = blocks
        self._ages: tuple[str, str] | None = None
        self._made: tuple[Cell | str, ...] = ()

    def __call__(self) -> tuple[Cell | str, ...]:
        session, at = self._session, self._moment.at
        age, open_for = age_of(session, at), transaction_age(session, at)
        # A thousand idle sessions whose seconds all move are nothing to look at, and much to send.
        said = numbers.about if session.state == "idle" else numbers.seconds
        ages = ("" if age is None else said(age), "" if open_for is None else numbers.seconds(open_for))
        if self._ages is None:
            self._made = _cells(session, ages, self._signs, self._blocks)
        elif ages != self._ages:
            self._made = (*self._made[:_AGE], *ages, *self._made[_AGE + 2 :])
        self._ages = ages
        return self._made


def _cells(session: Session, ages: tuple[str, str], signs: Signs, blocks: int) -> tuple[Cell | str, ...]:
    state = Cell(state_text(session, signs), state_tone(session))
    wait: Cell | str = wait_of(session)
    if blocks:
        said = f"{signs.blocking} blocks {blocks}"
        wait = Cell(f"{said}, {wait}" if wait else said, "bad")
        if not is_waiting_for_lock(session):
            state = Cell(f"{signs.blocking} {process_word(session)}", "bad")
    return (
        str(session.pid),
        name_of(session),
        session.user,
        session.database,
        session.client_addr,
        state,
        *ages,
        wait,
        one_line(session.query[:LONGEST_LINE]),
    )

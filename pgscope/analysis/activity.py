"""What sessions are doing at one moment: states, ages, and the class of what they wait for."""

from __future__ import annotations

import re

from pgscope.sample import OWN_MARK, Session

CPU = "CPU"
"""The class of an active session that waits for nothing: on the processor, or ready for it."""

OWN_APPLICATION = "pgscope"


def is_active(session: Session) -> bool:
    """Whether it runs a statement now."""
    return session.state in ("active", "fastpath function call")


def is_idle(session: Session) -> bool:
    """Whether it runs nothing now, in a transaction or not; with track_activities off that is not known."""
    return session.state.startswith("idle")


def is_idle_in_transaction(session: Session) -> bool:
    """Whether it holds a transaction open and does nothing (also after an error in it)."""
    return session.state.startswith("idle in transaction")


def is_waiting_for_lock(session: Session) -> bool:
    """Whether it waits for a heavyweight lock: what another session holds until it ends its transaction."""
    return session.wait_event_type == "Lock"


def is_own(session: Session) -> bool:
    """Whether it is a session of pgscope, this one or another."""
    return session.application_name == OWN_APPLICATION


_OWN_TEXT = re.compile(r"\s*\w+\s+" + re.escape(OWN_MARK))


def is_own_text(text: str) -> bool:
    """Whether a statement is one of pgscope's, this one's or another's; its first 100 characters will do."""
    return _OWN_TEXT.match(text) is not None


def is_hidden(session: Session) -> bool:
    """Whether this role may not see what a session does, since when it is there and from where it came.

    That takes pg_read_all_stats; its user, database and application are for everyone.
    """
    return session.datid != 0 and not session.backend_type and not session.state


def wait_class(session: Session) -> str:
    """The wait event's type while active, CPU if it waits for nothing."""
    return session.wait_event_type or CPU


def statement_age(session: Session, at: float) -> float | None:
    """Seconds that the running statement has taken at `at`; None if none runs."""
    if not is_active(session) or session.query_start is None:
        return None
    return max(at - session.query_start, 0.0)


def transaction_age(session: Session, at: float) -> float | None:
    """Seconds that its transaction has been open at `at`; None if none is."""
    return None if session.xact_start is None else max(at - session.xact_start, 0.0)


def state_age(session: Session, at: float) -> float | None:
    """Seconds that it has been in its state at `at`; None if not known."""
    return None if session.state_change is None else max(at - session.state_change, 0.0)


def state_word(session: Session) -> str:
    """Its state in a word of at most 10 letters: waiting (for a lock), active, idle, idle in tx, ..."""
    if is_waiting_for_lock(session):
        return "waiting"
    words = {
        "idle in transaction": "idle in tx",
        "idle in transaction (aborted)": "aborted tx",
        "fastpath function call": "fastpath",
        "disabled": "hidden",
        "": "hidden" if is_hidden(session) else "?" if session.is_client else "",
    }
    return words.get(session.state, session.state)

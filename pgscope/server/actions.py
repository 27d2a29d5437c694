"""Cancelling statements and ending sessions, each named by pid and start so that no other is ever hit.

Over a connection of its own, closed afterwards: a long poll never keeps a cancel waiting.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Literal

import psycopg
from psycopg import errors

from pgscope.dataclass import dataclass
from pgscope.errors import ConnectionFailed
from pgscope.server.connection import Connection
from pgscope.server.decode import name
from pgscope.server.elsewhere import encoding_of
from pgscope.server.queries import query
from pgscope.text import clean, one_line

Kind = Literal["cancel", "terminate"]
Outcome = Literal["done", "sent", "gone", "idle", "refused", "failed"]

_STEPS = (0.02, 0.05, 0.1, 0.2, 0.3)
"""Seconds between looks at whether it worked, the last again and again."""


_OTHER: dict[Kind, str] = {
    "cancel": "the statement had already ended, and the session runs another one now",
    "terminate": "its part in the lock wait is over already, so it was left alone",
}


@dataclass(frozen=True)
class ActionRequest:
    """What to do to which session, and what the person was shown of it: it is done only while that is so."""

    kind: Kind
    pid: int
    """0, a prepared transaction, is always refused."""
    backend_start: float
    """Epoch seconds, as in `Session`."""
    application_name: str = ""
    user: str = ""
    database: str = ""
    query: str = ""
    query_start: float | None = None
    """Epoch seconds, as in `Session`; a cancel is for this statement, or another run of it."""
    query_id: int | None = None
    xact_start: float | None = None
    waiting: bool = False
    """Whether it waits for a lock: then, as one in somebody's way, it is ended for its transaction."""
    held_up: tuple[int, ...] = ()
    """Pids of some that wait for it; a blocker is ended while it is in the way of one, whatever it does."""


@dataclass(frozen=True)
class ActionResult:
    """What became of a request."""

    request: ActionRequest
    outcome: Outcome
    """'done': the statement or session has ended; 'sent': signalled, but it has not ended yet; 'gone': the
    session, statement or transaction meant had ended already; 'idle': nothing was running that could be
    cancelled; 'refused': not allowed; 'failed': the server or the connection did not do it."""
    reason: str
    """One line for the person."""
    at: float
    """When it was asked of the server, epoch seconds by our clock."""

    @property
    def ok(self) -> bool:
        """Whether what was wanted is so, or on its way."""
        return self.outcome in ("done", "sent", "gone")


Report = Callable[[ActionResult], None]
"""Told of each request as soon as its signal was sent or refused."""


async def act(
    open_connection: Callable[[], Awaitable[Connection]],
    requests: Sequence[ActionRequest],
    *,
    own_pids: Collection[int] = (),
    report: Report | None = None,
    settle: float = 2.0,
) -> tuple[ActionResult, ...]:
    """Do what was asked, one after the other, then see for at most `settle` seconds what came of it.

    Never raises for what the server or the network does: each request has a result, in the order given.
    """
    try:
        connection = await open_connection()
    except (ConnectionFailed, psycopg.Error, OSError) as error:
        reason = one_line(clean(str(error)))
        results = [ActionResult(request, "failed", reason, time.time()) for request in requests]
        _tell(report, results)
        return tuple(results)
    try:
        running: dict[int, float | None] = {}
        results = []
        for request in requests:
            result, query_start = await _signal(connection, request, own_pids)
            running[len(results)] = query_start
            results.append(result)
            _tell(report, [result])
        return tuple(await _settled(connection, results, running, settle))
    finally:
        await connection.close()


def _tell(report: Report | None, results: Sequence[ActionResult]) -> None:
    if report is not None:
        for result in results:
            report(result)


async def _signal(
    connection: Connection, request: ActionRequest, own_pids: Collection[int]
) -> tuple[ActionResult, float | None]:
    at = time.time()

    def result(outcome: Outcome, reason: str) -> tuple[ActionResult, None]:
        return ActionResult(request, outcome, reason, at), None

    if request.pid <= 0:
        return result(
            "refused",
            "a prepared transaction has no session: end it with COMMIT PREPARED or ROLLBACK PREPARED",
        )
    if request.pid in own_pids or request.pid == connection.info.backend_pid:
        return result("refused", "that is pgscope's own session")
    try:
        cursor = await connection.execute(query(request.kind, 14), _asked(connection, request), binary=True)
        row = await cursor.fetchone()
    except errors.InsufficientPrivilege as error:
        return result("refused", _refusal(error, _role(connection)))
    except (psycopg.Error, OSError) as error:
        return result("failed", _message(error))
    if row is None:
        return result("gone", "the session had already ended")
    said, query_start = name(row[0]), row[2]
    if said == "sent":
        reason = "cancel sent" if request.kind == "cancel" else "terminate sent"
        return ActionResult(request, "sent", reason, at), query_start
    if said == "gone":
        return result("gone", "the session had already ended, and its pid belongs to another one now")
    if said == "other":
        return result("gone", _OTHER[request.kind])
    if said == "idle":
        state = name(row[1])
        held = "transaction" if "transaction" in state else "session"
        return result("idle", f"nothing runs ({state}): only terminate would end its {held}")
    if said == "hidden":
        return result(
            "refused",
            "the session's start is hidden, so it cannot be told from another with the same pid;"
            f" needs: GRANT pg_read_all_stats TO {_role(connection)}",
        )
    return result("failed", "the server could not signal it")


def _asked(connection: Connection, request: ActionRequest) -> dict[str, object]:
    """What the statement of the kind takes."""
    asked: dict[str, object] = {"pid": request.pid, "start": request.backend_start}
    if request.kind == "cancel":
        # What the encoding of the database connected to could not hold would make the statement fail.
        text = request.query if request.query.isascii() or encoding_of(connection) == "UTF8" else ""
        return asked | {
            "query_start": request.query_start,
            "query_id": request.query_id,
            "query": text or None,
        }
    return asked | {
        "xact_start": request.xact_start,
        "waiting": request.waiting,
        "held_up": list(request.held_up),
    }


async def _settled(
    connection: Connection, results: list[ActionResult], running: dict[int, float | None], settle: float
) -> list[ActionResult]:
    """The results, with 'done' for those whose end was seen."""
    until = time.monotonic() + settle
    step = 0
    while any(result.outcome == "sent" for result in results):
        try:
            there = await _there(connection, [r.request.pid for r in results if r.outcome == "sent"])
        except (psycopg.Error, OSError):
            return results
        for place, result in enumerate(results):
            if result.outcome == "sent":
                results[place] = _after(result, running[place], there)
        if time.monotonic() >= until:
            break
        await asyncio.sleep(_STEPS[min(step, len(_STEPS) - 1)])
        step += 1
    return results


_Seen = tuple["float | None", str, "float | None"]


async def _there(connection: Connection, pids: list[int]) -> dict[int, _Seen]:
    cursor = await connection.execute(query("still_there", 14), {"pids": pids}, binary=True)
    return {pid: (start, name(state), since) for pid, start, state, since in await cursor.fetchall()}


def _after(result: ActionResult, query_start: float | None, there: dict[int, _Seen]) -> ActionResult:
    request = result.request
    start, state, since = there.get(request.pid, (None, "", None))
    gone = start is None or abs(start - request.backend_start) >= 2e-6
    if request.kind == "terminate" and gone:
        return replace(result, outcome="done", reason="the session has ended")
    if request.kind == "cancel" and (gone or state.startswith("idle") or since != query_start):
        return replace(result, outcome="done", reason="the statement has ended")
    if request.kind == "cancel" and state == "disabled":
        return replace(result, reason="cancel sent; what it does is not known: track_activities is off in it")
    return replace(result, reason=f"{request.kind} sent, not ended yet")


def _refusal(error: psycopg.Error, role: str) -> str:
    """The server's reason, and the grant that would help; none does for a superuser's session."""
    reason = _message(error)
    if error.diag.message_detail:
        reason += ": " + one_line(clean(error.diag.message_detail)).rstrip(".")
    needed = re.search(r"pg_signal_\w+", reason)
    return f"{reason}; needs: GRANT {needed[0]} TO {role}" if needed else reason


def _message(error: Exception) -> str:
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return one_line(clean(primary or str(error))) or type(error).__name__


def _role(connection: Connection) -> str:
    return clean(connection.info.user, lines=False)

"""The one door through which a face acts on sessions: confirmed requests in, recorded results out."""

from __future__ import annotations

import getpass
import time
from collections.abc import Collection, Sequence

from pgscope.capture.audit import AuditFailed, AuditLog
from pgscope.dataclass import dataclass
from pgscope.sample import Session
from pgscope.server.actions import ActionRequest, ActionResult, Kind, act
from pgscope.server.connection import Connection, connect
from pgscope.server.conninfo import Target

__all__ = ["READ_ONLY", "ActionRequest", "ActionResult", "Actions", "ActionsDone", "Kind", "request_for"]

READ_ONLY = "pgscope was started with --read-only"


@dataclass(frozen=True)
class ActionsDone:
    """What came of a set of requests, in their order; `unrecorded` says why the record has no line of it."""

    results: tuple[ActionResult, ...]
    unrecorded: str = ""


class Actions:
    """Cancel and terminate on one server, unless it is only to be read."""

    def __init__(self, target: Target, audit: AuditLog, *, read_only: bool = False) -> None:
        self._target = target
        self._audit = audit
        self.enabled = not read_only
        """False with --read-only: then nothing is sent, and no connection is made."""

    async def run(self, requests: Sequence[ActionRequest], *, own_pids: Collection[int] = ()) -> ActionsDone:
        """Do what was asked and confirmed. Never raises for what the server, network or disk does."""
        if not self.enabled:
            now = time.time()
            return ActionsDone(tuple(ActionResult(one, "refused", READ_ONLY, now) for one in requests))
        unrecorded: list[str] = []

        def report(result: ActionResult) -> None:
            try:
                self._audit.record(result, str(self._target), _person())
            except AuditFailed as error:
                # At three in the morning a full disk must not keep anyone from ending what filled it.
                unrecorded.append(str(error))

        results = await act(self._open, requests, own_pids=own_pids, report=report)
        return ActionsDone(results, unrecorded[0] if unrecorded else "")

    async def _open(self) -> Connection:
        return await connect(self._target)


def request_for(
    kind: Kind, session: Session, *, waiting: bool = False, held_up: tuple[int, ...] = ()
) -> ActionRequest:
    """The request that names this session and what it does; its part in lock waits as in `ActionRequest`."""
    return ActionRequest(
        kind,
        session.pid,
        session.backend_start,
        session.application_name,
        session.user,
        session.database,
        session.query,
        session.query_start,
        session.query_id,
        session.xact_start,
        waiting,
        held_up,
    )


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"

"""Carries out what was confirmed, in the background, and says what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from textual.app import App

from pgscope.analysis.snapshot import Snapshot
from pgscope.capture.actions import (
    READ_ONLY,
    ActionRequest,
    ActionResult,
    Actions,
    ActionsDone,
    Kind,
    request_for,
)
from pgscope.sample import Session
from pgscope.text import one_line
from pgscope.tui.acting.ask import AskScreen, Decision
from pgscope.tui.acting.scopes import ROOT, THESE, scopes
from pgscope.tui.glyphs import Signs

Severity = Literal["information", "warning", "error"]

_HELD_UP = 8
"""Waiters that tell whether a session is still in somebody's way."""
_REASONS = 3
"""Different reasons told of one set."""
_WORDS = {
    "done": "done",
    "sent": "sent, not ended yet",
    "gone": "had ended already",
    "idle": "had nothing to cancel",
    "refused": "refused",
    "failed": "failed",
}


class Hands:
    """Asks, acts and tells. `actions` is None where there is no server to act on."""

    def __init__(self, app: App[None], actions: Actions | None) -> None:
        self._app = app
        self._actions = actions
        self.blocked: Callable[[], str] = str
        """Says why nothing can be done just now; '' if something can."""

    @property
    def refusal(self) -> str:
        """Why nothing can be done here; '' if something can."""
        if blocked := self.blocked():
            return blocked
        if self._actions is None:
            return "there is no server to act on here"
        return "" if self._actions.enabled else READ_ONLY

    def ask(
        self, kind: Kind, scope: str, subjects: Sequence[Session], snapshot: Snapshot, signs: Signs
    ) -> None:
        """Ask whether to do it, and to whom; then do it."""
        if self.refusal:
            self._say(f"No {kind}: {self.refusal}", "warning")
            return
        choices = scopes(subjects, snapshot)
        if not choices:
            self._say(f"Nothing to {kind}: put the cursor on a session", "warning")
            return
        offered = {one.id for one in choices}
        if scope == ROOT and scope not in offered and snapshot.locks.node(subjects[0].pid) is not None:
            scope = THESE  # it is the root itself
        if scope not in offered:
            self._say("Nobody waits for a lock here", "warning")
            return
        decided = partial(self._decided, snapshot)
        self._app.push_screen(AskScreen(kind, scope, choices, snapshot, signs), decided)

    def _decided(self, snapshot: Snapshot, decision: Decision | None) -> None:
        if decision is not None and decision.sessions:
            self._app.run_worker(self._do(decision, snapshot), group="actions", exit_on_error=False)

    async def _do(self, decision: Decision, snapshot: Snapshot) -> None:
        assert self._actions is not None
        own = snapshot.facts.own_pids if snapshot.facts is not None else frozenset[int]()
        # The last of a queue first: else each one's end would let through those that are next.
        requests = [_request(decision.kind, session, snapshot) for session in reversed(decision.sessions)]
        done = await self._actions.run(requests, own_pids=own)
        message, severity = told(done)
        self._say(message, severity)

    def _say(self, message: str, severity: Severity) -> None:
        self._app.notify(message, severity=severity)


def _request(kind: Kind, session: Session, snapshot: Snapshot) -> ActionRequest:
    """For the session as it was when the question was asked: it may do something else by now."""
    node = snapshot.locks.node(session.pid)
    if node is None:
        return request_for(kind, session)
    held_up = snapshot.locks.held_up(node.key, _HELD_UP)
    return request_for(kind, session, waiting=bool(node.waits), held_up=held_up)


def told(done: ActionsDone) -> tuple[str, Severity]:
    """What came of it in a few lines, and how bad that is: information, warning or error."""
    results = done.results
    kind = results[0].request.kind.capitalize()
    outcomes = {result.outcome for result in results}
    if len(results) == 1:
        message = f"{kind} {_who(results[0])}: {results[0].reason}"
    else:
        counts = Counter(result.outcome for result in results)
        parts = [f"{number} {_WORDS[outcome]}" for outcome, number in counts.most_common()]
        message = f"{kind} of {len(results)} sessions: {', '.join(parts)}"
        troubles = [result for result in results if not result.ok]
        seen: dict[str, ActionResult] = {}
        for result in troubles:
            seen.setdefault(result.reason, result)
        for reason, result in list(seen.items())[:_REASONS]:
            message += f"\n{_who(result)}: {reason}"
    severity: Severity = "error" if outcomes & {"refused", "failed"} else "information"
    if severity == "information" and outcomes & {"sent", "idle"}:
        severity = "warning"
    if done.unrecorded:
        message += f"\nNot recorded: {done.unrecorded}"
        severity = "error"
    return message, severity


def _who(result: ActionResult) -> str:
    name = one_line(result.request.application_name)
    return f"pid {result.request.pid}" + (f" ({name})" if name else "")

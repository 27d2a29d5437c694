"""The one door through which a face explains statements, and keeps and reads plans."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any

from pgscope.capture.keeping import Kept, keep
from pgscope.capture.plan_store import PlanStore, StoredPlan
from pgscope.errors import ConnectionFailed
from pgscope.server.conninfo import Target
from pgscope.server.explain import (
    ExplainFailed,
    ExplainRequest,
    ExplainResult,
    Failures,
    Lift,
    Obstacle,
    Offer,
    Origin,
    Pick,
    Refused,
    Started,
    explain,
    identity,
    offer,
)
from pgscope.server.sense import sensible

__all__ = [
    "ExplainFailed",
    "ExplainRequest",
    "ExplainResult",
    "Explaining",
    "Kept",
    "Lift",
    "Obstacle",
    "Offer",
    "Origin",
    "Pick",
    "Refused",
    "Started",
    "StoredPlan",
]

_END_SECONDS = 6.0
"""For a cancel to get through."""


class Explaining:
    """Explains on the server watched, or on another one named for it, and keeps the plans."""

    def __init__(
        self,
        target: Target,
        *,
        elsewhere: Target | None = None,
        allow_superuser_analyze: bool = False,
        store: PlanStore | None = None,
        timeout_ms: int = 30_000,
    ) -> None:
        """`elsewhere` is where all EXPLAIN goes if given; `store` the user's state folder by default."""
        self._target = target
        self._elsewhere = elsewhere
        self._allow_superuser = allow_superuser_analyze
        self._store = store or PlanStore()
        self._failures = Failures()
        self._at_work: set[asyncio.Task[Any]] = set()
        self._asked: set[str] = set()
        self.timeout_ms = timeout_ms
        """After which the server ends a statement."""

    @property
    def where(self) -> str:
        """Where statements are explained, for people; '' on the server watched."""
        return str(self._elsewhere) if self._elsewhere is not None else ""

    @property
    def superuser_allowed(self) -> bool:
        """Whether ANALYZE may run as a superuser."""
        return self._allow_superuser

    def lifted_by_asking(self, obstacles: Iterable[Obstacle]) -> bool:
        """Whether a person's yes to the functions would lift all of these."""
        given = {Lift.SUPERUSER} if self._allow_superuser else set()
        if self._elsewhere is not None:
            given.add(Lift.ELSEWHERE)
        lifts = [obstacle.lifts - given for obstacle in obstacles]
        return bool(lifts) and all(left == {Lift.FUNCTIONS} for left in lifts)

    async def explain(
        self, request: ExplainRequest, on_start: Callable[[Started], None] | None = None
    ) -> ExplainResult:
        """A plan. Cancelling the task cancels the statement. Raises Refused, ExplainFailed, ConnectionFailed.

        Raised errors know the text that their position is a place in.
        """
        full = self._full(request)
        try:
            return await self._until_cancelled(self._explain(full, on_start))
        except (Refused, ExplainFailed) as error:
            error.text = full.text
            raise

    async def _explain(
        self, full: ExplainRequest, on_start: Callable[[Started], None] | None
    ) -> ExplainResult:
        with sensible():
            home = await self._identity() if full.analyze else None
            return await explain(full, self._server, home=home, failures=self._failures, on_start=on_start)

    async def _until_cancelled(self, work: Coroutine[Any, Any, ExplainResult]) -> ExplainResult:
        """Await work; cancelled however often, cancel it once: a second would cut the first one short."""
        task = asyncio.ensure_future(work)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=_END_SECONDS)
            if done and not task.cancelled():
                task.exception()  # it ended by itself meanwhile: nobody asks any more
            raise

    async def close(self) -> None:
        """Wait for what is being cancelled as the screen ends: a statement must not outlive pgscope."""
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=_END_SECONDS)

    async def offer(self, request: ExplainRequest) -> Offer:
        """What ANALYZE of it would need and what stands in its way. Raises as `explain`."""
        full = self._full(request)
        try:
            with sensible():
                return await offer(full, self._server, failures=self._failures)
        except (Refused, ExplainFailed) as error:
            error.text = full.text
            raise

    async def keep(self, request: ExplainRequest, result: ExplainResult) -> Kept:
        """Keep a plan in the store. Never raises for what the disk does."""
        kept = await asyncio.to_thread(keep, self._store, request, result, time.time())
        self._asked.add(result.server)
        return kept

    async def plans(self) -> tuple[StoredPlan, ...]:
        """All plans kept, the newest first."""
        return await asyncio.to_thread(self._store.everything)

    def concerns(self, plan: StoredPlan, watched: str) -> bool:
        """Whether a plan is of the server watched (its host:port), or of the one asked instead of it."""
        if plan.address == watched or plan.server in self._asked:
            return True
        if self._elsewhere is None:
            return False
        named = self._elsewhere.params
        return plan.address == f"{named.get('host') or 'local'}:{named.get('port') or 5432}"

    @property
    def _server(self) -> Target:
        return self._elsewhere or self._target

    def _full(self, request: ExplainRequest) -> ExplainRequest:
        """The request with what was decided on the command line."""
        away = self._elsewhere is not None
        named = self._elsewhere is not None and "dbname" in self._elsewhere.params
        return replace(
            request,
            # The other server's database is the one named with it; without a name the session's.
            database=None if named else request.database,
            elsewhere=away,
            allow_superuser_analyze=self._allow_superuser,
            timeout_ms=self.timeout_ms,
        )

    async def _identity(self) -> str | None:
        """Of the server watched, where that must be told from the other one; None if it cannot be reached.

        Asked each time: after a restart or a failover it has another one, perhaps the other's.
        """
        if self._elsewhere is None:
            return None
        try:
            return await identity(self._target)
        except ConnectionFailed:
            return None

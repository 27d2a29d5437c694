"""A job on its way: it belongs to the app, so that it goes on while another view is looked at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from textual.app import App
from textual.worker import Worker

from pgscope.analysis.plan import PlanError
from pgscope.capture.explaining import Explaining, Started
from pgscope.errors import PgscopeError
from pgscope.tui.plans.job import Ended, Job, Running, State
from pgscope.tui.plans.reading import reading_of


class Run:
    """Runs a job at once. `watcher` is told when it has come to an end, while there is one."""

    def __init__(
        self, app: App[Any], explaining: Explaining, job: Job, on_unwatched_end: Callable[[Run], None]
    ) -> None:
        """`on_unwatched_end` is told instead where nobody watches; not of what was cancelled."""
        self.job = job
        self.state: State = Running(time.monotonic())
        self.watcher: Callable[[], None] | None = None
        self._explaining = explaining
        self._on_unwatched_end = on_unwatched_end
        self._worker: Worker[None] = app.run_worker(self._run(), group="explain", exit_on_error=False)

    def cancel(self) -> None:
        """Cancel it, on the server too."""
        self._worker.cancel()

    async def _run(self) -> None:
        began = time.monotonic()
        try:
            result = await self._explaining.explain(self.job.request, self._began)
            result = replace(result, parameters=self.job.named(result))
            kept = await self._explaining.keep(self.job.request, result)
            self._end(reading_of(self.job.request, result, kept))
        except PgscopeError as error:
            self._end(Ended(time.monotonic() - began, error))
        except PlanError as error:
            self._end(Ended(time.monotonic() - began, PgscopeError(f"the plan cannot be read: {error}")))
        except asyncio.CancelledError:
            self._end(Ended(time.monotonic() - began))
            raise

    def _began(self, started: Started) -> None:
        if isinstance(self.state, Running):
            self.state = replace(self.state, started=started)

    def _end(self, state: State) -> None:
        self.state = state
        if self.watcher is not None:
            self.watcher()
        elif not (isinstance(state, Ended) and state.error is None):
            self._on_unwatched_end(self)

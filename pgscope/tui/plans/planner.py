"""Takes a statement from any screen to its plan."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.app import App

from pgscope.capture.explaining import Explaining
from pgscope.report.plan_text import milliseconds
from pgscope.text import clean, one_line
from pgscope.tui.plans.ask import AskAnalyze
from pgscope.tui.plans.job import Ended, Job, Running
from pgscope.tui.plans.reading import Reading
from pgscope.tui.plans.run import Run
from pgscope.tui.plans.screen import PlanScreen
from pgscope.tui.plans.subject import Subject


class Planner:
    """Opens the screens of explaining. `explaining` is None where there is no server to ask."""

    def __init__(self, app: App[None], explaining: Explaining | None) -> None:
        self._app = app
        self.explaining = explaining
        self.blocked: Callable[[], str] = str
        """Says why nothing can be explained just now; '' if something can."""
        self._runs: list[Run] = []

    def explain(self, subject: Subject | None, way: tuple[str, ...]) -> None:
        """Plan a statement without running it."""
        if (found := self._checked(subject)) is not None:
            self._show(way, Job(found, found.request()))

    def ask(self, subject: Subject | None, way: tuple[str, ...]) -> None:
        """Ask whether to run it, with which values; then run it."""
        if (found := self._checked(subject)) is not None and self.explaining is not None:
            self._app.push_screen(AskAnalyze(found, self.explaining), partial(self._decided, way))

    def _decided(self, way: tuple[str, ...], job: Job | None) -> None:
        if job is not None:
            self._show(way, job)

    def _show(self, way: tuple[str, ...], job: Job) -> None:
        if (run := self.start(job)) is None:
            return
        # A plan screen in hand gives way to the new one: Escape then leads to where the statement is.
        if isinstance(self._app.screen, PlanScreen):
            self._app.switch_screen(PlanScreen(way, run=run))
        else:
            self._app.push_screen(PlanScreen(way, run=run))

    def start(self, job: Job) -> Run | None:
        """Run a job in the background of all screens; None where there is no server to ask."""
        if self.explaining is None:
            return None
        self._runs = [run for run in self._runs if isinstance(run.state, Running)]
        self._runs.append(Run(self._app, self.explaining, job, self._tell))
        return self._runs[-1]

    def resume(self, way: tuple[str, ...]) -> bool:
        """Come back to what still runs and no screen shows, if there is anything."""
        for run in self._runs:
            if isinstance(run.state, Running) and run.watcher is None:
                self._app.push_screen(PlanScreen(way, run=run))
                return True
        return False

    def _tell(self, run: Run) -> None:
        """Of an end that no screen shows."""
        name, state = run.job.subject.name, run.state
        if isinstance(state, Reading):
            took = f", {milliseconds(state.plan.total_time)} ms" if state.plan.analyzed else ""
            self._app.notify(f"The plan of {name} is there{took}: 6 shows it")
        elif isinstance(state, Ended) and state.error is not None:
            text = f"No plan of {name}: {one_line(clean(str(state.error)))}"
            self._app.notify(text, severity="error")

    def _checked(self, subject: Subject | None) -> Subject | None:
        """The subject if it can be explained; else the reason is told."""
        reason = ""
        if blocked := self.blocked():
            reason = blocked
        elif self.explaining is None:
            reason = "there is no server to ask here"
        elif subject is None:
            reason = "put the cursor on a statement"
        elif not subject.text:
            reason = "its text is not known (yet)"
        if reason:
            self._app.notify(f"No plan: {reason}", severity="warning")
            return None
        return subject

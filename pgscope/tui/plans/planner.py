"""Takes a statement from any screen to its plan."""

from __future__ import annotations

from functools import partial

from textual.app import App

from pgscope.capture.explaining import Explaining
from pgscope.tui.plans.ask import AskAnalyze
from pgscope.tui.plans.job import Job
from pgscope.tui.plans.screen import PlanScreen
from pgscope.tui.plans.subject import Subject


class Planner:
    """Opens the screens of explaining. `explaining` is None where there is no server to ask."""

    def __init__(self, app: App[None], explaining: Explaining | None) -> None:
        self._app = app
        self.explaining = explaining

    def explain(self, subject: Subject | None, way: tuple[str, ...]) -> None:
        """Plan a statement without running it."""
        if (found := self._checked(subject)) is not None:
            self._app.push_screen(PlanScreen(way, job=Job(found, found.request())))

    def ask(self, subject: Subject | None, way: tuple[str, ...]) -> None:
        """Ask whether to run it, with which values; then run it."""
        if (found := self._checked(subject)) is not None and self.explaining is not None:
            self._app.push_screen(AskAnalyze(found, self.explaining), partial(self._decided, way))

    def _decided(self, way: tuple[str, ...], job: Job | None) -> None:
        if job is None:
            return
        # A plan screen in hand gives way to the new one: Escape then leads to where the statement is.
        if isinstance(self._app.screen, PlanScreen):
            self._app.switch_screen(PlanScreen(way, job=job))
        else:
            self._app.push_screen(PlanScreen(way, job=job))

    def _checked(self, subject: Subject | None) -> Subject | None:
        """The subject if it can be explained; else the reason is told."""
        reason = ""
        if self.explaining is None:
            reason = "there is no server to ask here"
        elif subject is None:
            reason = "put the cursor on a statement"
        elif not subject.text:
            reason = "its text is not known (yet)"
        if reason:
            self._app.notify(f"No plan: {reason}", severity="warning", timeout=5, markup=False)
            return None
        return subject

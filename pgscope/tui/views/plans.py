"""`6`: the plans that were kept, of every statement that was explained; two of them side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from pgscope.analysis.snapshot import Snapshot
from pgscope.tui.frame import COPY, Frame
from pgscope.tui.plans.compare import CompareScreen
from pgscope.tui.plans.reading import reading_of_kept, when
from pgscope.tui.plans.screen import PlanScreen
from pgscope.tui.rows import plans
from pgscope.tui.table import LiveTable


class PlansView(Frame):
    """Reads the store when one comes to it; nothing else changes it but explaining."""

    HELP = (
        "Every plan that was made is kept in the state folder (a few for each statement, without literals), "
        "the newest first. The column against the one before says what changed since the last plan of the "
        "same statement. Shown are those of the server in hand, of all its databases; a shows those of all "
        "servers.\n"
        "Enter opens a plan. m marks one; c lays two marked ones side by side, or, with none marked, the one "
        "under the cursor beside the one before it.\n"
        "e and E in the other views make plans. One that is still being made comes up here first."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(COPY, tooltip="Copy the plan's statement"),
        Binding("m", "mark", "Mark", tooltip="Mark a plan to compare it", id="plans.mark"),
        Binding(
            "c",
            "compare",
            "Compare",
            tooltip="The two marked, or this and the one before it",
            id="plans.compare",
        ),
        Binding(
            "a",
            "everywhere",
            "All servers",
            tooltip="Show the plans of all servers, or of the one in hand",
            id="plans.everywhere",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._plans: list[plans.KeptPlan] = []
        self._read = False
        self._shown = (0, 0)
        self._left_out: tuple[str, ...] = ()
        self._drawn: object = None
        self._everywhere = False
        self._elsewhere = 0

    def compose_body(self) -> Iterable[Widget]:
        yield LiveTable(plans.COLUMNS, sort="at", placeholder="Reading the plans kept", id="plans")

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.stage.planner.resume(("Plans",))
        self.run_worker(self._load(), exclusive=True, group="plans", exit_on_error=False)

    async def _load(self) -> None:
        explaining = self.stage.planner.explaining
        if explaining is not None:
            self._plans = await asyncio.to_thread(plans.read, await explaining.plans())
        self._read, self._drawn = True, None
        if self.is_mounted:
            self.paint()

    def show(self, snapshot: Snapshot) -> None:
        status = self.stage.status
        # What is drawn holds until the filter changes, or it is known which server this is.
        wanted = (status.filter, snapshot.facts.address if snapshot.facts is not None else None)
        if not self._read or wanted == self._drawn:
            return
        self._drawn = wanted
        here = self._of_this_server(snapshot)
        self._elsewhere = len(self._plans) - len(here)
        offered = self._plans if self._everywhere else here
        chosen = status.filter.select(offered, plans.GETTERS)
        self._left_out = status.filter.left_out(plans.GETTERS)
        self._shown = (len(chosen), len(offered))
        self.fill(self.query_one(LiveTable), plans.rows(chosen, status.signs), self._nothing(snapshot))

    def _of_this_server(self, snapshot: Snapshot) -> list[plans.KeptPlan]:
        explaining, facts = self.stage.planner.explaining, snapshot.facts
        if explaining is None or facts is None:
            return []
        return [one for one in self._plans if explaining.concerns(one.stored, facts.address)]

    def _nothing(self, snapshot: Snapshot) -> str:
        if self.stage.planner.explaining is None:
            return "A recording has no plans: they are made and kept where a server is watched"
        makes = "e on a statement or session makes one"
        if self._elsewhere:
            known = snapshot.facts is not None
            here = f"No plan of this server kept yet: {makes}" if known else "This server was not reached yet"
            return f"{here}\na shows those of other servers ({self._elsewhere})"
        return f"No plan kept yet: {makes}"

    def remark(self) -> Content:
        marked = len(self.query_one(LiveTable).marked)
        if self._everywhere:
            words = ["of all servers"]
        else:
            words = [f"here, {self._elsewhere} elsewhere (a)"] if self._elsewhere else []
        words += [f"{marked} marked"] if marked else []
        return self.counted(self._shown, "  ".join(words), self._left_out)

    def copied(self) -> str:
        found = self._under_cursor()
        return found.stored.text if found is not None else ""

    def _under_cursor(self) -> plans.KeptPlan | None:
        return self._plan(self.query_one(LiveTable).cursor_key)

    def _plan(self, key: object) -> plans.KeptPlan | None:
        return next((one for one in self._plans if one.key == key), None)

    def action_mark(self) -> None:
        """Mark or unmark the plan under the cursor."""
        self.query_one(LiveTable).toggle_mark()
        self.paint()

    def action_everywhere(self) -> None:
        """Turn between the plans of the server in hand and of all."""
        self._everywhere = not self._everywhere
        self._drawn = None
        self.refresh_bindings()
        self.paint()

    def key_word(self, action: str) -> str | None:
        if action.endswith("everywhere"):
            return "This server" if self._everywhere else "All servers"
        return super().key_word(action)

    def action_compare(self) -> None:
        """Lay two plans side by side."""
        marked = [one for one in self._plans if one.key in self.query_one(LiveTable).marked]
        if not marked and (found := self._under_cursor()) is not None:
            marked = [found, *self._before(found)]
        if len(marked) != 2:
            said = "Mark two plans (m)" if marked else "There is no plan to compare"
            if len(marked) == 1:
                said = "No other plan of this statement was kept before; mark two plans (m) to compare them"
            self.notify(said, severity="warning")
            return
        self.app.push_screen(CompareScreen(("Plans",), *marked))

    def _before(self, plan: plans.KeptPlan) -> list[plans.KeptPlan]:
        """The one before of the same statement, if there is one."""
        same = [
            one for one in self._plans if one.statement == plan.statement and one.stored.at < plan.stored.at
        ]
        return same[:1]

    @on(LiveTable.Opened)
    def _open(self, event: LiveTable.Opened) -> None:
        if (found := self._plan(event.row_key)) is not None:
            stored = found.stored
            name = (
                f"{f'queryid {stored.queryid}' if stored.queryid is not None else 'plan'}, {when(stored.at)}"
            )
            self.app.push_screen(PlanScreen(("Plans",), reading=reading_of_kept(stored), name=name))

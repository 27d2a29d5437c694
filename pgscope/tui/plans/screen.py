"""A plan: made while one looks on, then read as a tree, as text or as JSON."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from pgscope.analysis.snapshot import Snapshot
from pgscope.capture.explaining import Explaining, Refused
from pgscope.report.plan_text import render
from pgscope.text import clean
from pgscope.tui.details.reader import Reader
from pgscope.tui.facts import one_line
from pgscope.tui.frame import COPY_SHOWN, Frame
from pgscope.tui.plans import words
from pgscope.tui.plans.job import Ended, Job, Running, State
from pgscope.tui.plans.reading import Reading
from pgscope.tui.plans.refusal import failure_lines
from pgscope.tui.plans.run import Run
from pgscope.tui.plans.save import save_json
from pgscope.tui.plans.tree import PlanTree
from pgscope.tui.table import LiveTable
from pgscope.tui.tones import cut, styled

FORMS = ("tree", "text", "json", "statement")
_LOOK_EVERY = 0.25
_TALL = 40


class PlanScreen(Frame):
    """Looks at a run until there is its plan, or shows a plan that is there already."""

    HELP = (
        "The plan as a tree. own is what a node cost by itself, all what it cost with everything below it; "
        "rows and blocks are those of all loops together. off says how far the estimate is from the truth: "
        "x12 is twelve times more rows than thought, /12 fewer.\n"
        "own blk counts every visit to a block: found in shared buffers (hit), asked of the system (read), "
        "of temporary tables (local) and temporary files (temp).\n"
        "A number before a node is that of a tip (a), a + is a folded node. Enter shows the node under the "
        "cursor in full, Tab the plan as text, the JSON and the statement.\n"
        "While it runs, Escape cancels it on the server. It goes on while you look at another view: 6 comes "
        "back to it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "pane('tips')", "Tips", tooltip="What to try, at most three", id="plan.tips"),
        Binding(
            "i",
            "pane('about')",
            "About",
            tooltip="Which server made it, as whom, with which values",
            id="plan.about",
            show=False,
        ),
        Binding(
            "tab",
            "form(1)",
            "Text",
            tooltip="As a tree, as text, as JSON; the statement",
            id="plan.form",
            show=False,
        ),
        Binding(
            "E",
            "analyze",
            "Run",
            tooltip="Run it with EXPLAIN ANALYZE; asks first",
            id="plan.analyze",
            show=False,
        ),
        Binding("w", "save", "Save", tooltip="Write the JSON to a file", id="plan.save", show=False),
        replace(COPY_SHOWN, tooltip="Copy what is shown: plan, JSON or statement", show=False),
        Binding("f", "allow", "Plan it", tooltip="Let planning call its functions", id="plan.allow"),
    ]
    DEFAULT_CSS = """
    PlanScreen #plan-head { height: auto; max-height: 3; padding: 0 1; }
    PlanScreen #plan-whole { display: none; }
    PlanScreen #plan-pane {
        height: auto; max-height: 38%; padding: 0 1; display: none; background: $surface;
        border-top: solid $panel;
    }
    PlanScreen.-low #plan-pane { max-height: 50%; border-top: none; }
    PlanScreen #plan-pane Static { height: auto; width: 100%; }
    """

    def __init__(
        self, way: tuple[str, ...], *, run: Run | None = None, reading: Reading | None = None, name: str = ""
    ) -> None:
        """Either a run to look at, or a plan that is there."""
        super().__init__()
        self._way = way
        self._called = name or (run.job.subject.name if run is not None else "plan")
        self._run = run
        self._state: State = reading if reading is not None else Running(time.monotonic())
        self._form = "tree"
        self._pane = "tips" if reading is not None and reading.tips else "about"

    @property
    def state(self) -> State:
        """How far it has come."""
        return self._state

    def crumbs(self) -> tuple[str, ...]:
        # From the screen of the statement its name stands there already.
        return (*self._way, "plan" if self._way[-1:] == (self._called,) else self._called)

    def compose_body(self) -> Iterable[Widget]:
        yield Static("", id="plan-head", markup=False)
        yield PlanTree(self.stage.status.signs)
        with Reader(id="plan-whole"):
            yield Static("", id="plan-whole-text", markup=False)
        with Reader(id="plan-pane", can_focus=False):
            yield Static("", id="plan-pane-text", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        if isinstance(self._state, Reading):
            self._show_reading(self._state)
        elif self._run is not None:
            self.set_interval(_LOOK_EVERY, self._tick)
            self._watch(self._run)

    # --- running it

    @property
    def _explaining(self) -> Explaining | None:
        return self.stage.planner.explaining

    @property
    def _job(self) -> Job | None:
        return self._run.job if self._run is not None else None

    def _watch(self, run: Run) -> None:
        self._run, self._state = run, run.state
        run.watcher = self._ended
        if isinstance(run.state, Reading):
            self._show_reading(run.state)

    def on_unmount(self) -> None:
        """It goes on; the planner tells what comes of it."""
        if self._run is not None and self._run.watcher == self._ended:
            self._run.watcher = None

    def _ended(self) -> None:
        if self._run is None or not self.is_mounted or not self.is_attached:
            return
        self._state = state = self._run.state
        if isinstance(state, Reading):
            self._show_reading(state)
        self.refresh_bindings()
        self.paint()

    def _tick(self) -> None:
        if self._run is not None and isinstance(self._state, Running):
            self._state = self._run.state
            self.paint()

    # --- showing it

    def show(self, snapshot: Snapshot) -> None:  # noqa: ARG002
        head, tree = self.query_one("#plan-head", Static), self.query_one(PlanTree)
        whole = self.query_one("#plan-whole", Reader)
        width = max(20, self.size.width - 2)
        _put(head, self._head(width))
        as_tree = isinstance(self._state, Reading) and self._form == "tree"
        had_focus = whole.has_focus if as_tree else tree.has_focus
        tree.display, whole.display = as_tree, not as_tree
        if had_focus or self.focused is None:
            (tree if as_tree else whole).focus()
        if not as_tree:
            _put(self.query_one("#plan-whole-text", Static), self._whole(width))
        self._draw_pane()

    def _head(self, width: int) -> Content:
        state = self._state
        if isinstance(state, Reading):
            lines = [one_line(words.summary(state), width)]
            if state.changed.startswith("plan changed"):
                lines.append(cut(styled(state.changed, "warn"), width))
            return Content("\n").join(lines)
        if isinstance(state, Running):
            return self._progress(state, width)
        return styled(
            f"No plan: {'failed' if state.error else 'cancelled'} after {state.seconds:.1f} s", "bad"
        )

    def _progress(self, state: Running, width: int) -> Content:
        assert self._job is not None
        request, explaining = self._job.request, self._explaining
        gone = time.monotonic() - state.since
        limit = explaining.timeout_ms / 1000 if explaining is not None else 0.0
        doing = "running it (EXPLAIN ANALYZE)" if request.analyze else "planning"
        line = f"{doing}: {gone:.0f} s of at most {limit:g} s; Escape cancels it on the server"
        if state.started is not None:
            one = state.started
            where = f"pid {one.pid} on {one.server}, database {one.database}, as {one.role}"
            return Content("\n").join(
                [styled(line, "accent"), styled(self.stage.status.signs.text(where), "muted")]
            )
        return cut(styled(line, "accent"), width)

    def _whole(self, width: int) -> Content:
        """What is shown in place of the tree."""
        state, signs = self._state, self.stage.status.signs
        if isinstance(state, Reading):
            if self._form == "text":
                return Content(signs.text(render(state.plan, width - 2, state.tips)))
            return Content(signs.text(clean(state.json if self._form == "json" else state.statement)))
        statement = self._job.request.text if self._job is not None else ""
        lines: list[Content] = []
        if isinstance(state, Ended):
            if state.error is not None:
                lines = failure_lines(state.error, width, signs)
                if self._may_allow(state):
                    lines.append(
                        styled("f plans it all the same: planning may call what is named above.", "accent")
                    )
            else:
                lines = [Content("Cancelled on the server: nothing of it goes on there.")]
        return Content("\n").join([*lines, Content(""), Content(signs.text(clean(statement)))])

    def _show_reading(self, reading: Reading) -> None:
        self._pane = "tips" if reading.tips else "about"
        self.query_one(PlanTree).show_reading(reading)

    def _draw_pane(self) -> None:
        pane = self.query_one("#plan-pane", Reader)
        state, signs = self._state, self.stage.status.signs
        shown = isinstance(state, Reading) and self._form == "tree" and bool(self._pane)
        pane.display = shown
        if not shown or not isinstance(state, Reading):
            return
        node = self.query_one(PlanTree).node
        parts: list[list[Content]] = []
        tall = self.size.height >= _TALL
        if node is not None and (self._pane == "node" or tall):
            parts.append(words.node_lines(state.plan, node, signs))
        if self._pane == "tips" or (tall and state.tips):
            parts.append(words.tip_lines(state, signs))
        if self._pane == "about":
            parts.append(words.about_lines(state, max(20, self.size.width - 3), signs))
        blocks = [Content("\n").join(lines) for lines in parts]
        _put(self.query_one("#plan-pane-text", Static), Content("\n\n").join(blocks))

    def remark(self) -> Content:
        if isinstance(self._state, Reading):
            forms = [styled(form, "heading" if form == self._form else "muted") for form in FORMS]
            return Content(" ").join([styled("tab", "muted"), *forms])
        return Content("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing now are not there."""
        reading = isinstance(self._state, Reading)
        if action == "filter":
            return False
        if action in ("pane", "form", "save", "copy"):
            return reading
        if action == "analyze":
            return self._job is not None and not isinstance(self._state, Running)
        if action == "allow":
            return isinstance(self._state, Ended) and self._may_allow(self._state)
        return super().check_action(action, parameters)

    @on(LiveTable.Highlighted)
    def _moved(self) -> None:
        if self.is_mounted:
            self._draw_pane()
            self.query_one("#plan-pane", Reader).scroll_home(animate=False)

    @on(LiveTable.Opened)
    def _opened(self) -> None:
        self.action_pane("node")

    # --- actions

    def action_pane(self, what: str) -> None:
        """Show this below the tree; the same again takes it away."""
        self._pane = "" if self._pane == what and self._form == "tree" else what
        self._form = "tree"
        self.paint()
        self.query_one("#plan-pane", Reader).scroll_home(animate=False)

    def action_form(self, steps: int) -> None:
        """The next of tree, text, JSON and statement."""
        self._form = FORMS[(FORMS.index(self._form) + steps) % len(FORMS)]
        self.query_one("#plan-whole", Reader).scroll_home(animate=False)
        self.paint()

    def action_back(self) -> None:
        """Cancel what runs; otherwise leave."""
        if isinstance(self._state, Running) and self._run is not None:
            self._run.cancel()
        else:
            super().action_back()

    def copied(self) -> str:
        state = self._state
        if not isinstance(state, Reading):
            return ""
        if self._form == "json":
            return state.json
        return state.statement if self._form == "statement" else render(state.plan, 120, state.tips)

    def action_save(self) -> None:
        """Write the JSON to a file, and say where it is."""
        if not isinstance(self._state, Reading):
            return
        try:
            path = save_json(self._state.json, self._called, time.time())
        except OSError as error:
            self.notify(f"Not saved: {error.strerror or error}", severity="error")
        else:
            self.notify(f"Saved {path}")

    def action_analyze(self) -> None:
        """Ask whether to run it."""
        if self._job is not None:
            self.stage.planner.ask(self._job.subject, self._way)

    def _may_allow(self, state: Ended) -> bool:
        explaining = self._explaining
        return (
            isinstance(state.error, Refused)
            and explaining is not None
            and explaining.lifted_by_asking(state.error.obstacles)
        )

    def action_allow(self) -> None:
        """The person said yes to the functions that planning may call."""
        if self._job is not None:
            job = replace(self._job, request=replace(self._job.request, allow_functions=True))
            if (run := self.stage.planner.start(job)) is not None:
                self._watch(run)
            self.refresh_bindings()
            self.paint()


def _put(widget: Static, content: Content) -> None:
    """Show content, without a paint if it is what is there."""
    shown = widget.content
    if not isinstance(shown, Content) or shown != content or shown.spans != content.spans:
        widget.update(content)

"""Asks before a statement is run: what, as whom, for how long at most, with which values."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from pgscope.capture.explaining import Explaining, Offer, Pick, Refused
from pgscope.errors import PgscopeError
from pgscope.report import numbers
from pgscope.text import clean, one_line
from pgscope.tui.facts import Fact, flow
from pgscope.tui.facts import one_line as on_one_line
from pgscope.tui.glyphs import Signs, terminal_signs
from pgscope.tui.keyline import KeyLine
from pgscope.tui.plans.job import Job
from pgscope.tui.plans.parameters import (
    COLUMNS,
    Parameter,
    origins_of,
    parameters_of,
    rows,
    source_of,
    values_of,
)
from pgscope.tui.plans.refusal import failure_lines, obstacle_lines
from pgscope.tui.plans.subject import Subject
from pgscope.tui.table import LiveTable
from pgscope.tui.table.keys import BINDINGS as TABLE_KEYS
from pgscope.tui.tones import styled

_MOVES = frozenset({"table.up", "table.down", "table.page_up", "table.page_down", "table.home", "table.end"})
_LONGEST = 4000
_MOST_VALUES = {"-tall": 20, "-low": 2, "-short": 4}
"""Parameters that are in view on a screen of that class; 6 on others."""
"""Characters of the statement that are shown; the rest is counted."""


class _Values(LiveTable, inherit_bindings=False):
    BINDINGS: ClassVar[list[BindingType]] = [
        *(binding for binding in TABLE_KEYS if binding.id in _MOVES),
        Binding("enter", "open", "Type", tooltip="Type in a value", id="analyze.type"),
    ]


class _Typed(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", tooltip="Leave the value as it was", id="analyze.leave"),
    ]

    def action_leave(self) -> None:
        """Leave the value as it was."""
        self.display = False
        self.screen.query_one(_Values).focus()


class AskAnalyze(ModalScreen["Job | None"]):
    """Dismissed with the job to run, or None. It looks at the statement in the background first."""

    DEFAULT_CSS: ClassVar[str] = """
    AskAnalyze { align: center middle; background: $background 60%; }
    AskAnalyze > Vertical {
        width: 96%; max-width: 120; height: auto; max-height: 98%; background: $surface; padding: 0 1;
        border: round $text-warning;
    }
    AskAnalyze Static { height: auto; }
    AskAnalyze #analyze-statement { height: auto; max-height: 5; scrollbar-size-vertical: 1; }
    AskAnalyze.-tall #analyze-statement { max-height: 20; }
    AskAnalyze LiveTable { height: auto; display: none; background: $surface; }
    AskAnalyze Input { display: none; height: 1; border: none; padding: 0; background: $panel; }
    AskAnalyze Input:focus { border: none; }
    AskAnalyze #analyze-trouble { max-height: 8; height: auto; scrollbar-size-vertical: 1; }
    AskAnalyze.-short #analyze-statement { max-height: 2; }
    AskAnalyze.-short #analyze-trouble { max-height: 5; }
    AskAnalyze.-low > Vertical { border: none; }
    AskAnalyze.-low #analyze-statement { max-height: 1; }
    AskAnalyze.-low #analyze-source { max-height: 1; }
    AskAnalyze.-low.-asking #analyze-trouble { max-height: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "run", "Yes, run it", tooltip="Run it", id="analyze.yes"),
        Binding("escape,n,q", "leave", "No", tooltip="Do not run it", id="analyze.no", key_display="esc"),
        Binding(
            "c", "pick('most common')", "Common", tooltip="All: the most common values", id="analyze.common"
        ),
        Binding("t", "pick('typical')", "Typical", tooltip="All: typical values", id="analyze.typical"),
        Binding("r", "pick('rare')", "Rare", tooltip="All: rare values", id="analyze.rare"),
        Binding("v", "next", "Other", tooltip="Another value for this one", id="analyze.next", show=False),
        Binding("N", "null", "NULL", tooltip="NULL for this one", id="analyze.null", show=False),
        Binding("l", "live", "Live", tooltip="The statement as a session runs it", id="analyze.live"),
        Binding("f", "allow", "Allow", tooltip="Its functions are harmless: allow them", id="analyze.allow"),
    ]
    AUTO_FOCUS = ""

    def __init__(self, subject: Subject, explaining: Explaining) -> None:
        super().__init__()
        self._subject = subject
        self._explaining = explaining
        self._request = subject.request()
        self._live = -1
        self._offer: Offer | None = None
        self._error: PgscopeError | None = None
        self._parameters: list[Parameter] = []
        self._signs: Signs = terminal_signs()

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("", id="analyze-title", markup=False)
            with VerticalScroll(id="analyze-statement", can_focus=False):
                yield Static("", id="analyze-text", markup=False)
            yield Static("", id="analyze-facts", markup=False)
            with VerticalScroll(id="analyze-trouble", can_focus=False):
                yield Static("", id="analyze-reasons", markup=False)
            yield _Values(COLUMNS, sort=None, id="analyze-values")
            yield Static("", id="analyze-source", markup=False)
            yield _Typed(compact=True, id="analyze-input")
            yield KeyLine()

    def on_mount(self) -> None:
        self._look()

    def on_resize(self) -> None:
        self.set_class(self.size.height >= 40, "-tall")
        self.set_class(self.size.height < 22, "-short")
        self.set_class(self.size.height < 16, "-low")
        self._draw()

    # --- what is known before it is run

    def _look(self) -> None:
        self._offer, self._error, self._parameters = None, None, []
        self.run_worker(self._ask_server(), exclusive=True, group="offer", exit_on_error=False)
        self._draw()

    async def _ask_server(self) -> None:
        try:
            self._offer = await self._explaining.offer(self._request)
            self._parameters = parameters_of(self._offer)
        except PgscopeError as error:
            self._error = error
        if self.is_mounted:
            self._draw()
            if self._parameters:
                self.query_one(_Values).focus()

    @property
    def _obstacles(self) -> bool:
        return self._offer is not None and bool(self._offer.obstacles)

    @property
    def _ready(self) -> bool:
        """Whether y may run it."""
        return (
            self._offer is not None and not self._obstacles and all(one.origins for one in self._parameters)
        )

    @property
    def _may_allow(self) -> bool:
        if self._error is not None:
            refused = isinstance(self._error, Refused)
            return refused and self._explaining.lifted_by_asking(getattr(self._error, "obstacles", ()))
        return self._offer is not None and self._explaining.lifted_by_asking(self._offer.obstacles)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing now are not there."""
        if action == "run":
            return self._ready
        if action == "pick":
            return any(Pick(str(parameters[0])) in one.offered for one in self._parameters)
        if action in ("next", "null"):
            return bool(self._parameters)
        if action == "live":
            return bool(self._subject.live)
        if action == "allow":
            return self._may_allow
        return super().check_action(action, parameters)

    # --- showing it

    def _draw(self) -> None:
        if not self.is_mounted or not self.query(_Values):
            return
        width = max(20, min(round(self.app.size.width * 0.96), 120) - 6)
        text = self._request.text
        more = f"\n({len(text) - _LONGEST:,} more characters)" if len(text) > _LONGEST else ""
        self.query_one("#analyze-title", Static).update(self._title())
        self.query_one("#analyze-text", Static).update(
            Content(self._signs.text(clean(text[:_LONGEST]) + more))
        )
        told = on_one_line if self.has_class("-short") else flow
        self.query_one("#analyze-facts", Static).update(told(self._facts(), width))
        trouble = self._trouble(width)
        self.query_one("#analyze-trouble").display = bool(trouble)
        self.query_one("#analyze-reasons", Static).update(Content("\n").join(trouble))
        table = self.query_one(_Values)
        table.display = bool(self._parameters)
        self.set_class(bool(self._parameters), "-asking")
        most = next((most for name, most in _MOST_VALUES.items() if self.has_class(name)), 6)
        table.styles.height = 1 + min(len(self._parameters), most)
        table.set_rows(rows(self._parameters))
        self._draw_source()
        self.refresh_bindings()

    @on(LiveTable.Highlighted)
    def _draw_source(self) -> None:
        """Where the value under the cursor comes from, in full."""
        current = self._current
        said = source_of(current) if current is not None else ""
        line = self.query_one("#analyze-source", Static)
        line.display = bool(said)
        line.update(styled(self._signs.text(said), "muted"))

    def _title(self) -> Content:
        if self._error is not None:
            return styled("This statement is not run", "heading")
        if self._offer is None:
            return styled("Looking at what this statement needs to run (EXPLAIN ANALYZE)...", "heading")
        if self._obstacles:
            return styled("This statement is not run", "heading")
        if not self._ready:
            said = "To run it with EXPLAIN (ANALYZE), give every parameter a value"
            return styled(said, "heading")
        return styled("Run this statement with EXPLAIN (ANALYZE), then roll back?", "heading")

    def _facts(self) -> list[Fact]:
        subject, signs = self._subject, self._signs
        facts = []
        if self._live >= 0:
            facts.append(Fact("as run by pid", str(subject.live[self._live].pid), "accent"))
        if self._offer is not None:
            started = self._offer.started
            facts += [
                Fact("as", signs.text(started.role), "heading"),
                Fact("database", signs.text(started.database)),
                Fact("search_path", signs.text(one_line(started.search_path))),
                Fact("on", signs.text(started.server), "warn" if self._explaining.where else "normal"),
            ]
        else:
            facts += [
                Fact("role", signs.text(subject.user) or "?"),
                Fact("database", signs.text(subject.database) or "?"),
            ]
        if self._explaining.superuser_allowed:
            facts.append(Fact("", "ANALYZE as a superuser is allowed here", "warn"))
        facts.append(Fact("timeout", f"{self._explaining.timeout_ms / 1000:g} s"))
        if subject.mean_ms is not None:
            facts.append(Fact("mean", numbers.millis(subject.mean_ms)))
            longest: Fact = Fact("longest", numbers.millis(subject.max_ms))
            if subject.max_ms is not None and subject.max_ms > self._explaining.timeout_ms / 2:
                longest = longest._replace(tone="warn")
            facts += [longest, Fact("calls", numbers.count(subject.calls))]
        else:
            facts.append(Fact("", "mean and longest time are not known", "muted"))
        return facts

    def _trouble(self, width: int) -> list[Content]:
        lines: list[Content] = []
        if self._error is not None:
            lines = failure_lines(self._error, width, self._signs)
        elif self._offer is not None:
            lines = obstacle_lines(self._offer.obstacles, self._request.text, width, self._signs)
            notes = self._offer.generic.notes
            lines += [
                styled(self._signs.text(f"{self._signs.notice} {clean(note, lines=False)}"), "warn")
                for note in notes
            ]
        if self._may_allow:
            lines.append(styled("f allows the functions named above for this once.", "accent"))
        if self._subject.live and self._live < 0 and self._parameters:
            lines.append(
                styled(
                    f"l takes the text of pid {self._subject.live[0].pid}, which runs it with values.",
                    "accent",
                )
            )
        return lines

    # --- values

    def _replace(self, changed: Parameter) -> None:
        self._parameters = [changed if one.number == changed.number else one for one in self._parameters]
        self._draw()

    @property
    def _current(self) -> Parameter | None:
        key = self.query_one(_Values).cursor_key
        return next((one for one in self._parameters if one.number == key), None)

    def action_pick(self, name: str) -> None:
        """Take the values of this kind wherever there are any."""
        self._parameters = [one.picked(Pick(name)) for one in self._parameters]
        self._draw()

    def action_next(self) -> None:
        """Another value for the parameter under the cursor."""
        if self._current is not None:
            self._replace(self._current.next())

    def action_null(self) -> None:
        """NULL for the parameter under the cursor."""
        if self._current is not None:
            self._replace(self._current.with_null())

    @on(LiveTable.Opened)
    def _type(self) -> None:
        current = self._current
        if current is None:
            return
        field = self.query_one(_Typed)
        origins = current.origins
        field.value = ", ".join(origin.value or "" for origin in origins)
        field.placeholder = "values, with commas between" if current.is_list else "value"
        field.display = True
        field.focus()

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        if self._current is not None and not event.value and not self._current.origins:
            self.query_one(_Typed).action_leave()  # nothing was typed: that is no value
            return
        if self._current is not None:
            self._replace(self._current.with_text(event.value))
        empty = next((one.number for one in self._parameters if not one.origins), None)
        if empty is not None:  # straight on to the next that needs a value
            self.query_one(_Values).move_to_key(empty)
            self._type()
            return
        event.input.display = False
        self.query_one(_Values).focus()

    def action_live(self) -> None:
        """The text as a session runs it, with its values; after the last one the normalised text again."""
        self._live += 1
        if self._live >= len(self._subject.live):
            self._live = -1
            self._request = self._subject.request()
        else:
            live = self._subject.live[self._live]
            self._request = self._subject.request(live.text, self._subject.live_limit)
        self._look()

    def action_allow(self) -> None:
        """The person said yes to the functions that it may call."""
        self._request = replace(self._request, allow_functions=True)
        self._look()

    # --- the answer

    def action_leave(self) -> None:
        """Do nothing."""
        self.dismiss(None)

    def action_run(self) -> None:
        """Run it."""
        request = replace(self._request, analyze=True, values=values_of(self._parameters))
        self.dismiss(Job(self._subject, request, origins_of(self._parameters)))

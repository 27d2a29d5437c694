"""The app: runs the watch, keeps what is shown, and says which screen is up. It knows no view."""

from __future__ import annotations

import gc
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.console import Console
from textual import events, on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.message import Message
from textual.notifications import Notify, SeverityLevel
from textual.screen import Screen
from textual.scrollbar import ScrollBar, ScrollBarRender

from pgscope.analysis.filter import EVERYTHING, Filter, FilterError
from pgscope.analysis.snapshot import Snapshot
from pgscope.capture.source import Source
from pgscope.config import ColumnChoice, Config, ConfigError
from pgscope.tui.clipboard import give_tmux, osc52
from pgscope.tui.columns.kept import KeptColumns
from pgscope.tui.frame import Frame
from pgscope.tui.hangup import leave_when_told
from pgscope.tui.ignoring import Ignoring
from pgscope.tui.keyorder import KeyOrder
from pgscope.tui.keys import BINDINGS
from pgscope.tui.notices import SHOWN_FOR, TOASTS, NoticesScreen, beginning, in_two_lines
from pgscope.tui.plain import PLAIN_BORDERS, PlainScrollBar
from pgscope.tui.replay.timebar import TimeBar
from pgscope.tui.rowkeys import hold_row
from pgscope.tui.saying import Sayings
from pgscope.tui.served import Begin, Served, Server
from pgscope.tui.slowlink import DrainDriver, LatestPaint
from pgscope.tui.stage import Status
from pgscope.tui.table import LiveTable
from pgscope.tui.tabs import TabLine
from pgscope.tui.views import FLEET, VIEWS

# What is not needed for the first screen is imported when it is: it would take as long as all the rest.
if TYPE_CHECKING:
    from pgscope.capture.actions import Actions as ServerActions
    from pgscope.capture.checking import Checking
    from pgscope.capture.explaining import Explaining
    from pgscope.capture.recording.recording import Recording
    from pgscope.tui.acting.hands import Hands
    from pgscope.tui.fleet.view import FleetView
    from pgscope.tui.palette import Actions
    from pgscope.tui.plans.planner import Planner

INTERVALS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds; what + and - go through."""
REST_AFTER = 60.0
"""Seconds of pause after which the sampler rests: nobody looks."""


def _palette() -> type[Actions]:
    from pgscope.tui.palette import Actions

    return Actions


class PgscopeApp(App[None]):
    """Shows one server at a time: `source` gives samples of it, `actions` act on it, `explaining` plans.

    `others` are watched beside it; the fleet view shows all of them, and leads to each.
    """

    TITLE = "pgscope"
    CSS = "SearchIcon { display: none; }" + TOASTS + PLAIN_BORDERS
    COMMANDS: ClassVar[Any] = {_palette, *App.COMMANDS}
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = list[BindingType](BINDINGS)

    class Taken(Message):
        """There is something new of a server: the one message of a poll."""

        def __init__(self, served: Served) -> None:
            self.served = served
            super().__init__()

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, PgscopeApp.Taken) and message.served is self.served

    def __init__(
        self,
        source: Source,
        *,
        read_only: bool = False,
        title: str = "",
        actions: ServerActions | None = None,
        config: Config | None = None,
        explaining: Callable[[], Explaining] | None = None,
        checking: Checking | None = None,
        others: Sequence[Server] = (),
        recording: Recording | None = None,
        begin: Begin | None = None,
    ) -> None:
        """With a `recording` that is shown, from where `begin` says."""
        # Textual would turn the colours of a theme into greys, and 16 colours those into black on black.
        no_color = "NO_COLOR" in os.environ
        super().__init__(driver_class=DrainDriver, ansi_color=True if no_color else None)
        self.animation_level = "none"
        config = config or Config()
        self.theme = "ansi-dark" if no_color else config.theme or _theme()
        first = Server(source, title, actions, explaining, checking, recording, begin or Begin())
        self._servers = [
            Served(self, number, server, self._told, redact=config.redact)
            for number, server in enumerate((first, *others))
        ]
        self._current = self._servers[0]
        self._fleet = self._new_fleet() if others else None
        self._status = Status(
            interval=source.interval,
            read_only=read_only,
            replay=recording is not None,
            filter=Filter.parse(config.filter),
        )
        self._keys = dict(config.keymap)
        self._ignoring = Ignoring(config)
        self._columns = KeptColumns(config)
        self._painter: LatestPaint[None] = LatestPaint(self, self._paint)
        self._pauses = 0
        self._sayings = Sayings(self._show_said, lambda: bool(self._screen_stack) and self.screen.is_modal)
        self._key_order = KeyOrder(self, super().on_event)

    def _new_fleet(self) -> FleetView:
        from pgscope.tui.fleet.view import FleetView

        return FleetView(self._servers)

    # --- the stage (see `pgscope.tui.stage`)

    @property
    def snapshot(self) -> Snapshot:
        """What is on the screen now, of the server in hand."""
        return self._current.snapshot

    @property
    def status(self) -> Status:
        """How it is shown."""
        served = self._current
        down = sum(one.down for one in self._servers if one is not served)
        return replace(
            self._status,
            title=served.title,
            failure=served.failure,
            others_down=down,
            past=served.past.state,
            recording=served.past.recording,
        )

    @property
    def source(self) -> Source:
        """The samples of the server in hand."""
        return self._current.source

    @property
    def hands(self) -> Hands:
        """What cancels and terminates on the server in hand."""
        return self._current.hands

    @property
    def planner(self) -> Planner:
        """What explains on the server in hand."""
        return self._current.planner

    @property
    def tabs(self) -> Sequence[tuple[str, str, str]]:
        """The views as (id, key, title)."""
        views = (FLEET, *VIEWS) if self._fleet is not None else VIEWS
        return [(view.id, view.key, view.title) for view in views]

    def set_filter(self, text: str) -> None:
        """Take a filter as typed; one that does not parse leaves the one before and says why."""
        try:
            self._change(filter=Filter.parse(text) if text.strip() else EVERYTHING, filter_error="")
        except FilterError as error:
            self._change(filter_error=str(error))

    def toggle(self, name: str) -> None:
        """Turn `idle`, `own` or `background` round."""
        self._change(**{name: not getattr(self._status, name)})

    def copy_text(self, text: str) -> None:
        """Send to the terminal's clipboard, and say what."""
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(osc52(text, os.environ))
        if os.environ.get("TMUX"):
            self.run_worker(give_tmux(text), group="clipboard", exit_on_error=False)
        # Whether the terminal takes it nobody tells us.
        self.notify(f"Sent to the terminal's clipboard: {beginning(text, self._status.signs)}")

    @property
    def said(self) -> Sequence[str]:
        """What was said lately, the newest last."""
        return self._sayings.said

    def notify(
        self,
        message: str,
        *,
        title: str = "",  # noqa: ARG002 - never
        severity: SeverityLevel = "information",
        timeout: float | None = None,  # noqa: ARG002 - the same for all
        markup: bool = False,  # noqa: ARG002 - never
    ) -> None:
        """Say something in a line or two, until the next key; behind a question, when that is answered."""
        self._sayings.say(message, severity)

    def _show_said(self, message: str, severity: SeverityLevel) -> None:
        shown = in_two_lines(message, self.size.width, self._status.signs)
        super().notify(shown, severity=severity, timeout=SHOWN_FOR, markup=False)

    @on(Notify)
    def _one_at_a_time(self) -> None:
        self._notifications.clear()

    def say_unsaid(self) -> None:
        """Say what a question kept from being said."""
        self._sayings.say_unsaid()

    @property
    def ignored(self) -> Mapping[str, str]:
        """Notes on the findings ignored, by fingerprint."""
        return self._ignoring.notes

    def ignore(self, fingerprint: str, note: str | None, *, for_good: bool = True) -> None:
        """Ignore a finding, for good or for this run, with a note on it; with None, no longer."""
        self._ignoring.change(fingerprint, note, for_good=for_good)
        self._ignored_changed(fingerprint)

    def undo_ignore(self) -> None:
        """Take the last change of what is ignored back."""
        if (undone := self._ignoring.undo()) is not None:
            self._ignored_changed(undone[0])
            self.notify("Ignored again" if undone[1] is not None else "Shown again")

    @property
    def columns(self) -> Mapping[str, Sequence[ColumnChoice]]:
        """The columns chosen, by the name of the table."""
        return self._columns.choices

    def choose_columns(self, table: LiveTable) -> None:
        """Let someone choose the columns of a table."""
        from pgscope.tui.columns.screen import ColumnsScreen
        from pgscope.tui.columns.tables import TABLES

        name = table.id or ""
        if name in TABLES:
            changed = partial(self._columns_changed, name)
            chosen = self._columns.choices.get(name, ())
            decided = partial(self._columns_decided, name, chosen)
            self.push_screen(ColumnsScreen(table, chosen, self._status.signs, changed), decided)

    def _columns_changed(self, name: str, chosen: Sequence[ColumnChoice]) -> None:
        if self._columns.change(name, chosen):
            for screen in self.screen_stack:
                if isinstance(screen, Frame):
                    screen.paint()

    def _columns_decided(self, name: str, before: Sequence[ColumnChoice], keep: bool | None) -> None:
        if not keep:
            self._columns_changed(name, before)
        elif tuple(self._columns.choices.get(name, ())) != tuple(before):
            self._keep(self._columns.keep(name))

    def _ignored_changed(self, fingerprint: str) -> None:
        for served in self._servers:
            served.judge_anew(self._ignoring.settings)
        self._repaint()
        self._keep(self._ignoring.keep(fingerprint))

    @work(group="configuration", exit_on_error=False)
    async def _keep(self, writing: Awaitable[None]) -> None:
        """Write what holds to the configuration; where that fails it holds until the end, and is said."""
        try:
            await writing
        except ConfigError as error:
            self.notify(f"Not kept for the next time: {error}", severity="error")

    def _change(self, **changes: Any) -> None:
        self._status = replace(self._status, **changes)
        self._repaint()

    # --- keys

    async def on_event(self, event: events.Event) -> None:
        """Let keys and pasted texts take effect in the order in which they came."""
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            if self._notifications:
                self.clear_notifications()
            if isinstance(event, events.Key):
                hold_row(self, event.key)
            await self._key_order.take(event)
        else:
            await super().on_event(event)

    # --- watching

    def on_mount(self) -> None:
        if not self.is_headless:
            leave_when_told(lambda status: self.exit(return_code=status), lambda: not self.is_running)
            # What is there by now stays; thousands of rows for each snapshot would else have it all walked
            # through, for up to 0.1 s at a time.
            gc.freeze()
            gc.set_threshold(50_000, 20, 50)
            gc.enable()
        plain = self._status.signs.ascii_only
        ScrollBar.renderer = PlainScrollBar if plain else ScrollBarRender
        self.set_class(plain, "-ascii")
        self.set_keymap(self._keys)
        # Before the screen: a first poll may be there by now, and is then drawn in the first frame.
        for served in self._servers:
            watching = served.run(lambda: self._ignoring.settings)
            self.run_worker(watching, group=f"watch-{served.number}", exit_on_error=False)
        self.action_view(VIEWS[0].id if self._fleet is None else FLEET.id)

    def _told(self, served: Served) -> None:
        if not served.snapshot.at and not self._status.paused:
            # The first frame has the rows then: one without them would be drawn before, for nothing.
            served.snapshot = served.newest
        self.post_message(self.Taken(served))

    @on(Taken)
    def _taken(self, event: Taken) -> None:
        served = event.served
        # The last of it can come when the screens are gone.
        if self._status.paused or not self._screen_stack:
            return
        if served is self._current or self.screen is self._fleet:
            self._painter.offer(None)
        else:
            served.snapshot = served.newest

    def _paint(self, _: None) -> None:
        if not self._status.paused:
            self._take_newest()
            self._repaint()

    def _take_newest(self) -> None:
        for served in self._servers:
            served.snapshot = served.newest

    def _repaint(self) -> None:
        """Paint the frame in hand, be it behind a question: what is asked about goes on."""
        for screen in reversed(self._screen_stack):
            if isinstance(screen, (Frame, NoticesScreen)):
                screen.paint()
            if not screen.is_modal:
                return

    # --- actions

    def action_view(self, view: str) -> None:
        """Show a view of the server in hand (or the fleet), whatever one had drilled to."""
        frame: Frame
        if view == FLEET.id:
            if self._fleet is None:
                self.notify("One server only is shown here; for several: pgscope connect A B")
                return
            # A past is of one server, and would stand among the present of the others.
            for served in self._servers:
                served.past.leave()
            frame, name = self._fleet, view
        else:
            frame, name = self._frame(view), f"{self._current.number}-{view}"
        if not self.is_screen_installed(name):
            frame.view = view
            self.install_screen(frame, name)
        frame.entered()
        if self.screen is frame:
            return
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if len(self.screen_stack) < 2:
            self.push_screen(name)
        elif self.screen is not frame:
            self.switch_screen(name)

    def _frame(self, view: str) -> Frame:
        """A view of the server in hand: each server has its own, with its cursor and its order."""
        frames = self._current.frames
        if view not in frames:
            spec = next(spec for spec in VIEWS if spec.id == view)
            frames[view] = spec.screen()
        return frames[view]

    def on_fleet_view_entered(self, event: FleetView.Entered) -> None:
        """Go to one of the servers, and there to a finding if one was opened."""
        self._current = event.served
        # Words for a server, or for findings, say nothing of what it is opened for.
        self._status = replace(self._status, filter=EVERYTHING, filter_error="")
        self.action_view("applications" if event.finding is None else "findings")
        if event.finding is not None:
            from pgscope.tui.details.finding import FindingScreen

            self.push_screen(FindingScreen(event.finding))

    @on(TabLine.Chosen)
    def _chosen(self, event: TabLine.Chosen) -> None:
        self.action_view(event.view)

    def action_doctor(self) -> None:
        """Look the set-up of the server in hand over."""
        from pgscope.tui.doctor.screen import DoctorScreen

        checking = self._current.checking
        if self.screen is self._fleet:
            self.notify("One server is looked over at a time: Enter goes to it")
        elif checking is None:
            self.notify("There is no server to look over here", severity="warning")
        elif any(isinstance(one, DoctorScreen) for one in self.screen_stack):
            self.notify("This is the doctor; r looks again at its list")
        elif isinstance(self.screen, Frame):
            self.push_screen(DoctorScreen(checking))

    def action_pause(self) -> None:
        """Freeze the screen, or go on with the newest; in the past, play or pause."""
        if (player := self._current.past.player) is not None:
            player.toggle()
            self._repaint()
            return
        paused = not self._status.paused
        self._pauses += 1
        for served in self._servers:
            served.source.resting = False
            if paused:
                served.freeze()
        if paused:
            self.set_timer(REST_AFTER, partial(self._rest, self._pauses))
        else:
            self._take_newest()
        self._change(paused=paused)

    def _fatal_error(self) -> None:
        """End after an error of our own, without Textual's traceback: it would print texts of the server."""
        self._close_messages_no_wait()

    @property
    def fatal(self) -> BaseException | None:
        """The error that ended the app, if one did."""
        return self._exception

    def _rest(self, pause: int) -> None:
        for served in self._servers:
            served.source.resting = self._status.paused and pause == self._pauses

    def action_interval(self, steps: int) -> None:
        """Poll more or less often; in the past, play faster or slower."""
        if (player := self._current.past.player) is not None:
            player.change_speed(steps)
            self._repaint()
            return
        now = self.source.interval
        longer = [value for value in INTERVALS if value > now * 1.001]
        shorter = [value for value in INTERVALS if value < now * 0.999]
        nearest = longer[:1] if steps > 0 else shorter[-1:]
        interval = nearest[0] if nearest else now
        for served in self._servers:
            served.source.interval = interval
        self._change(interval=interval)

    def action_suspend_process(self) -> None:
        """Stop, if there is a shell that can bring us back: it gave us a group of our own."""
        if not self.is_headless and os.getsid(0) == os.getpgrp():
            self.notify("There is no shell here to go back to")
        else:
            super().action_suspend_process()

    def action_help_quit(self) -> None:
        """Ctrl-C is no key of ours, but many press it."""
        quits = next((key for key, one in self.active_bindings.items() if one.binding.id == "app.quit"), "q")
        self.notify(f"{quits} quits")

    def action_past(self, what: str, amount: float = 0.0) -> None:
        """Move in the past, into it or out of it; record, or save the last minutes."""
        if self.screen is self._fleet:
            self.notify("The past is of one server: Enter goes to it")
            return
        if self._status.paused:
            self.action_pause()
        self._current.past.act(what, amount, lambda: self._ignoring.settings)
        self._repaint()

    @on(TimeBar.Chosen)
    def _moment_chosen(self, event: TimeBar.Chosen) -> None:
        if (player := self._current.past.player) is not None:
            player.seek(event.at)

    def on_unmount(self) -> None:
        """Write the ends of recordings."""
        for served in self._servers:
            served.past.close()

    def action_help(self) -> None:
        """Explain the view in hand."""
        screen = self.screen
        if isinstance(screen, Frame):
            from pgscope.tui.help import HelpScreen, keys_of

            title = next((view.title for view in (FLEET, *VIEWS) if view.id == screen.view), "Help")
            self.push_screen(HelpScreen(title, screen.HELP, keys_of(screen)))

    def get_key_display(self, binding: Binding) -> str:
        """A key's name, with symbols only where the terminal shows them."""
        shown = super().get_key_display(binding)
        return shown if shown.isascii() or not self._status.signs.ascii_only else binding.key

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Of Textual's own commands the one that we have no key for, and that means something over SSH."""
        return (one for one in super().get_system_commands(screen) if one.title == "Theme")

    def action_command_palette(self) -> None:
        """As Textual does; what it says of itself can be shown by any terminal."""
        if not CommandPalette.is_open(cast("App[object]", self)):
            self.push_screen(CommandPalette(placeholder="Search for a command", id="--command-palette"))


def _theme() -> str:
    """Textual's own dark theme; on a terminal of 16 colours the one that uses the terminal's own."""
    colours = Console(stderr=True).color_system
    return "ansi-dark" if colours == "standard" else "textual-dark"

"""What every screen has: header, notices, where one is, a body, the filter line, the footer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key
from textual.screen import Screen
from textual.widget import Widget

from pgscope.analysis.activity import state_word
from pgscope.analysis.filter_hints import hints
from pgscope.analysis.snapshot import Snapshot
from pgscope.config import ColumnChoice
from pgscope.tui.filterline import FilterLine
from pgscope.tui.header import HeaderLines
from pgscope.tui.keptlines import KeptLines
from pgscope.tui.keyline import KeyLine
from pgscope.tui.notices import NoticeLine, NoticesScreen
from pgscope.tui.replay.timebar import TimeBar
from pgscope.tui.stage import Stage, Status
from pgscope.tui.table import LiveTable, Row
from pgscope.tui.tabs import TabLine
from pgscope.tui.tones import styled

if TYPE_CHECKING:
    from pgscope.tui.plans.subject import Subject

COPY = Binding(
    "y", "copy", "Copy", tooltip="Copy the statement under the cursor", id="frame.copy", show=False
)
COPY_SHOWN = replace(COPY, show=True)
IDLE_TOGGLE = Binding(
    "i", "show_also('idle')", "Idle", tooltip="Show or hide idle sessions", id="frame.idle", show=False
)
OWN_TOGGLE = Binding(
    "o", "show_also('own')", "Own", tooltip="Show or hide pgscope's own sessions", id="frame.own", show=False
)
BACKGROUND_TOGGLE = Binding(
    "b",
    "show_also('background')",
    "Background",
    tooltip="Show or hide background processes",
    id="frame.background",
    show=False,
)
EXPLAIN = (
    Binding("e", "explain", "Plan", tooltip="Plan the statement without running it", id="frame.explain"),
    Binding(
        "E",
        "analyze",
        "Run plan",
        tooltip="Run the statement with EXPLAIN ANALYZE; asks first",
        id="frame.analyze",
        show=False,
    ),
)
"""For screens that give a `subject`."""
SESSION_TOGGLES = (IDLE_TOGGLE, OWN_TOGGLE, BACKGROUND_TOGGLE)
_ELSEWHERE = {
    "slash": "There are no rows to filter here",
    "w": "The load is drawn on Applications (1), or of one application",
    "f": "A statement is laid out where it is open: Enter",
    **dict.fromkeys("eE", "Plans are made of statements: 3, or of what a session runs: 2"),
    **dict.fromkeys("cT", "Sessions are cancelled and ended on Sessions (2) and Locks (4)"),
}
_RUNS = ("explain", "analyze")
"""Actions that nothing can come of while the past is shown."""
_FORWARD = tuple(
    f"past({what})"
    for what in ("'move', 10", "'move', 300", "'step', 1", "'finding', 1", "'wait', 1", "'now'")
)
"""Those that nothing can come of while the present is."""
_OF_A_SERVER = ("doctor", "past('now')", "past('record')", "past('save')")
"""Those that a recording has nothing for."""
_OF_A_ROW = ("copy", *_RUNS)
_SPEED = {"interval(1)": "Faster", "interval(-1)": "Slower"}
"""What the keys of the interval do while the past is shown."""
_PARTS = (HeaderLines, TimeBar, NoticeLine, TabLine, FilterLine)


_Line = TypeVar("_Line", bound=Widget)


class Frame(KeptLines, Screen[None]):
    """A screen of pgscope. A subclass gives `compose_body` and `show`, its HELP and its keys."""

    HELP: ClassVar[str] = ""
    """What the view says, in plain sentences; `?` shows it above the keys."""

    view = ""
    """The id of the view that it is; the app sets it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash", "filter", "Filter", tooltip="Show only some rows", id="frame.filter", key_display="/"
        ),
        COPY,
        Binding(
            "C",
            "columns",
            "Columns",
            tooltip="Choose the columns of the table: which, in which order, how wide",
            id="frame.columns",
            show=False,
        ),
        Binding("escape", "back", "Back", tooltip="Go back, or clear the filter", id="frame.back"),
        Binding(
            "n",
            "notices",
            "Notices",
            tooltip="What is missing, in full, and what was said lately",
            id="frame.notices",
            show=False,
        ),
    ]
    AUTO_FOCUS = "LiveTable, Reader"
    DEFAULT_CSS: ClassVar[str] = """
    Frame { background: $background; color: $foreground; }
    Frame > KeyLine { background: $surface; }
    """

    @property
    def stage(self) -> Stage:
        """The app."""
        return cast(Stage, self.app)

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[type[Widget], Widget] = {}
        self._columns_shown: dict[str, Sequence[ColumnChoice]] = {}
        self._keys_for: object = None

    # --- for subclasses

    def compose_header(self) -> HeaderLines:
        """The lines above everything: by default those of the server in hand."""
        return HeaderLines()

    def notices(self, snapshot: Snapshot) -> tuple[str, ...]:
        """What is missing or wrong, the worst first."""
        return snapshot.notices

    def in_full(self, snapshot: Snapshot) -> tuple[str, ...]:
        """What `n` tells: the notices, and before them why there is no connection, cut off in the header."""
        link = snapshot.link
        down = () if link.connected or not link.reason else (f"Not connected: {link.reason}",)
        return (*down, *self.notices(snapshot))

    def compose_body(self) -> Iterable[Widget]:
        """The widgets between header and footer."""
        return ()

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot in the body. No I/O here, and nothing that needs one."""

    def entered(self) -> None:
        """The key of this view was pressed, be it while it is shown."""

    def remark(self) -> Content:
        """What the tab line says at the right."""
        return Content("")

    def marks(self) -> int:
        """How many rows are marked for what acts on several."""
        return 0

    def crumbs(self) -> tuple[str, ...]:
        """The way here, where one has drilled; nothing for a view of its own."""
        return ()

    def copied(self) -> str:
        """What `y` copies."""
        return ""

    def subject(self) -> Subject | None:
        """The statement that `e` and `E` explain, on screens with the keys for it."""
        return None

    def counted(self, shown: tuple[int, int], words: str = "", left_out: tuple[str, ...] = ()) -> Content:
        """For `remark`: how many rows of how many, a word on them, and what of the filter does not apply."""
        some, whole = shown
        parts = [Content(f"{some} of {whole}" if some != whole else str(whole))]
        if left_out:
            parts.append(styled(f"({', '.join(left_out)}: not in this view)", "warn"))
        if words:
            parts.append(Content(words))
        return Content("  ").join(parts)

    def fill(self, table: LiveTable, rows: Sequence[Row], nothing: str) -> None:
        """Show rows in a table; `nothing` if there are none, unless it is the filter that hides them."""
        if not rows:
            status = self.stage.status
            if status.filter_error:
                nothing = "The filter cannot be read yet"
            elif status.filter:
                nothing = "\n".join(("Nothing matches the filter", *hints(status.filter)))
            table.set_placeholder(status.signs.text(nothing))
        table.set_rows(rows)

    # --- the frame

    def compose(self) -> ComposeResult:
        yield self.compose_header()
        yield TimeBar()
        yield NoticeLine()
        yield TabLine()
        yield from self.compose_body()
        yield FilterLine(self._values)
        yield KeyLine()

    def on_mount(self) -> None:
        self.paint()

    def on_screen_resume(self) -> None:
        self.paint()
        self.stage.say_unsaid()

    def on_key(self, event: Key) -> None:
        """Say where a key does something that only some screens have: it is tried on others."""
        where = _ELSEWHERE.get(event.key)
        if where is not None and event.key not in self.active_bindings:
            self.notify(where)

    def on_resize(self) -> None:
        self.set_class(self.size.height < 16, "-low")

    def _compositor_refresh(self) -> None:
        # While nothing may be drawn (as until the app has begun) Textual works whole frames out for nothing.
        if self.app._batch_count:
            self.refresh()
        else:
            super()._compositor_refresh()

    def paint(self) -> None:
        """Bring everything up to what the stage shows now."""
        # A snapshot can come before the frame is composed, and while it is taken down.
        if not self.is_mounted or not self._is_whole():
            return
        snapshot, status = self.stage.snapshot, self.stage.status
        with self.app.batch_update():
            self._choose_columns()
            self._line(HeaderLines).show(snapshot, status)
            self._line(TimeBar).show(status.past, status.signs)
            self._line(NoticeLine).show(self.notices(snapshot), status.signs)
            self.show(snapshot)
            self._say(status)

    def _is_whole(self) -> bool:
        for part in _PARTS:
            found = self._parts.get(part)
            if found is None or found.parent is not self:
                # Not by a query: to match selectors at each paint costs as much as a few rows.
                found = next((child for child in self.children if isinstance(child, part)), None)
                if found is None:
                    return False
                self._parts[part] = found
        return True

    def _line(self, kind: type[_Line]) -> _Line:
        """One of the parts that every frame has."""
        found = self._parts.get(kind)
        return found if isinstance(found, kind) else self.query_one(kind)

    def _choose_columns(self) -> None:
        chosen = dict(self.stage.columns)
        if chosen != self._columns_shown:
            self._columns_shown = chosen
            for table in self.query(LiveTable):
                table.choose(chosen.get(table.id or "", ()))

    def _say(self, status: Status) -> None:
        tabs = self._line(TabLine)
        if crumbs := self.crumbs():
            tabs.set_crumbs(tuple(status.signs.text(crumb) for crumb in crumbs), status.signs.crumb)
        else:
            tabs.set_tabs(self.stage.tabs, self.view)
        remark = self.remark()
        parts = [remark]
        if marks := self.marks():
            parts.insert(0, styled(f"{marks} marked (M clears)", "accent"))
        shown = status.filter and self.check_action("filter", ())
        filtered = styled(f"/ {status.signs.text(status.filter.text)}", "warn") if shown else Content("")
        tabs.set_remark(Content("  ").join([part for part in parts if part]), filtered)
        hint = "; ".join(hints(status.filter)) if self._filtering else ""
        self._line(FilterLine).say(status.filter_error, hint, remark.plain)
        waits = bool(self.stage.snapshot.locks.nodes)
        if (keys_for := (*_standing(status), bool(status.filter), bool(marks), waits)) != self._keys_for:
            if self._keys_for is not None:
                self.refresh_bindings()
            self._keys_for = keys_for

    @property
    def _filtering(self) -> bool:
        return self._line(FilterLine).display

    def _values(self) -> Mapping[str, Iterable[str]]:
        """Words to complete a filter from: those of the sessions at hand."""
        sessions = self.stage.snapshot.sessions
        return {
            "app": (session.application_name for session in sessions),
            "user": (session.user for session in sessions),
            "db": (session.database for session in sessions),
            "client": (session.client_addr for session in sessions),
            "state": (state_word(session) for session in sessions),
            "wait": (session.wait_event_type for session in sessions),
        }

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Filter and columns are keys only where there is a table, back where there is something to leave."""
        if action == "filter" and self.is_mounted and self._filtering:
            return False
        if action in ("columns", "filter"):
            return bool(self.query(LiveTable))
        if action == "back":
            return bool(self.crumbs()) or bool(self.stage.status.filter)
        return super().check_action(action, parameters)

    # --- actions

    def action_other_table(self) -> None:
        """On a screen with two tables, go to the other one; on a low screen only that one shows."""
        above, below = self.query(LiveTable)
        target = below if self.focused is above else above
        for table in (above, below):
            table.set_class(table is target, "-chosen")
        target.focus()

    def action_filter(self) -> None:
        """Open the filter line."""
        self._line(FilterLine).open(self.stage.status.filter.text)
        self._say(self.stage.status)

    @on(FilterLine.Typed)
    def _filter_typed(self, event: FilterLine.Typed) -> None:
        self.stage.set_filter(event.text)

    @on(FilterLine.Closed)
    def _filter_closed(self, event: FilterLine.Closed) -> None:
        if event.keep and self.stage.status.filter_error:
            return  # what is typed is not in force: it stays, with what is wrong
        self._line(FilterLine).close()
        if not event.keep:
            self.stage.set_filter("")
        if tables := self.query(LiveTable):
            self.set_focus(tables.first())
        self.paint()

    def key_word(self, action: str) -> str | None:
        """What the footer calls a key here, where it is not what it is called elsewhere.

        '' leaves it out: it would only say why it cannot do anything now.
        """
        status = self.stage.status
        past, stands = _standing(status)
        if action in (_RUNS if past else _FORWARD) or (status.replay and action in _OF_A_SERVER):
            return ""
        if action in _OF_A_ROW and isinstance(self.focused, LiveTable) and not self.focused.rows:
            return ""
        if past and action in _SPEED:
            return _SPEED[action]
        if action == "pause" and stands:
            return "Play" if past else "Go on"
        clears = action.endswith("back") and not self.crumbs() and status.filter
        return "Clear filter" if clears else None

    def action_back(self) -> None:
        """Leave a screen one has drilled to; on a view, clear the filter."""
        if self.crumbs():
            self.dismiss()
        elif self.stage.status.filter:
            self.stage.set_filter("")

    def action_columns(self) -> None:
        """Choose the columns of the table that has the focus."""
        tables = self.query(LiveTable)
        focused = self.focused
        table = focused if isinstance(focused, LiveTable) else tables.first() if tables else None
        if table is not None:
            self.stage.choose_columns(table)

    def action_notices(self) -> None:
        """Show all notices in full."""
        stage = self.stage
        notices = NoticesScreen(lambda: self.in_full(stage.snapshot), lambda: stage.said, stage.status.signs)
        self.app.push_screen(notices)

    def action_show_also(self, name: str) -> None:
        """Show or hide a kind of sessions."""
        self.stage.toggle(name)

    def action_explain(self) -> None:
        """Plan the statement under the cursor."""
        self.stage.planner.explain(self.subject(), self._way_from_here())

    def action_analyze(self) -> None:
        """Ask whether to run the statement under the cursor."""
        self.stage.planner.ask(self.subject(), self._way_from_here())

    def _way_from_here(self) -> tuple[str, ...]:
        return self.crumbs() or tuple(title for view, _, title in self.stage.tabs if view == self.view)

    def action_copy(self) -> None:
        """Copy what the cursor is on."""
        if text := self.copied():
            self.stage.copy_text(text)
        else:
            self.notify("There is nothing to copy here")


def _standing(status: Status) -> tuple[bool, bool]:
    """Whether it is the past that is shown, and whether it stands still."""
    past = status.past
    return past is not None, not past.playing if past is not None else status.paused

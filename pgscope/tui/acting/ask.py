"""Asks before anything is done: what will be hit, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pgscope.analysis.activity import is_hidden, is_idle, transaction_age
from pgscope.analysis.signalling import refusal
from pgscope.analysis.snapshot import Snapshot
from pgscope.capture.actions import Kind
from pgscope.report import numbers
from pgscope.sample import Session
from pgscope.text import one_line
from pgscope.tui.acting.scopes import Scope
from pgscope.tui.glyphs import Signs
from pgscope.tui.keyline import KeyLine
from pgscope.tui.rows.sessions import LONGEST_LINE, age_of, name_of, state_text
from pgscope.tui.tones import cut, styled

_REASONS = 3
"""Different refusals told of one set."""
_LISTED = 200
"""Sessions listed; the rest are counted."""


class Decision(NamedTuple):
    """What someone said yes to."""

    kind: Kind
    sessions: tuple[Session, ...]


class AskScreen(ModalScreen["Decision | None"]):
    """Dismissed with a decision, or None. What it lists stays as it was when the key was pressed."""

    DEFAULT_CSS: ClassVar[str] = """
    AskScreen { align: center middle; background: $background 60%; }
    AskScreen > Vertical {
        width: 96%; max-width: 110; height: auto; max-height: 96%; background: $surface; padding: 0 1;
        border: round $text-error;
    }
    AskScreen VerticalScroll { height: auto; max-height: 12; scrollbar-size-vertical: 1; }
    AskScreen.-tall VerticalScroll { max-height: 36; }
    AskScreen.-low > Vertical { border: none; }
    AskScreen.-low VerticalScroll { max-height: 3; }
    AskScreen Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "decide", "Yes, do it", tooltip="Do it", id="ask.yes"),
        Binding("escape,n,q", "leave", "No", tooltip="Do nothing", id="ask.no", key_display="esc"),
        Binding("c", "kind('cancel')", "Cancel", tooltip="Cancel the statements only", id="ask.cancel"),
        Binding("T", "kind('terminate')", "Terminate", tooltip="End the sessions", id="ask.terminate"),
        Binding(
            "t",
            "scope('these')",
            "These",
            tooltip="The session under the cursor, or those marked",
            id="ask.these",
        ),
        Binding("r", "scope('root')", "Blocker", tooltip="The blocker that they wait for", id="ask.root"),
        Binding(
            "a", "scope('behind')", "Behind", tooltip="All that wait behind that blocker", id="ask.behind"
        ),
        Binding("j,down", "scroll(1)", "Down", tooltip="Scroll down", id="ask.down", show=False),
        Binding("k,up", "scroll(-1)", "Up", tooltip="Scroll up", id="ask.up", show=False),
    ]

    def __init__(
        self, kind: Kind, scope: str, choices: Sequence[Scope], snapshot: Snapshot, signs: Signs
    ) -> None:
        super().__init__()
        self._kind: Kind = kind
        self._choices = {one.id: one for one in choices}
        self._scope = scope if scope in self._choices else next(iter(self._choices))
        self._snapshot = snapshot
        self._signs = signs

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("", id="ask-title", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static("", id="ask-list", markup=False)
            yield Static("", id="ask-warning", markup=False)
            yield KeyLine()

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self.set_class(self.size.height >= 48, "-tall")
        self.set_class(self.size.height < 16, "-low")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys for what is so already, or cannot be chosen, are not there."""
        if action == "kind":
            return parameters[0] != self._kind
        if action == "scope":
            return parameters[0] != self._scope and parameters[0] in self._choices
        if action == "decide":
            return any(can_work(self._kind, one) for one in self._chosen.sessions)
        return super().check_action(action, parameters)

    def key_word(self, action: str) -> str | None:
        """Where the server will refuse all, yes is no more than a try: someone may have granted it since."""
        if not action.endswith("decide"):
            return None
        facts = self._snapshot.facts
        refused = all(refusal(session, facts) for session in self._chosen.sessions)
        return "Try anyway" if refused else "Yes, do it"

    @property
    def _chosen(self) -> Scope:
        return self._choices[self._scope]

    def _draw(self) -> None:
        chosen, width = self._chosen, max(20, min(self.app.size.width, 110) - 8)
        self.query_one("#ask-title", Static).update(title(self._kind, chosen))
        lines = []
        for session in chosen.sessions[:_LISTED]:
            lines += described(session, self._snapshot, self._signs, width)
        if len(chosen.sessions) > _LISTED:
            lines.append(styled(f"and {len(chosen.sessions) - _LISTED} more", "muted"))
        self.query_one("#ask-list", Static).update(Content("\n").join(lines))
        said = warnings(self._kind, chosen, self._snapshot, self._signs)
        warning = self.query_one("#ask-warning", Static)
        warning.display = bool(said)
        warning.update(styled("\n".join(said), "warn"))
        self.query_one(VerticalScroll).scroll_home(animate=False)
        self.refresh_bindings()

    def action_kind(self, kind: Kind) -> None:
        """Turn between cancel and terminate."""
        self._kind = kind
        self._draw()

    def action_scope(self, scope: str) -> None:
        """Choose whom."""
        self._scope = scope
        self._draw()

    def action_scroll(self, lines: int) -> None:
        """Scroll the list."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_leave(self) -> None:
        """Do nothing."""
        self.dismiss(None)

    def action_decide(self) -> None:
        """Do it."""
        self.dismiss(Decision(self._kind, self._chosen.sessions))


def title(kind: Kind, scope: Scope) -> Content:
    """The question."""
    many = len(scope.sessions) != 1
    what = "TERMINATE" if kind == "terminate" else f"Cancel the statement{'s' if many else ''} of"
    return Content.assemble(styled(f"{what} ", "heading"), styled(scope.title, "bad"), styled("?", "heading"))


def described(session: Session, snapshot: Snapshot, signs: Signs, width: int) -> list[Content]:
    """Who it is, what it blocks, and its statement on a line of its own."""
    node = snapshot.locks.node(session.pid)
    age, open_for = age_of(session, snapshot.at), transaction_age(session, snapshot.at)
    client = f" from {session.client_addr}" if session.client_addr else ""
    who = f"pid {session.pid}  {name_of(session)}  {session.user}@{session.database}{client}"
    parts = [state_text(session, signs) + (f" {numbers.seconds(age)}" if age is not None else "")]
    if open_for is not None:
        parts.append(f"transaction open {numbers.seconds(open_for)}")
    if node is not None and node.behind:
        parts.append(f"{signs.blocking} blocks {node.behind}")
    query = one_line(session.query[:LONGEST_LINE])
    lines = [
        cut(styled(signs.text(who), "heading"), width),
        cut(Content(signs.text("  " + ", ".join(parts))), width),
    ]
    if query:
        lines.append(cut(styled(signs.text("  " + query), "muted"), width))
    return lines


def can_work(kind: Kind, session: Session) -> bool:
    """Whether it may have an effect, as far as that is known: not on what is idle, or hidden from this role.

    What is hidden is the session of a role whose rights this one does not have; it may not signal it either.
    """
    if is_hidden(session):
        return False
    return kind == "terminate" or not is_idle(session)


def warnings(kind: Kind, scope: Scope, snapshot: Snapshot, signs: Signs) -> list[str]:
    """What will not work, or not as one might think, before it is tried."""
    said = []
    if scope.remark:
        said.append(scope.remark)
    quiet = [session for session in scope.sessions if is_idle(session)]
    if kind == "cancel" and quiet:
        who = f"pid {quiet[0].pid} runs" if len(quiet) == 1 else f"{len(quiet)} of them run"
        said.append(f"{who} no statement now, so there is nothing to cancel: T ends the session instead")
    facts = snapshot.facts
    refusals = Counter(reason for session in scope.sessions if (reason := refusal(session, facts)))
    for reason, many in refusals.most_common(_REASONS):
        whole = many == len(scope.sessions)
        said.append(f"The server will refuse{'' if whole else f' {many} of them'}: {reason}")
    if not refusals and facts is not None and any(is_hidden(session) for session in scope.sessions):
        said.append(
            f"hidden from {facts.user}, so it cannot be told from another session with the same pid; "
            f"needs: GRANT pg_monitor TO {facts.user}"
        )
    return [signs.text(f"{signs.notice} {line}") for line in said]

"""All keys of the screen, view by view: what `pgscope help keys` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.binding import Binding
from textual.keys import key_to_character

from pgscope.tui import keys
from pgscope.tui.columns.screen import ColumnsScreen
from pgscope.tui.details.finding import FindingScreen
from pgscope.tui.details.group import GroupScreen
from pgscope.tui.details.ignored import IgnoredScreen
from pgscope.tui.details.live_statement import LiveStatementScreen
from pgscope.tui.details.reader import Reader
from pgscope.tui.details.session import SessionScreen
from pgscope.tui.details.statement import StatementScreen
from pgscope.tui.details.wait import WaitScreen
from pgscope.tui.doctor.screen import DoctorScreen
from pgscope.tui.fleet.view import FleetView
from pgscope.tui.frame import Frame
from pgscope.tui.plans.compare import CompareScreen
from pgscope.tui.plans.screen import PlanScreen
from pgscope.tui.plans.tree import PlanTree
from pgscope.tui.sessionframe import SessionFrame
from pgscope.tui.table.keys import BINDINGS as TABLE
from pgscope.tui.views import FLEET, VIEWS

Key = tuple[str, str, str]
"""Keys, what they do, and their id."""


def sections() -> Iterator[tuple[str, list[Key]]]:
    """Titles with their keys; a key that several screens have stands where it is first."""
    seen: set[str] = set()
    parts: list[tuple[str, Iterable[object]]] = [
        ("Everywhere", (*keys.BINDINGS, *_own(Frame))),
        ("In tables", TABLE),
        ("In text", _own(Reader)),
        ("Wherever there are sessions", _own(SessionFrame)),
    ]
    parts += [(f"{view.key} {view.title}", _own(view.screen)) for view in VIEWS]
    parts += [(f"{FLEET.key} {FLEET.title}", _own(FleetView))]
    parts += [
        ("An application", _own(GroupScreen)),
        ("A session", _own(SessionScreen)),
        ("A statement", (*_own(StatementScreen), *_own(LiveStatementScreen))),
        ("A wait that is over", _own(WaitScreen)),
        ("A finding", _own(FindingScreen)),
        ("Ignored findings", _own(IgnoredScreen)),
        ("A plan", _own(PlanScreen)),
        ("The tree of a plan", _own(PlanTree)),
        ("Two plans", _own(CompareScreen)),
        ("Doctor", _own(DoctorScreen)),
        ("Choosing columns", _own(ColumnsScreen)),
    ]
    for title, bindings in parts:
        found = [_key(one) for one in bindings if isinstance(one, Binding) and one.id not in seen]
        seen.update(name for _, _, name in found)
        if found:
            yield title, found


def _own(screen: type) -> Iterable[object]:
    return tuple(vars(screen).get("BINDINGS", ()))


_NAMES = {"pageup": "page up", "pagedown": "page down", "slash": "/", "plus": "+", "minus": "-", "at": "@"}


def _shown(key: str) -> str:
    """A key as it is on the keyboard: Textual names characters as Unicode does."""
    if key in _NAMES:
        return _NAMES[key]
    character = key_to_character(key) if len(key) > 1 else None
    return character if character is not None and character.isprintable() else key


def _key(binding: Binding) -> Key:
    shown = " ".join(_shown(key.strip()) for key in binding.key.split(","))
    return (shown, binding.tooltip, binding.id or "")

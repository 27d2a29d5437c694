"""`?`: what the view in hand says, and every key that works there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from pgscope.analysis.filter import FIELDS, NUMBER
from pgscope.tui.glyphs import terminal_signs
from pgscope.tui.tones import styled

_KEY_WIDTH = 14


def _signs() -> str:
    """What the signs beside words mean, as this terminal shows them."""
    signs = terminal_signs()
    return (
        f"{signs.waiting} waits for a lock  {signs.queued} queued behind others  "
        f"{signs.blocking} blocks others  "
        f"{signs.finding} found  {signs.about} rests on sampling"
    )


class HelpScreen(ModalScreen[None]):
    """Covers the view with its help. Escape goes back."""

    DEFAULT_CSS: ClassVar[str] = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen > VerticalScroll {
        width: 96%; max-width: 100; height: 96%; background: $surface; padding: 0 2;
        scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Back", tooltip="Back to the view", id="help.back"),
        Binding("j,down", "scroll(1)", "Down", tooltip="Scroll down", id="help.down"),
        Binding("k,up", "scroll(-1)", "Up", tooltip="Scroll up", id="help.up"),
        Binding("space", "scroll_page", "Page", tooltip="Scroll down by a page", id="help.page"),
        Binding("g", "scroll(-9999)", "Top", tooltip="Go to the top", id="help.top"),
        Binding("G", "scroll(9999)", "End", tooltip="Go to the end", id="help.end"),
    ]

    def __init__(self, title: str, text: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._keys = keys

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(self._content())

    def _content(self) -> Content:
        parts = [styled(f"{self._title}\n", "heading"), Content(self._text + "\n")]
        parts.append(Content(_signs() + "\n"))
        parts.append(styled("\nKeys\n", "heading"))
        for key, tooltip in self._keys:
            parts.append(Content.assemble(styled(key.ljust(_KEY_WIDTH), "accent"), f"{tooltip}\n"))
        parts.append(styled("\nFilter (/)\n", "heading"))
        parts.append(
            Content(
                "Terms side by side must all hold. word: anywhere; field:text: contains; field=text: "
                'exactly; a|b: either; !term: not; "two words".\n'
            )
        )
        for name, field in FIELDS.items():
            example = f"{name}>5" if field.kind == NUMBER and name != "pid" else f"{name}:"
            parts.append(Content.assemble(styled(example.ljust(_KEY_WIDTH), "accent"), f"{field.help}\n"))
        return Content("").join(parts)

    def action_scroll(self, lines: int) -> None:
        """Scroll by some lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_scroll_page(self) -> None:
        """Scroll down by a page."""
        self.query_one(VerticalScroll).scroll_page_down(animate=False)


def keys_of(screen: Screen[Any]) -> list[tuple[str, str]]:
    """The keys that work on a screen, with what each does: once each, in the order of their ids."""
    found: dict[str, tuple[list[str], str]] = {}
    for active in screen.active_bindings.values():
        name = binding_name(active)
        if name is None:
            continue
        keys, _ = found.setdefault(name, ([], active.binding.tooltip or active.binding.description))
        keys.append(screen.app.get_key_display(active.binding))
    return [(" ".join(dict.fromkeys(keys)), tooltip) for keys, tooltip in found.values()]


def binding_name(active: ActiveBinding) -> str | None:
    """The id of a binding of ours; None for what Textual brings of its own and for keys without a word."""
    binding = active.binding
    if binding.system or not binding.description or not binding.id or not active.enabled:
        return None
    return binding.id

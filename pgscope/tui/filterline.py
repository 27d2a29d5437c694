"""The line in which a filter is typed: it works as one types, and says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from pgscope.analysis.filter import complete
from pgscope.tui.tones import styled

Values = Callable[[], Mapping[str, Iterable[str]]]


class _FromScreen(Suggester):
    """Completes the last term from the fields and from what is on the screen."""

    def __init__(self, values: Values) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._values = values

    async def get_suggestion(self, value: str) -> str | None:
        return complete(value, self._values())


class _FilterInput(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "Clear", tooltip="Clear the filter", id="filter.clear", show=True),
        Binding("enter", "keep", "Keep", tooltip="Keep the filter and go back to the rows", id="filter.keep"),
        Binding("tab", "cursor_right", "Complete", tooltip="Take the completion", id="filter.complete"),
    ]

    def action_clear(self) -> None:
        self.post_message(FilterLine.Closed(keep=False))

    def action_keep(self) -> None:
        self.post_message(FilterLine.Closed(keep=True))


class _Parts:
    """What the line is made of."""

    def __init__(self, values: Values) -> None:
        self.prompt = Static("/", classes="filter--prompt", markup=False)
        self.input = _FilterInput(
            placeholder="word  app:  state:  wait:  age>5s  !not   (outside, ? lists all)",
            suggester=_FromScreen(values),
            compact=True,
            select_on_focus=False,
        )
        self.said = Static("", classes="filter--said", markup=False)
        self.wrong = Static("", classes="filter--wrong", markup=False)


class FilterLine(Vertical):
    """A prompt, the text and how many rows are left; below, what is wrong. Not there until it is opened."""

    DEFAULT_CSS: ClassVar[str] = """
    FilterLine { height: auto; background: $surface; padding: 0 1; display: none; }
    FilterLine > Horizontal { height: 1; }
    FilterLine .filter--prompt { width: 2; }
    FilterLine Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    FilterLine Input:focus { border: none; }
    FilterLine .filter--said { width: auto; max-width: 60%; margin-left: 1; }
    FilterLine > .filter--wrong { height: auto; max-height: 3; margin-left: 2; display: none; }
    """

    class Typed(Message):
        """The text changed."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    class Closed(Message):
        """Enter (keep the filter) or Escape (clear it)."""

        def __init__(self, keep: bool) -> None:
            self.keep = keep
            super().__init__()

    def __init__(self, values: Values) -> None:
        super().__init__()
        self._values = values
        self._parts: _Parts | None = None
        self._saying = ("", "", "")

    def compose(self) -> ComposeResult:
        yield Horizontal()

    def open(self, text: str) -> None:
        """Show the line with the filter as it is, ready for typing."""
        if self._parts is None:
            # Not before: most screens are never filtered, and the first rows would wait for it.
            self._parts = parts = _Parts(self._values)
            self.query_one(Horizontal).mount(parts.prompt, parts.input, parts.said)
            self.mount(parts.wrong)
        typed = self._parts.input
        with typed.prevent(Input.Changed):
            typed.value = text
        typed.cursor_position = len(text)
        self.display = True
        # At once, not by a message: what is typed right behind the / belongs to the filter.
        self.screen.set_focus(typed)

    def close(self) -> None:
        """Take the line away."""
        self.display = False

    def say(self, error: str, hint: str = "", remark: str = "") -> None:
        """Show what is wrong or hardly meant, and how many rows are left."""
        # Said only where it is seen: each new text has the screen laid out.
        if self._parts is not None and self.display and (error, hint, remark) != self._saying:
            self._saying = (error, hint, remark)
            self._parts.said.update(Content("" if error else remark))
            self._parts.wrong.update(styled(error, "bad") if error else styled(hint, "warn"))
            self._parts.wrong.display = bool(error or hint)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(event.value))

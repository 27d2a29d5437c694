"""The footer with the keys of the screen in hand; where there is no room for all, it says so."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, ClassVar, NamedTuple, cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import ActiveBinding
from textual.content import Content
from textual.screen import Screen
from textual.strip import Strip

from pgscope.tui.glyphs import terminal_signs
from pgscope.tui.keptlines import KeptLines

_DIM = Style(dim=True)
_ELSEWHERE = ("view.", "reader.", "table.")
"""Ids of keys that take no room in the footer: the tabs show those of views, and how to move is known."""
_LAST = ("frame.", "app.", "past.")
"""Those that every screen has come behind its own, in this order."""


class Key(NamedTuple):
    """A key in the footer, and the columns that it takes there, from `start` up to `end`."""

    key: str
    shown: str
    word: str
    action: str
    tooltip: str
    enabled: bool
    start: int = 0

    @property
    def parts(self) -> tuple[str, str]:
        """What is drawn: the key, and what it does."""
        return f" {self.shown} ", f"{self.word} "

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return sum(map(cell_len, self.parts))

    @property
    def end(self) -> int:
        """The column behind it."""
        return self.start + self.width


class KeyLine(KeptLines):
    """A line of keys, cut after a whole key, with the help last and a sign that there are more keys.

    Where there is room, keys stand behind them that are else in the help only.

    A click on a key is as good as the key. Textual's own footer looks the same; it makes a widget of each
    key, and these were a tenth of the time until the first rows were on the screen.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key", "key-line--word", "key-line--pointed"}
    DEFAULT_CSS: ClassVar[str] = """
    KeyLine {
        dock: bottom; height: 1; color: $footer-foreground; background: $footer-background;
        & > .key-line--key {
            color: $footer-key-foreground; background: $footer-key-background; text-style: bold;
        }
        & > .key-line--word {
            color: $footer-description-foreground; background: $footer-description-background;
        }
        & > .key-line--pointed { background: $block-hover-background; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._offered: object = None
        self._fitting: Sequence[Key] = ()
        self._pointed: str | None = None

    @property
    def keys(self) -> Sequence[Key]:
        """Those that there is room for."""
        if (offered := (*self._keys_now(), self.size.width)) != self._offered:
            self._offered = offered
            wanted, others, room = offered
            fitting = _fitting(wanted, room)
            self._fitting = _placed([*fitting, *_more(others, room - _width(fitting))])
        return self._fitting

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        # Before it was drawn for the first time there is nothing to draw anew.
        drawn = self._offered is not None and self.is_attached and screen is self.screen
        if drawn and self._offered != (*self._keys_now(), self.size.width):
            self.refresh()

    def _keys_now(self) -> tuple[Sequence[Key], Sequence[Key]]:
        """Those that are wanted, and where there is room for all of these the others."""
        wanted = self._wanted_keys()
        return wanted, self._other_keys(wanted) if _width(wanted) < self.size.width else ()

    def _wanted_keys(self) -> Sequence[Key]:
        keys: dict[str, Key] = {}
        for active in self.screen.active_bindings.values():
            # Of several keys for one action the first is told.
            if active.binding.show and active.binding.action not in keys:
                key = self._key(active)
                if key.word:
                    keys[key.action] = key
        return list(keys.values())

    def _other_keys(self, wanted: Sequence[Key]) -> Sequence[Key]:
        """Those that do something now and are not wanted at any width, the screen's own first."""
        keys = {key.action: key for key in wanted}
        found: list[tuple[int, Key]] = []
        focused = self.screen.focused
        for active in self.screen.active_bindings.values():
            name, action = active.binding.id or "", active.binding.action
            typed = self.app.get_key_display(active.binding)
            if (
                focused is not None
                and len(typed) == 1
                and focused.check_consume_key(active.binding.key, typed)
            ):
                continue
            if active.enabled and name and not name.startswith(_ELSEWHERE) and action not in keys:
                keys[action] = self._key(active)
                rank = next((n for n, prefix in enumerate(_LAST) if name.startswith(prefix)), -1)
                found.append((rank, keys[action]))
        return [key for _, key in sorted(found, key=itemgetter(0)) if key.word]

    def _key(self, active: ActiveBinding) -> Key:
        """A key with its word of now, '' where the screen does not want it told."""
        binding = active.binding
        named = getattr(self.screen, "key_word", None)
        word = cast("str | None", named(binding.action)) if named is not None else None
        told = binding.description if word is None else word
        shown = self.app.get_key_display(binding)
        return Key(binding.key, shown, told, binding.action, active.tooltip, active.enabled)

    def render_line(self, y: int) -> Strip:
        """The line as it is now."""
        segments = []
        width = 0
        key_style = self.get_component_rich_style("key-line--key")
        word_style = self.get_component_rich_style("key-line--word")
        pointed = Style.from_color(bgcolor=self.get_component_rich_style("key-line--pointed").bgcolor)
        for key in self.keys if y == 0 else ():
            more = pointed if key.action == self._pointed else Style()
            if not key.enabled:
                more += _DIM
            for part, style in zip(key.parts, (key_style, word_style), strict=True):
                segments.append(Segment(part, style + more))
            width = key.end
        return Strip(segments, width)

    def render(self) -> Any:
        """Nothing: it is drawn line by line."""
        return Content("")

    def _at(self, event: events.MouseEvent) -> Key | None:
        offset = event.get_content_offset(self)
        column = offset.x if offset is not None else -1
        return next((key for key in self._fitting if key.start <= column < key.end), None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        key = self._at(event)
        if key is None:
            return
        if key.enabled:
            self.app.simulate_key(key.key)
        else:
            self.app.bell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._point(self._at(event))

    def on_leave(self) -> None:
        self._point(None)

    def _point(self, key: Key | None) -> None:
        action = key.action if key is not None else None
        if action != self._pointed:
            self._pointed = action
            self.tooltip = key.tooltip or None if key is not None else None
            self.refresh()


def _fitting(keys: Sequence[Key], room: int) -> Sequence[Key]:
    """The keys that there is room for, the last with a sign if they are not all."""
    if _width(keys) <= room:
        return keys
    more = "..." if terminal_signs().ascii_only else "…"
    last = [key for key in keys if key.action.endswith("help")][:1]
    shown: list[Key] = []
    for key in keys:
        if key not in last and _width([*shown, key, *last]) + cell_len(more) > room:
            break
        if key not in last:
            shown.append(key)
    fitting = [*shown, *last] or [*keys[:1]]
    return [*fitting[:-1], fitting[-1]._replace(word=fitting[-1].word + more)]


def _more(keys: Sequence[Key], room: int) -> Sequence[Key]:
    """As many of the keys, in their order, as there is room for."""
    shown: list[Key] = []
    for key in keys:
        room -= key.width
        if room < 0:
            break
        shown.append(key)
    return shown


def _placed(keys: Sequence[Key]) -> Sequence[Key]:
    """The keys one behind the other."""
    placed: list[Key] = []
    for key in keys:
        placed.append(key._replace(start=placed[-1].end if placed else 0))
    return placed


def _width(keys: Sequence[Key]) -> int:
    return sum(key.width for key in keys)

"""The footer: what it says, how it is cut, and that it takes clicks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import pytest
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from pgscope.tui.keyline import KeyLine


class _Keys(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "note('a')", "Alpha", tooltip="The first", id="first"),
        Binding("b,c", "refused", "Beta"),
        Binding("d", "note('d')", "Delta", show=False),
        Binding("f", "note('f')", "Foxtrot", show=False, id="frame.f"),
        Binding("e", "note('e')", "Echo", show=False, id="own.e"),
        Binding("1", "note('1')", "One", show=False, id="view.one"),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []
        self.word: str | None = None

    def compose(self) -> Iterable[Widget]:
        yield KeyLine()

    def action_note(self, what: str) -> None:
        self.noted.append(what)

    def action_help(self) -> None:
        self.noted.append("help")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "refused" else True

    def key_word(self, action: str) -> str | None:
        return self.word if action.endswith("help") else None


class _App(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__()
        self.keys = _Keys()

    def on_mount(self) -> None:
        self.push_screen(self.keys)


def _line(app: App[None]) -> KeyLine:
    return app.screen.query_one(KeyLine)


def _drawn(app: App[None]) -> str:
    (line,) = _line(app).render_lines(_line(app).size.region)
    return line.text.rstrip()


async def test_it_says_the_keys_and_their_words_anew_when_they_change() -> None:
    app = _App()
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        assert _drawn(app) == " a Alpha  b Beta  ? Help  e Echo  f Foxtrot"
        app.set_keymap({"first": "x"})
        await pilot.pause()
        assert _drawn(app) == " b Beta  ? Help  x Alpha  e Echo  f Foxtrot"
        app.keys.word = "What?"
        app.keys.refresh_bindings()
        await pilot.pause()
        assert _drawn(app) == " b Beta  ? What?  x Alpha  e Echo  f Foxtrot"


@pytest.mark.parametrize(("width", "said"), [(25, " a Alpha  b Beta  ? Help"), (24, " a Alpha  ? Help…")])
async def test_where_there_is_no_room_the_help_says_that_there_is_more(width: int, said: str) -> None:
    app = _App()
    async with app.run_test(size=(width, 8)) as pilot:
        await pilot.pause()
        assert _drawn(app) == said


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (44, " a Alpha  b Beta  ? Help  e Echo  f Foxtrot"),
        (43, " a Alpha  b Beta  ? Help  e Echo"),
        (32, " a Alpha  b Beta  ? Help"),
    ],
)
async def test_where_there_is_room_more_keys_are_told_the_screens_own_first(width: int, said: str) -> None:
    app = _App()
    async with app.run_test(size=(width, 8)) as pilot:
        await pilot.pause()
        assert _drawn(app) == said


async def test_a_click_is_as_good_as_the_key_and_what_is_pointed_at_says_more() -> None:
    app = _App()
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        for column in (2, 12, 20, 28, 55):
            await pilot.click(KeyLine, offset=(column, 0))
        assert app.keys.noted == ["a", "help", "e"], "not the one that is refused, nor where there is none"
        await pilot.hover(KeyLine, offset=(3, 0))
        assert _line(app).tooltip == "The first"
        pointed = _line(app).render_line(0)
        await pilot.hover(KeyLine, offset=(55, 0))
        assert _line(app).tooltip is None
        assert _line(app).render_line(0) != pointed

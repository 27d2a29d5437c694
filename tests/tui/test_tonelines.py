"""Lines of toned text: cut with a sign, and never drawn for a size that they no longer have."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from pgscope.tui.tonelines import Run, Runs, ToneLines, cells, cut_runs


@pytest.mark.parametrize(
    ("runs", "width", "expected"),
    [
        ([("abc", "bad"), ("def", "bad")], 6, [("abcdef", "bad")]),
        ([("abc", "bad"), ("def", "warn")], 6, [("abc", "bad"), ("def", "warn")]),
        ([("abc", "bad"), ("def", "warn")], 5, [("abc", "bad"), ("d…", "warn")]),
        ([("abc", "bad"), ("def", "warn")], 3, [("ab…", "bad")]),
        ([("abc", "bad"), ("   ", "warn")], 3, [("abc", "bad")]),
        ([("abc", "bad"), ("def", "warn")], 0, []),
        ([("数数", "bad"), ("x", "warn")], 3, [("数…", "bad")]),
        ([("a\tb\n", "bad"), ("\x1b[2Jc", "bad")], 9, [("a␉b␊␛[2Jc", "bad")]),
        ([], 3, []),
    ],
)
def test_what_has_no_room_is_cut_with_a_sign(runs: Runs, width: int, expected: list[Run]) -> None:
    assert cut_runs(runs, width) == expected
    assert cells(expected) <= width


class Said(ToneLines):
    """Says one thing, and notes what was drawn of it."""

    DEFAULT_CSS = "Said { padding: 0 1; height: 2; }"
    said = "first"

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[str] = []

    def lines(self, width: int, height: int) -> Sequence[Runs]:
        return [[(f"{self.said} for {width} by {height}", "normal")]]

    def render_lines(self, crop: Region) -> list[Strip]:
        strips = super().render_lines(crop)
        self.drawn.append(strips[0].text)
        return strips


class Saying(App[None]):
    def compose(self) -> ComposeResult:
        yield Said()


async def test_it_is_drawn_for_the_size_that_it_has() -> None:
    app = Saying()
    async with app.run_test(size=(60, 10)) as pilot:
        said = app.query_one(Said)
        await pilot.pause()
        assert said.drawn[-1] == f"{' first for 58 by 2':60}"
        said.drawn.clear()
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert set(said.drawn) == {f"{' first for 38 by 2':40}"}
        said.drawn.clear()
        said.said = "second"
        said.changed()
        await pilot.pause()
        assert set(said.drawn) == {f"{' second for 38 by 2':40}"}


async def test_shown_again_it_says_what_holds_now() -> None:
    app = Saying()
    async with app.run_test(size=(60, 10)) as pilot:
        said = app.query_one(Said)
        await pilot.pause()
        said.display = False
        await pilot.pause()
        said.said = "second"
        said.changed()
        await pilot.pause()
        said.drawn.clear()
        said.display = True
        await pilot.pause()
        assert set(said.drawn) == {f"{' second for 58 by 2':60}"}

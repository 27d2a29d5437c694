"""Lines that were drawn are gone when others take their place, without a collection of garbage."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.strip import Strip

from pgscope.tui.strips import PassingStrip, passing
from pgscope.tui.table import Column, LiveTable, Row
from pgscope.tui.tonelines import Runs, ToneLines


@contextmanager
def garbage() -> Iterator[list[object]]:
    """What could only be collected, once the block is over."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def test_a_strip_is_divided_as_textual_does_and_leaves_nothing_behind() -> None:
    segments = [Segment("sessions "), Segment("漢字"), Segment(" 12")]
    whole = Strip(segments)
    length = whole.cell_length
    with garbage() as found:
        for cuts in ([length], [3, length], [3, 10], [length + 1], [length, length + 1]):
            strip = passing(whole.crop(0))
            assert isinstance(strip, PassingStrip)
            assert passing(strip) is strip
            assert list(strip.divide(cuts)) == list(Strip(segments).divide(cuts))
        del strip
    assert not [one for one in found if isinstance(one, PassingStrip)]


class _Turns(ToneLines):
    turn = 0

    def lines(self, width: int, height: int) -> Sequence[Runs]:
        return [[("turn", "normal")], [(str(self.turn), "accent")]]


class _Changing(App[None]):
    def compose(self) -> ComposeResult:
        yield _Turns(id="lines")
        yield LiveTable([Column("a", "a", width=8), Column("b", "b", width=8)], sort="a")


async def test_lines_that_changed_leave_nothing_to_collect() -> None:
    app = _Changing()
    async with app.run_test(size=(80, 24)) as pilot:
        table, lines = app.query_one(LiveTable), app.query_one(_Turns)
        lines.styles.height = 2
        await pilot.pause()
        with garbage() as found:
            for turn in range(20):
                table.set_rows([Row(n, (str(n), str(turn * n))) for n in range(30)])
                lines.turn = turn
                lines.changed()
                await pilot.pause()
        assert "19" in "".join(
            segment.text for strip in table.render_lines(table.region) for segment in strip
        )
    assert not [one for one in found if isinstance(one, Strip)]

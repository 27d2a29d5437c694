"""The stacked graph of the load: averages of whole stretches of time, told apart without colour."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgscope.analysis.load import OTHER, WAIT_CLASSES, Load, LoadPoint, Who, stacked
from pgscope.tui.app import PgscopeApp
from pgscope.tui.glyphs import ASCII, UNICODE, Signs
from pgscope.tui.loadgraph import STEP_S, LoadGraph, lines
from pgscope.tui.tonelines import cells
from tests.tui.driving import shown, until
from tests.tui.frozen import FrozenSource, calm, poll, session
from tests.tui.recorded import shop


def who(name: str) -> Who:
    return Who(name, "app", "shop", "")


def point(mono: float, **active: int) -> LoadPoint:
    return LoadPoint(mono, mono, {(who("web"), kind): count for kind, count in active.items()})


def test_each_stretch_is_an_average_and_the_one_not_full_yet_is_left_out() -> None:
    points = [point(0.5, CPU=1), point(1.5, CPU=3, IO=2), point(11.0, Lock=4), point(15.5, CPU=9)]
    load = stacked(points, lambda _, kind: kind, step=5.0, count=4, order=WAIT_CLASSES)
    assert load.parts == ("CPU", "IO", "Lock")
    assert load.columns == (None, (2.0, 1.0, 0.0), None, (0.0, 0.0, 4.0))
    assert load.tallest == 4.0
    assert load.recent == (1.0, 0.5, 2.0)


@given(
    st.lists(st.tuples(st.floats(0, 290), st.dictionaries(st.sampled_from("abcdefghijk"), st.integers(0, 9))))
)
def test_nothing_is_lost_when_parts_are_folded(given: list[tuple[float, dict[str, int]]]) -> None:
    points = [
        LoadPoint(at, at, {(who(name), "CPU"): count for name, count in active.items()})
        for at, active in sorted(given, key=lambda one: one[0])
    ]
    points.append(LoadPoint(300.0, 300.0, {}))
    whole = stacked(points, lambda who, _: who.application_name, step=5.0, count=60, most=99)
    folded = stacked(points, lambda who, _: who.application_name, step=5.0, count=60, most=4)
    assert len(folded.parts) <= 4
    assert (OTHER in folded.parts) == (len(whole.parts) > 4)
    for one, other in zip(whole.columns, folded.columns, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert sum(one) == pytest.approx(sum(other))


@pytest.mark.parametrize("signs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("width", [100, 60, 20, 6])
def test_it_fits_and_tells_parts_apart_without_colour(width: int, signs: Signs) -> None:
    points = [point(float(at), CPU=1 + at % 3, IO=2, Lock=1) for at in range(300)]
    load = stacked(points, lambda _, kind: kind, step=STEP_S, count=60, order=WAIT_CLASSES)
    drawn = lines(load, "Load by wait", width, 8, signs)
    assert len(drawn) == 8
    assert all(cells(line) <= width for line in drawn)
    if width == 100:
        text = "\n".join("".join(part for part, _ in line) for line in drawn)
        for glyph, name in zip("#=+" if signs.ascii_only else "█▓▒", ("CPU", "IO", "Lock"), strict=True):
            assert f"{glyph * 2} {name}" in text
            assert glyph * 30 in text
        assert "last 5 min" in text
        assert text.isascii() or not signs.ascii_only
    elif width == 60:
        assert "last 2.2 min" in "".join(part for part, _ in drawn[0]), "as many as there is room for"


def test_a_walsender_is_no_load() -> None:
    works = session(1, "web", "active", "select 1", since=1.0, xact=1.0)
    sends = session(2, "sub", "active", "START_REPLICATION", since=1.0, xact=1.0)
    load = Load()
    load.feed(poll(1.0, [works, sends._replace(backend_type="walsender")]))
    assert load.newest.by("application_name") == {"web": 1}


async def test_the_key_shows_it_by_wait_by_application_and_not_at_all() -> None:
    app = PgscopeApp(shop())
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: len(app.snapshot.load) > 8, "some polls")
        graph = app.screen.query_one(LoadGraph)
        assert not graph.display, "no room for it unasked"
        await pilot.press("w")
        await until(pilot, lambda: "Load by wait" in shown(app), "by wait")
        assert any(f" {name} " in shown(app) for name in WAIT_CLASSES)
        await pilot.press("w")
        await until(pilot, lambda: "Load by application" in shown(app), "by application")
        await pilot.press("w")
        await until(pilot, lambda: "Load by" not in shown(app), "not at all")
        await pilot.press("enter", "w")
        await until(pilot, lambda: "Load by wait" in shown(app) and " now" in shown(app), "of one group")
        await pilot.press("space")
        await until(pilot, lambda: "Load by wait" in shown(app) and " now" not in shown(app), "till now")


async def test_where_there_can_be_no_graph_the_key_says_so() -> None:
    app = PgscopeApp(shop())
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: len(app.snapshot.load) > 8, "some polls")
        await pilot.press(*"bbbb")
        await until(pilot, lambda: "by route" in shown(app), "the routes")
        await pilot.press("enter", "w")
        await until(pilot, lambda: app.said and "not known" in app.said[-1], "that it is not known")
        await pilot.press("escape")
        await pilot.resize_terminal(100, 13)
        await pilot.press("w")
        await until(pilot, lambda: "needs 14 lines" in app.said[-1], "that there is no room")


async def test_it_is_drawn_anew_only_when_a_stretch_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []
    app = PgscopeApp(FrozenSource([*calm(), *(poll(at / 2.0, []) for at in range(1, 40))]))
    original = LoadGraph.refresh

    def counted(self: LoadGraph, *regions: object, **options: object) -> object:
        drawn.append(self)
        return original(self, *regions, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(LoadGraph, "refresh", counted)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: app.snapshot.mono >= 1019.5, "all polls")
        graph = app.screen.query_one(LoadGraph)
        assert graph.display
        drawn.clear()
        for at in range(10):
            app._current.newest = app._current._watch.snapshot()  # type: ignore[union-attr]
            app._paint(None)
            await pilot.pause()
            assert at is not None
        assert not drawn


async def test_the_header_has_a_line_of_the_load_and_of_the_calls_where_there_is_room() -> None:
    app = PgscopeApp(shop())
    async with app.run_test(size=(200, 40)) as pilot:
        await until(pilot, lambda: len(app.snapshot.load) > 8, "some polls")
        assert any(point.calls_per_s for point in app.snapshot.load)
        header = shown(app).splitlines()[1]
        assert " load " in header
        assert header.count("calls/s") == 2, "the number, and its line"
        await pilot.resize_terminal(136, 40)
        await until(pilot, lambda: shown(app).splitlines()[1].count("calls/s") == 1, "room for one line only")
        assert " load " in shown(app).splitlines()[1]


def test_before_the_first_stretch_is_over_it_is_not_said_that_nothing_is_active() -> None:
    """A stretch that nothing was active in is another thing."""

    def told(*points: LoadPoint) -> str:
        load = stacked(points, lambda _, kind: kind, step=STEP_S, count=60, order=WAIT_CLASSES)
        return "\n".join(
            "".join(part for part, _ in line) for line in lines(load, "Load by wait", 100, 8, UNICODE)
        )

    assert "in a few seconds" in told(point(1.0, CPU=4), point(2.0, CPU=5))
    assert "nothing active" in told(point(1.0), point(1.0 + 2 * STEP_S))


async def test_of_the_same_moment_it_shows_what_is_told_of_the_time_before_it() -> None:
    """In a recording a moment is shown at once, and again when the time before it was read."""
    app = PgscopeApp(shop())
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: len(app.snapshot.load) > 8, "some polls")
        graph = app.screen.query_one(LoadGraph)
        whole = app.snapshot
        short = replace(whole, load=whole.load[-2:])
        shown_of = {}
        for snapshot in (short, whole):
            graph.show_load(snapshot, "Load", lambda _, kind: kind, app.status)
            assert graph._given is not None
            shown_of[len(snapshot.load)] = sum(column is not None for column in graph._given.columns)
        assert shown_of[len(whole.load)] > shown_of[2]

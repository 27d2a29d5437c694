"""The screen on a recording: pictures that must not change unseen, keys, hostile text, sizes, pauses."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle, islice

import pytest
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.pilot import Pilot

from pgscope.analysis.findings.model import KINDS
from pgscope.config import Config
from pgscope.sample import Connected, Disconnected, Poll, Sample, StatementTexts
from pgscope.tui.app import INTERVALS, PgscopeApp
from pgscope.tui.details.session import SessionScreen
from pgscope.tui.details.sqltext import SqlText
from pgscope.tui.frame import Frame
from pgscope.tui.help import HelpScreen
from pgscope.tui.views import VIEWS
from pgscope.tui.views.sessions import SessionsView
from tests.tui.driving import cells, shown, table, until
from tests.tui.recorded import Recorded, changed, last_poll, shop

Compare = Callable[..., bool]
Run = Callable[[Pilot[None]], object]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of day are shown as local time."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def app_of(source: Recorded) -> PgscopeApp:
    return PgscopeApp(source, title="demo")


def pictured() -> PgscopeApp:
    """Without findings, whose rules have pictures and tests of their own."""
    return PgscopeApp(shop(), title="demo", config=Config(kinds_off=KINDS))


async def ready(pilot: Pilot[None]) -> PgscopeApp:
    """Wait until everything recorded is on the screen."""
    app = pilot.app
    assert isinstance(app, PgscopeApp)
    source = app.source
    assert isinstance(source, Recorded)
    last = last_poll(source.taken)
    await until(pilot, lambda: app.snapshot.at == last.at, "the last recorded poll on the screen")
    return app


def keys(*pressed: str) -> Run:
    """Press keys once everything is there, and wait until what is being laid out is."""

    async def run(pilot: Pilot[None]) -> None:
        app = await ready(pilot)
        for key in pressed:
            await pilot.press(key)
        await until(pilot, lambda: not _laying_out(app), "the statement laid out")
        await pilot.pause()

    return run


def _laying_out(app: App[None]) -> bool:
    busy = {worker.node for worker in app.workers if worker.is_running}
    return any(sql in busy for sql in app.screen.query(SqlText))


PICTURES = {
    "applications": ((80, 24), ()),
    "applications-wide": ((200, 60), ()),
    "sessions": ((80, 24), ("2",)),
    "sessions-wide": ((200, 60), ("2",)),
    "statements": ((80, 24), ("3",)),
    "statements-wide": ((200, 60), ("3", "d")),
    "group": ((80, 24), ("enter",)),
    "session": ((80, 24), ("2", "enter")),
    "statement": ((80, 24), ("3", "enter")),
    "filter": ((80, 24), ("2", "slash", *"state:wa", "ctrl+e")),
    "help": ((80, 24), ("question_mark",)),
    "tiny": ((40, 10), ()),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str, snap_compare: Compare) -> None:
    size, pressed = PICTURES[name]
    assert snap_compare(pictured(), terminal_size=size, run_before=keys(*pressed))


def test_picture_without_utf8(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    class Latin1:
        encoding = "iso-8859-1"

    monkeypatch.setattr("sys.__stderr__", Latin1())
    assert snap_compare(pictured(), terminal_size=(80, 24), run_before=keys("2"))


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light", "textual-light"])
def test_picture_in_theme(theme: str, snap_compare: Compare) -> None:
    app = pictured()
    app.theme = theme
    assert snap_compare(app, terminal_size=(80, 24), run_before=keys("2"))


HOSTILE = [
    "[/foo]",
    "[red]b[/red] [@click=app.quit]x[/]",
    "\x1b[31m\x1b]52;c;aGk=\x07",
    "a\u202eb\u0000c\nd\te",
    "\ud83d\udc18" * 40,
    "\U0001f418" * 400,
    "'; $$ \\",
]


async def test_hostile_text_is_text_in_every_view() -> None:
    text, name = cycle(HOSTILE), cycle(HOSTILE)
    source = Recorded(changed(shop().taken, lambda sql: f"{next(text)} {sql}", lambda one: one + next(name)))
    app = app_of(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        for view in VIEWS:
            await pilot.press(view.key, "G")
            assert "\x1b" not in shown(app)
            await pilot.press("enter", "tab", "y")
            assert "\x1b" not in shown(app)
            await pilot.press("enter", "f")
            assert "\x1b" not in shown(app)
        await pilot.press("1", "slash", *"app:", "escape", "b", "enter", "ctrl+p")
        await pilot.pause()
        assert app.is_running


async def test_statements_that_do_nothing_come_with_their_texts() -> None:
    """At the start of a watch there may be thousands: a number of each says nothing."""
    source = shop()
    texts = [one for one in source.taken if isinstance(one, StatementTexts)]
    source.taken = [one for one in source.taken if one not in texts]
    app = app_of(source)
    async with app.run_test(size=(160, 48)) as pilot:
        await ready(pilot)
        await pilot.press("3")
        told = re.search(r"(\d+) of (\d+)  last 2.0 s, (\d+) texts to read", shown(app))
        assert told is not None, shown(app)
        working, whole, unread = map(int, told.groups())
        assert 0 < working < working + unread == whole
        assert len(cells(app)) == working
        assert all("text not read yet" in row for row in cells(app))
        await pilot.press("d")
        assert len(cells(app)) == whole
        assert "texts to read" not in shown(app)
        await pilot.press("d", "/", *"nothing", "enter")
        assert cells(app) == []
        assert "Nothing matches the filter" in shown(app)
        await pilot.press("escape")
        for one in texts:
            source.give(one)
        last = last_poll(source.taken)
        source.give(replace(last, at=last.at + 2.0, mono=last.mono + 2.0))
        await until(pilot, lambda: len(cells(app)) > working, "the statements with their texts")
        assert not any("text not read yet" in row for row in cells(app))
        assert len(cells(app)) > working + 10
        assert "texts to read" not in shown(app)


async def test_any_size_breaks_nothing() -> None:
    app = app_of(shop())
    async with app.run_test(size=(200, 60)) as pilot:
        await ready(pilot)
        for view in VIEWS:
            for pressed in ((view.key,), ("enter",)):
                await pilot.press(*pressed)
                for size in ((40, 10), (1, 1), (80, 24)):
                    await pilot.resize_terminal(*size)
                    assert app.is_running
        await pilot.press("1")
        await until(pilot, lambda: "billing" in shown(app), "the applications again")


def _own_classes(kind: type[object]) -> Iterator[type[object]]:
    children: list[type[object]] = kind.__subclasses__()
    for child in children:
        if child.__module__.startswith("pgscope."):
            yield child
        yield from _own_classes(child)


def test_every_binding_has_an_id_and_says_what_it_does() -> None:
    seen: dict[str, Binding] = {}
    for owner in {PgscopeApp, *_own_classes(DOMNode)}:
        for binding in vars(owner).get("BINDINGS", ()):
            assert isinstance(binding, Binding), (owner, binding)
            assert binding.id and binding.tooltip and binding.description, (owner, binding)
            first = seen.setdefault(binding.id, binding)
            assert (first.key, first.action) == (binding.key, binding.action), f"{binding.id} stands for two"
    assert {"view.applications", "app.quit", "app.pause", "frame.filter", "table.sort"} <= set(seen)


async def test_keys_can_be_remapped() -> None:
    app = app_of(shop())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.set_keymap({"view.sessions": "f6"})
        await pilot.press("f6")
        assert isinstance(app.screen, SessionsView)


async def test_pause_freezes_the_view_and_says_so() -> None:
    source = shop()
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("2", "space")
        await until(pilot, lambda: "PAUSED" in shown(app) and "space Go on" in shown(app), "that it stands")
        before = shown(app)
        poll = last_poll(source.taken)
        source.give(Poll(**{**vars(poll), "at": poll.at + 60, "mono": poll.mono + 60}))
        await until(pilot, lambda: app._current.newest.at == poll.at + 60, "the poll that goes on")
        assert shown(app) == before
        await pilot.press("space")
        await until(pilot, lambda: app.snapshot.at == poll.at + 60, "the newest, after the pause")
        assert "PAUSED" not in shown(app)


async def test_interval_can_be_changed_and_has_bounds() -> None:
    app = app_of(shop())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("plus")
        assert app.source.interval == 2.0
        assert "every 2s" in shown(app)
        await pilot.press(*["minus"] * 20)
        assert app.source.interval == INTERVALS[0]


async def test_the_filter_works_as_typed_and_says_what_is_wrong() -> None:
    app = app_of(shop())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("2")
        whole = len(table(app).rows)
        await pilot.press("slash", *"app:mobile")
        some = cells(app)
        assert 0 < len(some) < whole
        assert all("mobile" in row for row in some)
        await pilot.press("backspace", *"q:")
        await until(pilot, lambda: len(cells(app)) == 0, "nothing left")
        await pilot.press("ctrl+u", *"nope:x")
        await until(pilot, lambda: "no field nope; fields: app" in shown(app), "the error, as typed")
        await until(pilot, lambda: "sessions active" in shown(app), "all of it")
        await pilot.press("ctrl+u", *"zzz calls>x")
        await until(pilot, lambda: "such as 100 or 2k" in shown(app), "what is wanted")
        assert "Nothing matches" not in shown(app)
        await pilot.press("enter")
        assert "such as 100 or 2k" in shown(app), "what is not in force is not kept"
        await pilot.press("ctrl+u", *"state:idel")
        await until(pilot, lambda: "no state 'idel': idle?" in shown(app), "the hint")
        await pilot.press("escape")
        assert len(table(app).rows) == whole
        await pilot.press("slash", *"state:waiting", "enter")
        assert 0 < len(table(app).rows) < whole
        await pilot.press("1", "2")
        assert 0 < len(table(app).rows) < whole, "a filter that is kept stays"
        await until(pilot, lambda: "Clear filter" in shown(app), "what escape does")
        await pilot.press("escape")
        assert len(table(app).rows) == whole
        await until(pilot, lambda: "Clear filter" not in shown(app), "nothing to clear")


async def test_marks_are_counted_at_once_also_while_nothing_moves() -> None:
    app = app_of(shop())
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await pilot.press("2", "space", "m", "m")
        assert "2 marked (M clears)" in shown(app)
        await pilot.press("M")
        assert "marked" not in shown(app)


async def test_help_names_every_key_of_the_view() -> None:
    app = app_of(shop())
    async with app.run_test(size=(80, 50)) as pilot:
        await ready(pilot)
        await pilot.press("3", "question_mark")
        assert isinstance(app.screen, HelpScreen)
        text = str(app.screen._content())
        assert "pg_stat_statements normalises" in text
        assert "Since start" in text or "since the counters began" in text
        for key, words in (("G", "temporary bytes"), ("g", "A row for each"), ("space", "Filter (/)")):
            await pilot.press(key)
            await until(pilot, lambda words=words: words in shown(app), f"where {key} goes")  # type: ignore[misc]
        await pilot.press("escape")
        assert isinstance(app.screen, Frame)


async def test_the_palette_runs_an_action() -> None:
    app = app_of(shop())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("ctrl+p")
        await pilot.press(*"every session")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionsView), "the view of sessions")


async def test_cells_are_made_for_the_rows_in_view_only(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    from pgscope.tui.rows import sessions

    original = sessions._cells

    def counted(*given: object) -> object:
        made.append(given)
        return original(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sessions, "_cells", counted)
    source = shop()
    poll = last_poll(source.taken)
    many = tuple(
        one._replace(pid=100_000 + n) for n, one in enumerate(islice(_again(poll), 1000)) if one.is_client
    )
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("2")
        made.clear()
        source.give(Poll(**{**vars(poll), "at": poll.at + 1, "mono": poll.mono + 1, "sessions": many}))
        await until(pilot, lambda: len(table(app).rows) > 300, "a thousand sessions")
        assert len(made) < 200


def _again(poll: Poll):  # type: ignore[no-untyped-def]
    while True:
        yield from poll.sessions


async def test_a_lost_server_says_since_when_and_why() -> None:
    source = shop()
    app = app_of(source)
    async with app.run_test(size=(100, 24)) as pilot:
        await ready(pilot)
        lost: Sample = Disconnected(
            last_poll(source.taken).at, 0.0, "connection to [h] failed: the [server] closed the connection"
        )
        source.give(lost)
        await until(pilot, lambda: "the [server] closed" in shown(app), "the reason, as it is")
        assert "[h]" not in shown(app), "where it was stands there already"
        await pilot.press("n")
        await until(pilot, lambda: "Not connected: connection to [h]" in shown(app), "all of it")
        assert "lost" in shown(app)


async def test_a_failure_of_our_own_is_shown_and_the_screen_stays() -> None:
    class Failing(Recorded):
        async def run(self, emit):  # type: ignore[no-untyped-def]
            raise ZeroDivisionError("[oops]")

    app = app_of(Failing([]))
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: "pgscope failed: ZeroDivisionError: [oops]" in shown(app), "the failure")
        await pilot.press("2")
        assert app.is_running


async def test_without_counters_statements_are_those_seen_in_sessions() -> None:
    source = Recorded(_uncounted(one) for one in shop().taken)
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("3")
        await until(pilot, lambda: "seen in sessions" in shown(app), "what the rows rest on")
        assert any("ALTER TABLE" in row for row in cells(app))
        await pilot.press("enter", "f")
        await until(pilot, lambda: "executions seen" in shown(app), "one of them")


async def test_another_set_of_columns_while_there_are_no_rows_for_them() -> None:
    """The columns of a group's statements change before its rows are there; so do those of all of them."""
    app = app_of(shop())
    async with app.run_test(size=(140, 40)) as pilot:
        await ready(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: cells(app, "#group-statements"), "a group's statements")
        await pilot.press("d", "d", "d")
        await until(pilot, lambda: cells(app, "#group-statements"), "them in other columns")
        await pilot.press("escape", "3")
        await until(pilot, lambda: cells(app), "all statements")
        source = app.source
        assert isinstance(source, Recorded)
        last, facts = last_poll(source.taken), app.snapshot.facts
        assert facts is not None
        source.give(Connected(last.at + 1, last.mono + 1, replace(facts, statements_version=None)))
        source.give(replace(last, at=last.at + 2, mono=last.mono + 2, statements=None))
        await until(pilot, lambda: "seen in sessions" in shown(app), "those seen in sessions")


def _uncounted(one: Sample) -> Sample:
    if isinstance(one, Poll):
        return replace(one, statements=None)
    if isinstance(one, Connected):
        return replace(one, facts=replace(one.facts, statements_version=None))
    return one


async def test_of_a_session_that_has_ended_it_says_so_and_still_explains() -> None:
    source = shop()
    app = app_of(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await pilot.press("2", "enter")
        assert isinstance(app.screen, SessionScreen)
        session = app.screen.session
        last = last_poll(source.taken)
        left = tuple(one for one in last.sessions if one.identity != session.identity)
        source.give(replace(last, at=last.at + 1.0, mono=last.mono + 1.0, sessions=left))
        await until(pilot, lambda: "gone" in shown(app), "that it has ended")
        for key in ("c", "T", "R", "B", "J"):
            await pilot.press(key)
            assert "session has ended" in app.said[-1], key
        subject = app.screen.subject()
        assert subject is not None
        assert subject.text == session.query


@pytest.mark.parametrize("keys_before", [("C",), ("question_mark",), ("slash", "a"), ("n",), ("ctrl+p",)])
async def test_ctrl_q_quits_from_wherever_one_is(keys_before: tuple[str, ...]) -> None:
    app = app_of(shop())
    async with app.run_test(size=(120, 30)) as pilot:
        await ready(pilot)
        await pilot.press(*keys_before, "ctrl+q")
        await until(pilot, lambda: not app.is_running or app._exit, "the end")

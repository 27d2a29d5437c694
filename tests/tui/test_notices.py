"""What is said in passing: short, gone at the next key, never over a question; what a copy says and does."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets._toast import Toast

from pgscope.sample import Connected, Missing
from pgscope.tui.app import PgscopeApp
from pgscope.tui.clipboard import give_tmux
from pgscope.tui.help import HelpScreen, keys_of
from pgscope.tui.notices import NoticesScreen
from tests.recording.streams import later
from tests.tui.driving import shown, until
from tests.tui.frozen import AT, FACTS, FrozenSource, jam
from tests.tui.recorded import last_poll, shop

LONG = "Nothing came of it: " + "because of one thing and then another, " * 20 + "the end"


async def test_what_is_said_takes_two_lines_until_the_next_key() -> None:
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("2")
        app.notify("first")
        app.notify(LONG)
        await until(pilot, lambda: "Nothing came of it" in shown(app), "the notice")
        toasts = app.screen.query(Toast)
        assert len(toasts) == 1
        assert toasts.first().size.height <= 2
        assert "(n: in full)" in shown(app)
        await pilot.press("j")
        await until(pilot, lambda: "Nothing came of it" not in shown(app), "gone")
        await pilot.press("n")
        await until(pilot, lambda: "the end" in shown(app), "all of it")
        assert "first" in shown(app)


async def test_what_is_cut_ends_in_a_sign_that_the_terminal_has(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ascii:
        encoding = "ascii"

    monkeypatch.setattr("sys.__stderr__", Ascii())
    facts = replace(FACTS, host="h" * 100, missing=(Missing("m" * 100, "c", "r"), Missing("n", "c", "r")))
    app = PgscopeApp(FrozenSource([Connected(AT - 61.0, 939.0, facts), *jam()[1:]]))
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: "mm~  (n: all 2)" in shown(app), "the notice")
        for key in "123456":
            await pilot.press(key)
            assert shown(app).isascii()


async def test_nothing_is_said_over_a_question() -> None:
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "the help")
        app.notify("said behind it")
        await pilot.pause()
        assert not app.screen.query(Toast)
        await pilot.press("escape")
        await until(pilot, lambda: "said behind it" in shown(app), "said when it is closed")


async def test_the_notices_follow_while_they_are_open() -> None:
    source = shop()
    app = PgscopeApp(source)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: app.snapshot.at == last_poll(source.taken).at, "the last recorded poll")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NoticesScreen), "the notices")
        assert "answers badly" not in shown(app)
        facts = replace(FACTS, missing=(Missing("query texts", "answers badly", "grant it"),))
        source.give(Connected(AT, 2000.0, facts))
        app.notify("first said behind it")
        app.notify("then this")
        source.give(later([last_poll(source.taken)], 1.0)[0])
        await until(pilot, lambda: "answers badly. grant it" in shown(app), "what is missing by now")
        assert "first said behind it" in shown(app)
        assert "then this" in shown(app)


async def test_copying_says_what_was_sent_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    app = PgscopeApp(FrozenSource(jam()))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.copy_text("select 1 as one,\n       2 as two,\n       3 as three")
        words = 'Sent to the terminal\'s clipboard: "select 1 as one, 2 as two, 3 as three"'
        await until(pilot, lambda: words in app.said, "what was sent")
        app.copy_text("x" * 50)
        await until(pilot, lambda: app.said[-1].endswith(f'"{"x" * 40}…"'), "its beginning")
        assert "Copy the name under the cursor" in {tooltip for _, tooltip in keys_of(app.screen)}


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A tmux server as it comes, and we in it."""
    if shutil.which("tmux") is None:
        pytest.skip("no tmux here")
    socket = tmp_path / "t"
    command = ["tmux", "-S", str(socket), "-f", "/dev/null"]
    subprocess.run([*command, "new-session", "-d", "cat"], check=True)
    pid = subprocess.run(
        [*command, "display-message", "-p", "#{pid}"], check=True, capture_output=True, text=True
    )
    monkeypatch.setenv("TMUX", f"{socket},{pid.stdout.strip()},0")
    yield command
    subprocess.run([*command, "kill-server"], check=False)


async def test_tmux_as_it_comes_has_what_was_copied(tmux: list[str]) -> None:
    text = "select 'ä' as one;\n-- two"
    assert await give_tmux(text)
    got = subprocess.run([*tmux, "show-buffer"], check=True, capture_output=True)
    assert got.stdout.decode() == text


async def test_without_tmux_nothing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not await give_tmux("select 1")

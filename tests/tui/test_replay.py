"""The screen on a recording: the same views, a time bar, moments to jump to, and no hands."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgscope.analysis.watch import Watch
from pgscope.capture.recording.file import RecordingFile
from pgscope.capture.recording.recording import Recording
from pgscope.capture.source import Silent
from pgscope.config import Config
from pgscope.playback import Player
from pgscope.sample import Mark, Poll, Sample
from pgscope.tui.app import PgscopeApp
from pgscope.tui.help import keys_of
from pgscope.tui.replay.past import LAST_MINUTES, RECORDING
from pgscope.tui.served import Begin
from tests.recording.streams import later, shop
from tests.recording.test_format import decompressed
from tests.tui.driving import cells, offered, shown, until
from tests.tui.recorded import Recorded, changed
from tests.tui.recorded import shop as live_shop
from tests.tui.samples import recorded

LONG = [*shop(), *later(shop(), 200), *later(shop(), 400)]
START = LONG[0].at
POLLS = [one.at for one in LONG if isinstance(one, Poll)]


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    file = RecordingFile(tmp_path / "a.rec")
    for one in LONG:
        file.write(one)
        for seconds in (110.0, 250.0):
            if one.at == POLLS[number_at(seconds)] and isinstance(one, Poll):
                file.mark(Mark(one.at, "finding", "likely n_plus_one"))
    file.close()
    opened = Recording.open(tmp_path / "a.rec")
    yield opened
    opened.close()


def number_at(seconds: float) -> int:
    """The first poll so long after the start."""
    return next(number for number, at in enumerate(POLLS) if at >= START + seconds)


def app_on(recording: Recording, *, at: float | None = None, playing: bool = False) -> PgscopeApp:
    return PgscopeApp(Silent(), read_only=True, recording=recording, begin=Begin(at, playing))


def told(app: PgscopeApp) -> str:
    """All that was notified and is still there."""
    return "\n".join(one.message for one in app._notifications)


def keys(app: PgscopeApp) -> str:
    """The footer."""
    return shown(app).splitlines()[-1]


def player_of(app: PgscopeApp) -> Player:
    player = app._current.past.player
    assert player is not None
    return player


def snapshot_of(stream: list[Sample], at: float) -> Watch:
    watch = Watch()
    for one in stream:
        if one.at <= at + 1e-6:
            watch.feed(one)
    return watch


async def test_it_shows_what_the_live_screen_showed(recording: Recording) -> None:
    at = POLLS[-1]
    app = app_on(recording, at=at)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: abs(app.snapshot.at - at) < 0.01, "the last moment")
        expected = snapshot_of(LONG, at).snapshot()
        assert {one.pid for one in app.snapshot.sessions} == {one.pid for one in expected.sessions}
        assert set(app.snapshot.statements) == set(expected.statements)
        assert set(app.snapshot.locks.nodes) == set(expected.locks.nodes)
        await until(pilot, lambda: "storefront" in shown(app), "its applications")
        await pilot.press("4")
        await until(pilot, lambda: len(cells(app)) > 1, "its locks")
        clock = time.strftime("%H:%M:%S", time.localtime(at))
        assert clock in shown(app)


async def test_the_load_graph_ends_at_the_moment_shown_and_goes_as_far_back_as_the_recording(
    recording: Recording,
) -> None:
    app = app_on(recording, at=POLLS[-1])

    def load_at(at: float) -> list[float]:
        return [round(one, 3) for one in POLLS if at - 300.0 <= one <= at + 1e-6]

    def whole() -> bool:
        return [round(one.at, 3) for one in app.snapshot.load] == load_at(app.snapshot.at)

    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: abs(app.snapshot.at - POLLS[-1]) < 0.01 and whole(), "five minutes")
        assert app.snapshot.load[0].at < POLLS[-1] - 200.0
        for key, seconds in (("left_square_bracket", -10), ("left_curly_bracket", -310)):
            await pilot.press(key)
            goal = max(one for one in POLLS if one <= POLLS[-1] + seconds)
            await until(pilot, lambda at=goal: abs(app.snapshot.at - at) < 0.01 and whole(), "that of before")  # type: ignore[misc]
        await until(pilot, lambda: "-5.0 min" in shown(app), "the axis")
        (axis,) = (line for line in shown(app).splitlines() if "-5.0 min" in line)
        ends = {time.strftime("%H:%M:%S", time.localtime(app.snapshot.at - late)) for late in range(6)}
        assert axis.split()[-1] in ends, axis


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_the_time_bar_says_where_one_is(size: tuple[int, int], recording: Recording) -> None:
    app = app_on(recording)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "paused" in shown(app), "the time bar")
        await pilot.press("space")
        await until(pilot, lambda: " 1x " in shown(app), "that it plays")
        await pilot.press(*["plus"] * 9)
        await until(pilot, lambda: " 60x " in shown(app), "the highest speed")
        await until(pilot, lambda: player_of(app).state.at > START + 60, "a minute in a second or so")
        await pilot.press("space")
        await until(pilot, lambda: "paused" in shown(app), "the pause")
        at = player_of(app).state.at
        assert app.snapshot.at <= at + 0.01


async def test_steps_moves_and_jumps(recording: Recording) -> None:
    app = app_on(recording)
    async with app.run_test(size=(100, 30)) as pilot:

        async def at(moment: float, what: str) -> None:
            await until(pilot, lambda: abs(player_of(app).state.at - moment) < 0.01, what)
            await until(pilot, lambda: player_of(app)._wanted is None, f"{what}, whole")

        await at(START, "the start")
        await pilot.press("full_stop")
        await at(POLLS[1], "a step")
        await pilot.press("full_stop")
        await at(POLLS[2], "another")
        await pilot.press("comma")
        await at(POLLS[1], "a step back")
        await pilot.press("right_square_bracket")
        await at(POLLS[1] + 10, "10 s on")
        await pilot.press("at", *"+250s", "enter")
        await at(START + 250, "the time typed")
        assert app.snapshot.at == max(one for one in POLLS if one <= START + 250.0)
        assert app.snapshot.load, "what needs the time before is there"
        await pilot.press("at", *"whenever", "enter")
        await until(pilot, lambda: "is not a time" in shown(app), "what is wrong with it")
        await pilot.press("escape")


async def test_it_goes_to_findings_and_lock_waits(recording: Recording) -> None:
    app = app_on(recording)
    async with app.run_test(size=(100, 30)) as pilot:
        for key, seconds in (("greater_than_sign", 110), ("greater_than_sign", 250), ("less_than_sign", 110)):
            await pilot.press(key)
            moment = POLLS[number_at(seconds)]
            await until(pilot, lambda to=moment: abs(player_of(app).state.at - to) < 0.01, "the finding")  # type: ignore[misc]
        await pilot.press("right_parenthesis")
        await until(pilot, lambda: player_of(app)._wanted is None, "the place")
        await until(pilot, lambda: app.snapshot.locks.nodes, "somebody who waits")
        await pilot.press("at", *"+0s", "enter")
        await until(pilot, lambda: player_of(app).state.at == START, "the start")
        await pilot.press("less_than_sign")
        await until(pilot, lambda: "No finding before this" in told(app), "that there is none")


async def test_without_marks_findings_are_looked_for(tmp_path: Path) -> None:
    recorded(tmp_path / "b", shop())
    recording = Recording.open(tmp_path / "b")
    app = app_on(recording)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: player_of(app)._wanted is None, "the start")
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: not player_of(app)._search and app.snapshot.findings, "a finding")
        found = player_of(app).state.at
        assert found < recording.end
        await pilot.press("less_than_sign")
        await until(pilot, lambda: "No finding before this is noted; > looks" in told(app), "none yet")
        await pilot.press("at", *"+1000s", "enter")
        await until(pilot, lambda: player_of(app).state.at == recording.end, "the end")
        await until(pilot, lambda: "▲" in shown(app).splitlines()[2], "what was found, on the time bar")
        await pilot.press("less_than_sign")
        await until(pilot, lambda: player_of(app).state.at == found, "the finding that was looked for")
    recording.close()


async def test_nothing_can_be_done_and_it_says_why(recording: Recording) -> None:
    app = app_on(recording, at=POLLS[-1])
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: len(cells(app)) > 1, "sessions")
        for key, words in (("c", "No cancel"), ("T", "No terminate"), ("e", "No plan"), ("E", "No plan")):
            await pilot.press(key)
            await until(pilot, lambda said=words: f"{said}: {RECORDING}" in told(app), words)  # type: ignore[misc]
            app.clear_notifications()
        for key in ("L", "ctrl+r", "ctrl+s", "D"):
            await pilot.press(key)
            await until(pilot, lambda: told(app), f"why {key} does nothing")
            assert RECORDING[1:] in told(app) or "no server to look over" in told(app)
            app.clear_notifications()


LIVE_ONLY = {"Doctor", "Live", "Record", "Save past", "Plan", "Run plan"}


async def test_a_wide_footer_offers_of_a_recording_what_there_is_of_it(recording: Recording) -> None:
    app = app_on(recording, at=POLLS[-1])
    async with app.run_test(size=(400, 30)) as pilot:
        for view in "13":
            await pilot.press(view)
            await until(pilot, lambda: cells(app) and "Next lock wait" in offered(app), "its keys")
            assert not LIVE_ONLY & offered(app)
            assert "+ Faster" in keys(app) and "- Slower" in keys(app)
            assert dict(keys_of(app.screen))["+"].endswith("in the past, play faster")


async def test_a_wide_footer_offers_the_past_only_what_leads_there() -> None:
    source = live_shop()
    app = PgscopeApp(source)
    forward = {"10 s forward", "5 min forward", "Step", "Next finding", "Next lock wait", "Live"}
    async with app.run_test(size=(400, 30)) as pilot:
        await until(pilot, lambda: app.snapshot.at and "10 s back" in offered(app), "the present")
        assert not forward & offered(app)
        assert {"Record", "Slower"} <= offered(app) and "+ Slower" in keys(app)
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: forward <= offered(app) and "+ Faster" in keys(app), "the past")
        app._current.past.player.playing = True  # type: ignore[union-attr]
        await until(pilot, lambda: "Pause" in offered(app), "that plays")
        await pilot.press("L")
        await until(pilot, lambda: app.status.past is None and "+ Slower" in keys(app), "the present again")
        assert not forward & offered(app)


async def test_damage_is_a_notice(tmp_path: Path) -> None:
    recorded(tmp_path / "a", LONG)
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "b").write_bytes(content[: len(content) // 2])
    recording = Recording.open(tmp_path / "b")
    app = app_on(recording)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "cut off at byte" in shown(app), "the damage")
    recording.close()


async def test_the_last_minutes_can_be_scrolled_back_and_left() -> None:
    source = live_shop()
    app = PgscopeApp(source)
    async with app.run_test(size=(120, 30)) as pilot:
        last = source.taken[-1]
        assert isinstance(last, Poll)
        await until(pilot, lambda: app.snapshot.at == last.at, "the present")
        await pilot.press("left_square_bracket", "left_square_bracket")
        await until(pilot, lambda: last.at - 25 < app.snapshot.at < last.at - 15, "20 s ago")
        assert "paused" in shown(app)
        await pilot.press("2")
        await until(pilot, lambda: cells(app) and "space Play" in keys(app), "what can be done")
        assert "Cancel" not in keys(app)
        await pilot.press("c")
        await until(pilot, lambda: f"No cancel: {LAST_MINUTES}" in told(app), "that it is over")
        at = app.snapshot.at
        source.give(later([last], 1.0)[0])
        await pilot.pause()
        assert app.snapshot.at == at, "the present does not disturb"
        await pilot.press("L")
        await until(pilot, lambda: app.snapshot.at == last.at + 1.0, "the present again")
        assert "paused" not in shown(app)
        await until(pilot, lambda: "c Cancel" in keys(app) and "space Pause" in keys(app), "its keys")


async def test_every_key_that_goes_back_leads_into_the_last_minutes() -> None:
    source = live_shop()
    app = PgscopeApp(source)
    now = [one for one in source.taken if isinstance(one, Poll)][-1].at

    def past(*, before: float) -> bool:
        state = app._current.past.state
        return state is not None and bool(app.snapshot.at) and app.snapshot.at < before

    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.snapshot.at == now, "the present")
        waits = [one for one in source.taken if isinstance(one, Poll) and one.blocking]
        assert waits
        for name, typed, before in (
            ("comma", "", now),
            ("left_parenthesis", "", now),
            ("at", "-10m", now - 10.0),
        ):
            await pilot.press(name, *typed, *(["enter"] if typed else []))
            await until(pilot, lambda before=before: past(before=before), f"where {name} leads")  # type: ignore[misc]
            await pilot.press("L")
            await until(pilot, lambda: app.snapshot.at == now and app.status.past is None, "the present")
        await pilot.press("at", "escape")
        await until(pilot, lambda: app.snapshot.at == now and app.status.past is None, "no other time")
        for name in ("full_stop", "greater_than_sign", "right_square_bracket", "L"):
            app.clear_notifications()
            await pilot.press(name)
            await until(pilot, lambda: "This is now" in told(app), f"why {name} does nothing")
            assert app.status.past is None


async def test_what_is_seen_can_be_recorded_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    source: Recorded = live_shop()
    polls = [one for one in source.taken if isinstance(one, Poll)]
    app = PgscopeApp(source, title="my/shop")
    folder = tmp_path / "pgscope" / "recordings"
    async with app.run_test(size=(140, 30)) as pilot:
        await until(pilot, lambda: app.snapshot.at == polls[-1].at, "the present")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Saved the last" in told(app), "that it is saved")
        (saved,) = folder.iterdir()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "REC" in shown(app), "that it records")
        for seconds in (2.0, 4.0, 6.0):
            source.give(later([polls[-1]], seconds)[0])
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "REC" not in shown(app), "that it ended")
        (made,) = set(folder.iterdir()) - {saved}
    assert {one.stat().st_mode & 0o777 for one in (saved, made)} == {0o600}
    assert saved.name.startswith("my-shop-")
    whole = Recording.open(saved)
    assert [round(one.at, 3) for one in whole.samples() if isinstance(one, Poll)] == [
        round(one.at, 3) for one in polls
    ]
    part = Recording.open(made)
    assert part.start == pytest.approx(polls[-1].at), "not when the connection was made"
    watch = snapshot_of(list(part.samples()), part.end)
    assert watch.facts is not None and watch.poll is not None
    assert watch.poll.at == pytest.approx(polls[-1].at + 6.0)
    assert all(row.query for row in watch.snapshot().statements.values()), "the texts are in it too"


async def test_constants_are_left_out_of_what_is_recorded_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    secret = "xyzzy-4711"
    source = Recorded(changed(live_shop().taken, lambda sql: f"{sql} /* {secret} */", str))
    last = [one for one in source.taken if isinstance(one, Poll)][-1]
    for redact in (True, False):
        app = PgscopeApp(source, title=f"redact {redact}", config=Config(redact=redact))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.snapshot.at == last.at, "the present")  # noqa: B023
            await pilot.press("ctrl+s")
            await until(pilot, lambda: "Saved the last" in told(app), "that it is saved")  # noqa: B023
            assert ("without constants" in told(app)) == redact
            await pilot.press("ctrl+r")
            await until(pilot, lambda: "REC" in shown(app), "that it records")  # noqa: B023
            assert ("REC redacted" in shown(app)) == redact
            source.give(later([last], 2.0)[0])
            await pilot.press("ctrl+r")
            await until(pilot, lambda: "Recorded" in told(app), "that it ended")  # noqa: B023
        made = list((tmp_path / "pgscope" / "recordings").glob(f"redact-{redact}-*"))
        assert len(made) == 2
        for path in made:
            assert (secret.encode() in decompressed(path.read_bytes())) != redact


async def test_a_disk_that_is_full_is_said_on_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    source: Recorded = live_shop()
    last = [one for one in source.taken if isinstance(one, Poll)][-1]
    app = PgscopeApp(source)
    write = os.write
    said: list[str] = []
    monkeypatch.setattr(app, "notify", lambda message, **_: said.append(message))

    def full(fd: int, content: bytes) -> int:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(28, "No space left on device")
        return write(fd, content)

    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.snapshot.at == last.at, "the present")
        monkeypatch.setattr("pgscope.capture.recording.file.os.write", full)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Not saved: cannot write" in "\n".join(said), "that it cannot be saved")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "REC failing" in shown(app), "that it cannot be recorded")
        await until(pilot, lambda: "No space left on device" in "\n".join(said), "why")
        source.give(later([last], 1.0)[0])
        await until(pilot, lambda: app.snapshot.at == last.at + 1.0, "that the screen goes on")
        monkeypatch.setattr("pgscope.capture.recording.file.os.write", write)
        await pilot.press("ctrl+s")
        await until(
            pilot, lambda: "Saved the last" in "\n".join(said), "that it can be saved: nothing is lost"
        )
        assert "/shop-local-" in said[-1], "without a title it is named for the database and the host"


async def test_what_one_scrolled_back_to_is_saved_with_what_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    source: Recorded = live_shop()
    polls = [one for one in source.taken if isinstance(one, Poll)]
    app = PgscopeApp(source, title="shop")
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.snapshot.at == polls[-1].at, "the present")
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: 0 < app.snapshot.at < polls[-1].at - 5, "10 s ago")
        for seconds in (1.0, 2.0):
            source.give(later([polls[-1]], seconds)[0])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Saved the last" in told(app), "that it is saved")
        assert app.snapshot.at < polls[-1].at, "the past stays on the screen"
    (saved,) = (tmp_path / "pgscope" / "recordings").iterdir()
    recording = Recording.open(saved)
    kept = [round(one.at, 3) for one in recording.samples() if isinstance(one, Poll)]
    assert kept == [round(one.at, 3) for one in [*polls, *later([polls[-1]], 1.0), *later([polls[-1]], 2.0)]]
    assert not recording.damage

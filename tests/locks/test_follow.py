"""The forest from poll to poll is the one built anew, and the waits remembered are those remembered anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pgscope.analysis.locks import LockForest, LockWaits, build_forest
from pgscope.analysis.locks import follow as follow_module
from pgscope.analysis.locks.follow import Following
from pgscope.sample import Disconnected, Poll, Session
from tests.locks.test_forest_random import PIDS, polls
from tests.locks.test_waits import row, session


class Anew(Following):
    """Builds each forest."""

    def forest(self, poll: Poll) -> LockForest:
        return build_forest(poll)


class Remembering(LockWaits):
    """Starts anew at each poll where the other compares."""

    def __init__(self) -> None:
        super().__init__()
        self._following = Anew()


@st.composite
def series(draw: st.DrawFn) -> list[Poll]:
    """Each poll a few times in a row, its sessions coming, going and working meanwhile."""
    made: list[Poll] = []
    at = 1000.0
    for poll, _ in draw(st.lists(polls(), min_size=1, max_size=3)):
        for _ in range(draw(st.integers(1, 4))):
            at += draw(st.sampled_from((0.5, 1.0, 2.0)))
            made.append(replace(poll, at=at, mono=at, sessions=draw(_sessions())))
    return made


@st.composite
def _sessions(draw: st.DrawFn) -> tuple[Session, ...]:
    there = draw(st.lists(st.sampled_from(PIDS), unique=True))
    return tuple(draw(_session(pid)) for pid in sorted(there))


def _session(pid: int) -> Any:
    worker = session(pid, backend_type="parallel worker", leader_pid=PIDS[0])
    kinds = (session(pid), session(pid, state="idle in transaction", query="update t"), worker)
    return st.sampled_from(kinds if pid != PIDS[0] else kinds[:2])


@settings(max_examples=150, deadline=None)
@given(series())
def test_what_is_followed_is_what_is_built(made: list[Poll]) -> None:
    following, fold, anew = Following(), LockWaits(), Remembering()
    for poll in made:
        assert following.forest(poll) == build_forest(poll)
        fold.feed(poll)
        anew.feed(poll)
        assert fold.forest == anew.forest
        assert fold.starts() == anew.starts()
        assert fold.window() == anew.window()
    for one in (fold, anew):
        one.feed(Disconnected(made[-1].at + 1, made[-1].mono + 1, "gone"))
        one.feed(replace(made[-1], at=made[-1].at + 2, mono=made[-1].mono + 2))
    assert fold.window() == anew.window()
    assert fold.history == anew.history


def test_a_queue_that_stands_is_worked_out_once(monkeypatch: Any) -> None:
    built: list[float] = []

    def counted(poll: Poll) -> LockForest:
        built.append(poll.at)
        return build_forest(poll)

    monkeypatch.setattr(follow_module, "build_forest", counted)
    fold = LockWaits()
    queue = row(1, 7, True), *(row(pid, 7, False, 9.0 + pid / 100) for pid in range(2, 60))
    for second in range(10, 20):
        holder = session(1, query=f"select {second}", wait_event_type="")
        sessions = holder, *(session(pid) for pid in range(2, 60))
        fold.feed(Poll(second, second, sessions, locks=tuple(one._replace() for one in queue)))
    assert built == [10.0]
    assert fold.forest.nodes[1].session == holder
    (record, *_) = fold.window()
    assert (record.first_seen, record.last_seen) == (10.0, 19.0)
    assert record.root is not None and record.root.query == "select 19", "as it was when last looked at"
    fold.feed(Poll(20.0, 20.0, sessions, locks=queue[:-1]))
    assert built == [10.0, 20.0]
    assert len(fold.history) == 1

"""The roster, brought up to date by what changed, is what a look at every session would give."""

from __future__ import annotations

from collections import Counter

from pgscope.analysis.activity import is_own
from pgscope.analysis.roster import Roster
from pgscope.sample import Poll, Session
from tests.churn import churn


def test_it_is_what_all_sessions_give() -> None:
    roster = Roster()
    before: dict[int, Session] = {}
    changed = left = 0
    for poll in churn(60):
        if not isinstance(poll, Poll):
            continue
        roster.feed(poll)
        told = roster.changed
        roster.feed(poll)
        assert roster.changed is told, "the same poll again says nothing new"
        sessions = {one.pid: one for one in poll.sessions}
        clients = [one for one in poll.sessions if one.is_client]
        assert dict(roster.all) == sessions
        assert roster.clients == len(clients)
        assert roster.own == sum(map(is_own, clients))
        assert roster.starting == sum(one.is_starting for one in poll.sessions)
        assert roster.applications == Counter(one.application_name for one in clients if not is_own(one))
        assert set(roster.unnamed) == {one.pid for one in clients if not one.application_name.strip()}
        assert all(roster.busy[pid] is sessions[pid] for pid in roster.busy)
        assert all(
            one.state == "idle" and one.is_client for pid, one in sessions.items() if pid not in roster.busy
        )
        assert {one.pid for one in roster.changed} == {
            pid for pid, one in sessions.items() if before.get(pid) is not one
        }
        backends = {one.identity for one in poll.sessions}
        assert {one.identity for one in roster.left} == {
            one.identity for one in before.values() if one.identity not in backends
        }
        changed, left = changed + len(roster.changed), left + len(roster.left)
        before = sessions
    assert changed and left

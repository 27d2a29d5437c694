"""What the view of lock waits says in sentences, and whom an action would hit, without a screen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.content import Content

from pgscope.analysis.filter import Filter
from pgscope.analysis.snapshot import Snapshot
from pgscope.analysis.watch import Watch
from pgscope.capture.actions import ActionResult, ActionsDone, Kind, request_for
from pgscope.sample import Blocking, DatabaseCounters, Sample
from pgscope.tui.acting.ask import can_work, warnings
from pgscope.tui.acting.hands import told
from pgscope.tui.acting.scopes import Scope, scopes
from pgscope.tui.glyphs import ASCII, UNICODE
from pgscope.tui.locks.lines import fit
from pgscope.tui.locks.sentences import at_work, place_in_queue
from pgscope.tui.rows import ended_waits, locks
from tests.tui.frozen import BILLING, FIRST, INDEX, MIGRATE, SECOND, WEB, calm, jam, lock, poll


def snapshot(samples: list[Sample]) -> Snapshot:
    watch = Watch()
    for sample in samples:
        watch.feed(sample)
    return watch.snapshot()


def test_sentences_in_ascii_are_ascii() -> None:
    now = snapshot(jam())
    said = [*at_work(now, ASCII)]
    for node in now.locks.lines():
        said += place_in_queue(node, now, ASCII)
    assert said
    assert all(line.plain.isascii() for line in said)


def test_place_in_the_queue() -> None:
    now = snapshot(jam())
    node = now.locks.node(WEB[0].pid)
    assert node is not None
    assert [line.plain for line in place_in_queue(node, now, UNICODE)] == [
        "◆ waits 40s for public.orders ACCESS SHARE",
        "◇ queued behind 7102 (migrate)",
        "■ first blocker: pid 7101, idle in transaction 3 min, application billing",
    ]


def test_what_is_at_work() -> None:
    cycle, ddl, index = (line.plain for line in at_work(snapshot(jam()), UNICODE))
    assert "deadlock: 7201 (stock) waits for 7202 (returns) waits for 7201 (stock)" in cycle
    assert "ALTER TABLE orders: ACCESS EXCLUSIVE, blocks reads and writes; 5 sessions behind it" in ddl
    assert index.endswith("building index: scanning table 45.1% (4,512 of 10,000 blocks)")
    assert at_work(snapshot(calm()), UNICODE) == []


def test_what_ended_is_told_in_full() -> None:
    now = snapshot([*jam(), poll(5.0, [BILLING])])
    told_of = {record.waiter.pid: ended_waits.in_full(record, UNICODE) for record in now.ended_waits}
    assert told_of[WEB[0].pid] == [
        "◆ 7110 storefront-0 waited 40s for public.orders ACCESS SHARE, queued behind 7102",
        "■ first blocker: 7101 billing (idle in transaction): UPDATE orders SET state = 'paid' WHERE id = $1",
        "  statement SELECT * FROM orders WHERE customer_id = 0 ORDER BY created_at DESC",
    ]
    (deadlock,) = now.deadlocks
    first, *members = ended_waits.in_full(deadlock, UNICODE)
    assert first == "∞ deadlock: stock, returns, 7201 > 7202 > 7201"
    assert members == [
        "  7201 stock waited for row (0,1) of public.orders: UPDATE stock SET n = 1",
        "  7202 returns waited for row (0,2) of public.orders: UPDATE stock SET n = 2",
    ]


def test_a_deadlock_between_two_looks_is_told_by_the_count() -> None:
    later = replace(
        poll(5.0, [BILLING]), databases=(DatabaseCounters(1, "shop", 100, 0, 5, 995, 0, 2, None),)
    )
    now = snapshot([*calm(), later])
    (deadlock,) = now.deadlocks
    (row,) = ended_waits.rows([deadlock], UNICODE)
    assert callable(row.cells)
    shown = [cell if isinstance(cell, str) else cell.text for cell in row.cells()]
    assert shown[1:4] == ["∞ 2 deadlocks in shop", "", "unseen: the server's count"]


def test_sentences_are_fitted_and_the_rest_is_counted() -> None:
    sentences = [Content("one two three four"), Content("five"), Content("six")]
    assert fit(sentences, 80, 3).plain == "one two three four\nfive\nsix"
    assert fit(sentences, 9, 4).plain == "one two\nthree\nfour\nand 2 more"
    assert fit(sentences, 9, 2).plain == "one two …\nand 2 more"
    assert fit(sentences, 80, 1).plain == "and 3 more"
    assert fit([], 80, 4).plain == ""


def test_a_filter_keeps_the_way_to_the_root() -> None:
    now = snapshot(jam())
    kept = locks.chosen(now, Filter.parse("app:storefront-3"))
    assert [node.key for node in kept] == [BILLING.pid, MIGRATE.pid, WEB[3].pid]
    assert locks.chosen(now, Filter.parse("app:nobody")) == []


def by_id(found: tuple[Scope, ...]) -> dict[str, list[int]]:
    return {scope.id: [session.pid for session in scope.sessions] for scope in found}


def test_scopes() -> None:
    now = snapshot(jam())
    behind = [MIGRATE.pid, *(one.pid for one in WEB)]
    assert by_id(scopes([BILLING], now)) == {"these": [BILLING.pid], "behind": behind}
    assert by_id(scopes([WEB[1]], now)) == {"these": [WEB[1].pid], "root": [BILLING.pid], "behind": behind}
    assert by_id(scopes([WEB[1], WEB[2]], now))["root"] == [BILLING.pid]
    assert by_id(scopes([INDEX], now)) == {"these": [INDEX.pid]}
    assert scopes([], now) == ()
    assert set(by_id(scopes([FIRST], now))["these"]) == {FIRST.pid}
    assert SECOND.pid in {pid for pids in by_id(scopes([FIRST], now)).values() for pid in pids}


def test_says_that_one_of_several_blockers_is_not_all() -> None:
    held = [BILLING._replace(pid=pid) for pid in (BILLING.pid, 7103, 7104)]
    now = snapshot(
        [
            poll(
                0.0,
                [*held, MIGRATE],
                locks=(
                    *(lock(one.pid, "RowExclusiveLock") for one in held),
                    lock(MIGRATE.pid, "AccessExclusiveLock", waiting=41.0),
                ),
                blocking=(Blocking(MIGRATE.pid, tuple(one.pid for one in held)),),
            )
        ]
    )
    (root,) = [scope for scope in scopes([MIGRATE], now) if scope.id == "root"]
    assert len(root.sessions) == 1
    assert root.remark == "2 more are in the way as well, and would stay there"
    assert not any(scope.remark for scope in scopes([WEB[1]], snapshot(jam())))
    assert not any(scope.remark for scope in scopes([FIRST], snapshot(jam())))


def test_warns_before_a_cancel_that_would_do_nothing() -> None:
    now = snapshot(jam())
    (said,) = warnings("cancel", Scope("these", "this session", (BILLING,)), now, UNICODE)
    assert "nothing to cancel" in said
    assert warnings("terminate", Scope("these", "this session", (BILLING,)), now, UNICODE) == []


@pytest.mark.parametrize(("state", "works"), [("disabled", True), ("starting", True), ("idle", False)])
def test_what_is_not_said_to_be_idle_may_be_cancelled(state: str, works: bool) -> None:
    """With track_activities off nobody knows what a session does."""
    session = BILLING._replace(state=state)
    now = snapshot(jam())
    assert can_work("cancel", session) is works
    said = warnings("cancel", Scope("these", "this session", (session,)), now, UNICODE)
    assert bool(said) is not works


def result(kind: Kind, outcome: str, reason: str) -> ActionResult:
    return ActionResult(request_for(kind, BILLING), outcome, reason, 0.0)  # type: ignore[arg-type]


def test_results_are_told() -> None:
    done = result("cancel", "done", "the statement has ended")
    refused = result("cancel", "refused", "permission denied")
    assert told(ActionsDone((done,))) == ("Cancel pid 7101 (billing): the statement has ended", "information")
    message, severity = told(ActionsDone((done, done, refused, refused)))
    assert message.splitlines() == [
        "Cancel of 4 sessions: 2 done, 2 refused",
        "pid 7101 (billing): permission denied",
    ]
    assert severity == "error"
    assert told(ActionsDone((done,), "cannot write it"))[1] == "error"
    assert told(ActionsDone((result("cancel", "idle", "nothing runs"),)))[1] == "warning"

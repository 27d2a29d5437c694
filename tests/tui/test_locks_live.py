"""Lock waits and actions on the screen, with real sessions in a real queue."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from textual.pilot import Pilot

from pgscope.capture.actions import Actions
from pgscope.capture.audit import AuditLog
from pgscope.capture.live import LiveSource
from pgscope.server.conninfo import target
from pgscope.tui.acting.ask import AskScreen
from pgscope.tui.app import PgscopeApp
from pgscope.tui.details.session import SessionScreen
from pgscope.tui.views.locks import LocksView
from tests.locks.scene import Client, Scene
from tests.tui.driving import cells, shown, table, until


@pytest.fixture
async def scene(pg_database: str) -> AsyncIterator[Scene]:
    """A scene with a table `orders` of ten rows."""
    async with Scene(pg_database) as made:
        made.client("setup").run(
            "create table orders (id int primary key, n int)",
            "insert into orders select g, 0 from generate_series(1, 10) g",
        )
        yield made


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "state" / "actions.jsonl")


def app_for(scene: Scene, log: AuditLog, *, read_only: bool = False, user: str | None = None) -> PgscopeApp:
    where = target(scene.conninfo, user=user)
    actions = Actions(where, log, read_only=read_only)
    return PgscopeApp(LiveSource(where, interval=0.2, budget=1.0), read_only=read_only, actions=actions)


class Queue:
    """`billing` holds a row and idles, `migrate` wants the table, `web0` and `web1` stand behind it."""

    def __init__(self, billing: Client, migrate: Client, webs: list[Client]) -> None:
        self.billing, self.migrate, self.webs = billing, migrate, webs

    @property
    def waiting(self) -> list[Client]:
        return [self.migrate, *self.webs]


async def queue(scene: Scene, *, conninfo: str | None = None) -> Queue:
    billing, migrate = scene.client("billing", conninfo), scene.client("migrate")
    billing.run("begin", "update orders set n = 1 where id = 1")
    migrate.send("alter table orders add column x int")
    await scene.waiting(migrate)
    webs = [scene.client(f"web{number}") for number in range(2)]
    for web in webs:
        web.send("select * from orders")
        await scene.waiting(web)
    return Queue(billing, migrate, webs)


async def in_locks(pilot: Pilot[None], app: PgscopeApp) -> None:
    await pilot.press("4")
    assert isinstance(app.screen, LocksView)
    await until(pilot, lambda: len(cells(app, "#locks")) == 4, "the whole queue")


def entries(log: AuditLog) -> list[tuple[str, int]]:
    if not log.path.exists():
        return []
    found = [json.loads(line) for line in log.path.read_text().splitlines()]
    return [(entry["action"], entry["pid"]) for entry in found]


async def test_the_tree_and_its_history(scene: Scene, log: AuditLog) -> None:
    await tree_and_history((80, 24), scene, log)


@pytest.mark.one_major("of the screen: all is as in the one before, in more room")
async def test_the_tree_on_a_large_screen(scene: Scene, log: AuditLog) -> None:
    await tree_and_history((200, 60), scene, log)


async def tree_and_history(size: tuple[int, int], scene: Scene, log: AuditLog) -> None:
    """A queue comes, is shown as it stands, and ends."""
    app = app_for(scene, log)
    async with app.run_test(size=size) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "Nobody waits for a lock" in shown(app), "that nobody waits")
        made = await queue(scene)
        await in_locks(pilot, app)
        rows = cells(app, "#locks")
        assert [row.split(" | ")[0] for row in rows] == [str(made.billing.pid), *map(str, pids(made.waiting))]
        assert [row.split(" | ")[4] for row in rows] == ["■ idle in tx", "◆ blocked", "◇ queued", "◇ queued"]
        assert [row.split(" | ")[5] for row in rows] == ["3", "2", "", ""]
        assert [row.indent for row in table(app, "#locks").rows] == [0, 1, 2, 2]
        assert "holds" in rows[0]
        assert "orders ROW EXCLUSIVE" in rows[0]
        assert "orders ACCESS EXCLUSIVE" in rows[1]
        assert "orders ACCESS SHARE" in rows[2]
        for word in ("billing", "migrate", "web1", "idle in tx", "queued", "3 wait, 1 blocker"):
            assert word in shown(app)
        await until(pilot, lambda: "blocks reads and writes" in shown(app), "what the DDL shuts out")
        assert "update orders set n" in shown(app), "the root's last statement"

        made.billing.run("rollback")
        for client in made.waiting:
            assert client.finish() == ""
        await until(pilot, lambda: "Nobody waits for a lock" in shown(app), "the end")
        await until(pilot, lambda: len(cells(app, "#ended")) == 3, "the waits that ended")
        assert all(f"{made.billing.pid} billing" in row for row in cells(app, "#ended"))
        assert "web0" in shown(app)


@pytest.mark.one_major("of keys; what they send is tested on each in tests/locks/test_actions.py")
async def test_jumps_to_the_root_from_everywhere(scene: Scene, log: AuditLog) -> None:
    made = await queue(scene)
    app = app_for(scene, log)
    async with app.run_test(size=(80, 24)) as pilot:
        await in_locks(pilot, app)
        locks = table(app, "#locks")
        await pilot.press("G")
        assert session_pid(locks.cursor_key) == made.webs[1].pid
        await pilot.press("J")
        assert session_pid(locks.cursor_key) == made.billing.pid
        await pilot.press("J")
        await until(pilot, lambda: "itself the blocker" in told(app), "that it is the root")

        await pilot.press("G", "enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen), "the waiter's own screen")
        await until(pilot, lambda: "queued behind" in shown(app), "its place in the queue")
        assert f"first blocker: pid {made.billing.pid}" in shown(app)
        await pilot.press("J")
        await until(pilot, lambda: session_on(app) == made.billing.pid, "the root's own screen")
        await until(pilot, lambda: "3 wait behind it" in shown(app), "whom it blocks")

        await pilot.press("2")
        await until(pilot, lambda: "blocks 3" in cells(app)[0], "the culprit marked among the sessions")
        sessions = table(app)
        assert sessions.move_to_key(next(r.key for r in sessions.rows if r.key[0] == made.webs[0].pid))  # type: ignore[index]
        await pilot.press("J")
        assert session_pid(sessions.cursor_key) == made.billing.pid

        await pilot.press("1")
        await until(pilot, lambda: any("■blocks 3" in row for row in cells(app)), "its application too")


@pytest.mark.one_major("of keys; what they send is tested on each in tests/locks/test_actions.py")
async def test_cancel_asks_first_and_hits_the_waiter(scene: Scene, log: AuditLog) -> None:
    made = await queue(scene)
    app = app_for(scene, log)
    async with app.run_test(size=(80, 24)) as pilot:
        await in_locks(pilot, app)
        await pilot.press("j", "c")
        await until(pilot, lambda: isinstance(app.screen, AskScreen), "the question")
        await until(pilot, lambda: "blocks 2" in shown(app), "what it blocks")
        for word in (f"pid {made.migrate.pid}", "migrate", "postgres@", "alter table orders"):
            assert word in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LocksView), "no")
        assert entries(log) == []
        await pilot.press("c", "y")
        await until(pilot, lambda: "the statement has ended" in told(app), "the result")
        assert "canceling statement due to user request" in made.migrate.finish()
        assert [web.finish() for web in made.webs] == ["", ""]
        assert entries(log) == [("cancel", made.migrate.pid)]


@pytest.mark.one_major("of keys; what they send is tested on each in tests/locks/test_actions.py")
async def test_the_root_in_one_step(scene: Scene, log: AuditLog) -> None:
    """It is idle in transaction, where cancel would do nothing: the question is whether to end it."""
    made = await queue(scene)
    app = app_for(scene, log)
    async with app.run_test(size=(80, 24)) as pilot:
        await in_locks(pilot, app)
        await pilot.press("G", "R")
        await until(pilot, lambda: "TERMINATE its blocker?" in shown(app), "the question")
        assert f"pid {made.billing.pid}" in shown(app)
        await pilot.press("c")
        await until(pilot, lambda: "nothing to cancel" in shown(app), "the warning")
        await pilot.press("T", "y")
        await until(pilot, lambda: "the session has ended" in told(app), "the result")
        assert [client.finish() for client in made.waiting] == ["", "", ""]
        assert entries(log) == [("terminate", made.billing.pid)]


@pytest.mark.one_major("of keys; what they send is tested on each in tests/locks/test_actions.py")
async def test_a_root_that_let_go_while_it_was_asked_about_goes_on(scene: Scene, log: AuditLog) -> None:
    made = await queue(scene)
    app = app_for(scene, log)
    async with app.run_test(size=(120, 40)) as pilot:
        await in_locks(pilot, app)
        await pilot.press("g", "T")
        await until(pilot, lambda: "TERMINATE this session?" in shown(app), "the question")
        made.billing.run("commit", "begin", "select 'the next request'")
        assert [client.finish() for client in made.waiting] == ["", "", ""]
        await pilot.press("y")
        await until(pilot, lambda: "was left alone" in told(app), "the result")
        assert made.billing.run("select 1") == [("1",)]


@pytest.mark.one_major("of keys; what they send is tested on each in tests/locks/test_actions.py")
async def test_all_behind_the_root_in_one_step(scene: Scene, log: AuditLog) -> None:
    made = await queue(scene)
    app = app_for(scene, log)
    async with app.run_test(size=(80, 24)) as pilot:
        await in_locks(pilot, app)
        await pilot.press("B")
        await until(pilot, lambda: "all 3 behind the blocker?" in shown(app), "the question")
        await pilot.press("y")
        await until(pilot, lambda: "Cancel of 3 sessions: 3 done" in told(app), "the result")
        assert all("user request" in client.finish() for client in made.waiting)
        made.billing.run("commit")
        assert sorted(pid for _, pid in entries(log)) == sorted(pids(made.waiting))


@pytest.mark.one_major("of keys; what they send is tested on each in tests/locks/test_actions.py")
async def test_several_by_marking_among_sessions(scene: Scene, log: AuditLog) -> None:
    made = await queue(scene)
    app = app_for(scene, log)
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.press("2")
        await pilot.press("slash", *"app:web", "enter")
        await until(pilot, lambda: len(cells(app)) == 2, "the two that wait")
        await pilot.press("g", "m", "m", "c")
        await until(pilot, lambda: "the 2 marked?" in shown(app), "the question")
        await pilot.press("y")
        await until(pilot, lambda: "Cancel of 2 sessions: 2 done" in told(app), "the result")
        assert all("user request" in client.finish() for client in made.webs)
        assert sorted(entries(log)) == sorted(("cancel", pid) for pid in pids(made.webs))


@pytest.mark.one_major("of keys; what they send is tested on each in tests/locks/test_actions.py")
async def test_read_only_refuses_and_says_why(scene: Scene, log: AuditLog) -> None:
    made = await queue(scene)
    app = app_for(scene, log, read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await in_locks(pilot, app)
        for key in "cTRB":
            await pilot.press(key)
            await until(pilot, lambda: "--read-only" in told(app), "why not")
            assert isinstance(app.screen, LocksView)
            app.clear_notifications()
            await until(pilot, lambda: not told(app), "nothing said any more")
        assert entries(log) == []
    made.billing.run("commit")
    assert [client.finish() for client in made.waiting] == ["", "", ""]


@pytest.fixture
def bystander(pg_database: str) -> Iterator[str]:
    """A role that sees everything and may signal nobody."""
    with psycopg.connect(pg_database, autocommit=True) as connection:
        connection.execute("create role bystander login in role pg_monitor")
        connection.execute("create role victim login")
        connection.execute("grant all on schema public to victim")
        yield "bystander"
        connection.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = any(%s)",
            (["bystander", "victim"],),
        )
        connection.execute("drop owned by victim, bystander")
        connection.execute("drop role bystander, victim")


async def test_a_role_that_may_not_is_told(scene: Scene, log: AuditLog, bystander: str) -> None:
    scene.client("setup").run("grant all on orders to victim")
    made = await queue(scene, conninfo=f"{scene.conninfo} user=victim")
    app = app_for(scene, log, user=bystander)
    async with app.run_test(size=(120, 40)) as pilot:
        await in_locks(pilot, app)
        await pilot.press("T")
        await until(pilot, lambda: "GRANT pg_signal_backend TO bystander" in shown(app), "what it would need")
        assert "The server will refuse" in shown(app)
        assert "y Try anyway" in shown(app), "somebody may have granted it since"
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, LocksView), "the view again")
        await until(pilot, lambda: f"Terminate pid {made.billing.pid} (billing): " in told(app), "the answer")
        assert "pg_signal_backend" in told(app)
        assert app.is_running
    made.billing.run("commit")
    assert [client.finish() for client in made.waiting] == ["", "", ""]


async def test_a_deadlock_is_remembered(scene: Scene, log: AuditLog) -> None:
    first, second = scene.client("first"), scene.client("second")
    for client in (first, second):
        client.run("set deadlock_timeout = '3s'", "begin")
    first.run("update orders set n = 1 where id = 1")
    second.run("update orders set n = 1 where id = 2")
    app = app_for(scene, log)
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: app.snapshot.facts is not None, "the server")
        first.send("update orders set n = 2 where id = 2")
        await scene.waiting(first)
        second.send("update orders set n = 2 where id = 1")
        await until(pilot, lambda: "deadlock: " in shown(app), "the cycle while it lasts")
        assert "∞ cycle" in shown(app)
        assert "deadlock detected" in first.finish() + second.finish()
        await until(
            pilot, lambda: any("∞ deadlock: " in row for row in cells(app, "#ended")), "it in the history"
        )
        (row,) = [row for row in cells(app, "#ended") if "∞ deadlock: " in row]
        assert {"first", "second"} <= set(row.replace(",", " ").split())


async def test_a_prepared_transaction_is_told_from_a_session(scene: Scene, log: AuditLog) -> None:
    scene.client("two-phase").run(
        "begin", "update orders set n = 1 where id = 1", "prepare transaction 'order 1'"
    )
    waiter = scene.client("web")
    waiter.send("update orders set n = 2 where id = 1")
    await scene.waiting(waiter)
    app = app_for(scene, log)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: len(cells(app, "#locks")) == 2, "the wait")
        assert "prepared | (prepared) | postgres" in cells(app, "#locks")[0]
        await pilot.press("enter")
        await until(pilot, lambda: "ROLLBACK PREPARED" in told(app), "how to end it")
        app.clear_notifications()
        await pilot.press("j", "R")
        await until(pilot, lambda: isinstance(app.screen, AskScreen), "the question")
        await until(pilot, lambda: "has no session" in shown(app), "why it cannot be")
        await pilot.press("y", "escape")
        await until(pilot, lambda: isinstance(app.screen, LocksView), "nothing done")
        assert entries(log) == []
    scene.client("cleaner").run("rollback prepared 'order 1'")
    assert waiter.finish() == ""


def told(app: PgscopeApp) -> str:
    """What stands in the notifications; on a narrow screen they wrap."""
    return "\n".join(notification.message for notification in app._notifications)


def pids(clients: list[Client]) -> list[int]:
    return [client.pid for client in clients]


def session_pid(key: object) -> object:
    return key[0] if isinstance(key, tuple) else None


def session_on(app: PgscopeApp) -> int | None:
    return app.screen.session.pid if isinstance(app.screen, SessionScreen) else None


@pytest.mark.one_major("of keys; what they send is tested on each in tests/locks/test_actions.py")
async def test_the_screen_behind_a_question_is_live(scene: Scene, log: AuditLog) -> None:
    """Who comes while it is asked whom to cancel is seen; who is asked about stays."""
    made = await queue(scene)
    app = app_for(scene, log)
    async with app.run_test(size=(120, 60)) as pilot:
        await in_locks(pilot, app)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, AskScreen), "the question")
        listed = shown(app).count("web0")
        late = scene.client("latecomer")
        late.send("select * from orders")
        await until(pilot, lambda: "latecomer" in shown(app), "the latecomer behind the question")
        assert isinstance(app.screen, AskScreen), "it is still asked"
        assert shown(app).count("web0") == listed, "what is asked about stays"
        await pilot.press("escape")
        made.billing.run("rollback")
        for client in (*made.waiting, late):
            assert client.finish() == ""

"""Cancel and terminate on real servers: the session meant, no other, and a record of it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from pgscope.capture.actions import READ_ONLY, Actions, request_for
from pgscope.capture.audit import AuditFailed, AuditLog, default_audit_path
from pgscope.server.actions import ActionRequest, ActionResult, Kind
from pgscope.server.conninfo import Target, target
from tests.locks.scene import Client, Scene

SLEEP = "select pg_sleep(600)"


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "state" / "actions.jsonl")


@pytest.fixture
def role(pg_database: str) -> Iterator[str]:
    """A role that may log in and nothing else; beside it one more, 'victim'."""
    with psycopg.connect(pg_database, autocommit=True) as connection:
        for name in ("bystander", "victim"):
            connection.execute(f"create role {name} login")
        yield "bystander"
        for name in ("bystander", "victim"):
            connection.execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = %s", (name,)
            )
            connection.execute(f"drop role {name}")


def lines(log: AuditLog) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.path.read_text().splitlines()]


async def request(scene: Scene, kind: Kind, client: Client) -> ActionRequest:
    """A request as the screen makes it: from a poll."""
    poll = await scene.poll_until(lambda poll: any(session.pid == client.pid for session in poll.sessions))
    (session,) = [session for session in poll.sessions if session.pid == client.pid]
    return request_for(kind, session)


async def busy(scene: Scene, application: str = "test", conninfo: str | None = None) -> Client:
    """A session that runs a long statement."""
    client = scene.client(application, conninfo)
    client.send(SLEEP)
    await scene.until("select true from pg_stat_activity where pid = %s and state = 'active'", (client.pid,))
    return client


async def test_cancel(scene: Scene, log: AuditLog) -> None:
    client = await busy(scene, "billing")
    wanted = await request(scene, "cancel", client)
    done = await Actions(target(scene.conninfo), log).run([wanted])
    assert client.finish().startswith("ERROR:  canceling statement due to user request")
    (result,) = done.results
    assert (result.outcome, result.ok, done.unrecorded) == ("done", True, "")
    assert client.run("select 1") == [("1",)]
    (line,) = lines(log)
    assert (line["action"], line["pid"], line["outcome"]) == ("cancel", client.pid, "sent")
    assert (line["application_name"], line["user"], line["query"]) == ("billing", "postgres", SLEEP)


async def test_terminate_several(scene: Scene, log: AuditLog) -> None:
    """Several at once, in their order, and one that cannot be done does not stop the others."""
    first, idle, gone = await busy(scene), scene.client(), scene.client()
    idle.run("begin", "update orders set n = 1")
    wanted = [await request(scene, "terminate", client) for client in (first, gone, idle)]
    gone.close()
    await scene.until(
        "select true where not exists (select from pg_stat_activity where pid = %s)", (gone.pid,)
    )
    prepared = ActionRequest("terminate", 0, 0.0)
    done = await Actions(target(scene.conninfo), log).run([wanted[0], prepared, *wanted[1:]])
    assert [result.request.pid for result in done.results] == [first.pid, 0, gone.pid, idle.pid]
    assert [result.outcome for result in done.results] == ["done", "refused", "gone", "done"]
    assert "ROLLBACK PREPARED" in done.results[1].reason
    assert "terminating connection" in first.finish()
    assert [line["outcome"] for line in lines(log)] == ["sent", "refused", "gone", "sent"]


async def test_a_pid_used_again_is_never_hit(scene: Scene, log: AuditLog) -> None:
    """The same pid with another start is another session: nothing is sent to it."""
    client = await busy(scene)
    for kind in ("cancel", "terminate"):
        right = await request(scene, kind, client)
        for seconds in (-1.0, -0.00001, 0.00001, 1.0):
            other = ActionRequest(kind, right.pid, right.backend_start + seconds)
            (result,) = (await Actions(target(scene.conninfo), log).run([other])).results
            assert result.outcome == "gone"
            assert "another" in result.reason
    await scene.until("select true from pg_stat_activity where pid = %s and state = 'active'", (client.pid,))


async def test_a_statement_that_has_ended_is_never_another_one(scene: Scene, log: AuditLog) -> None:
    """While the question stood, the session has gone on to something else."""
    actions = Actions(target(scene.conninfo), log)
    client = await busy(scene)
    wanted = await request(scene, "cancel", client)
    scene.client().run(f"select pg_cancel_backend({client.pid})")
    client.finish()
    client.send("select 'innocent', pg_sleep(600)")
    await scene.until(
        "select true from pg_stat_activity where pid = %s and query ~ 'innocent'", (client.pid,)
    )
    (result,) = (await actions.run([wanted])).results
    assert (result.outcome, result.reason) == (
        "gone",
        "the statement had already ended, and the session runs another one now",
    )
    # The same statement again, as in a loop, is what was meant: by its query id, without one by its text.
    wanted = await request(scene, "cancel", client)
    for like in (replace(wanted, query=""), replace(wanted, query_id=None)):
        again = replace(like, query_start=(wanted.query_start or 0.0) - 1.0)
        (result,) = (await actions.run([again])).results
        assert result.outcome == "done"
        client.finish()
        client.send("select 'innocent', pg_sleep(600)")
        await scene.until(
            "select true from pg_stat_activity where pid = %s and state = 'active'", (client.pid,)
        )


async def test_a_blocker_that_has_let_go_is_left_alone(scene: Scene, log: AuditLog) -> None:
    actions = Actions(target(scene.conninfo), log)
    holder, waiter = scene.client("holder"), scene.client("waiter")
    holder.run("begin", "update orders set n = 1 where id = 1")
    waiter.send("update orders set n = 2 where id = 1")
    await scene.waiting(waiter)
    wanted = [
        replace(await request(scene, "terminate", holder), held_up=(waiter.pid,)),
        replace(await request(scene, "terminate", waiter), waiting=True),
    ]
    holder.run("commit", "begin", "select 'something else'")
    waiter.finish()
    done = await actions.run(wanted)
    assert [(result.outcome, "left alone" in result.reason) for result in done.results] == [
        ("gone", True)
    ] * 2
    assert holder.run("select 1") == waiter.run("select 1") == [("1",)]
    # Chosen for itself, and not because it was in the way, it is ended whatever it does.
    (result,) = (await actions.run([await request(scene, "terminate", waiter)])).results
    assert result.outcome == "done"


async def test_a_blocker_that_goes_on_blocking_is_ended(scene: Scene, log: AuditLog) -> None:
    """Locks of a session outlive its transactions."""
    actions = Actions(target(scene.conninfo), log)
    holder, waiter = scene.client("holder"), scene.client("waiter")
    holder.run("begin", "select pg_advisory_lock(5)")
    waiter.send("select pg_advisory_lock(5)")
    await scene.waiting(waiter)
    other = scene.client("other")
    other.send("select pg_advisory_lock(5)")
    await scene.waiting(other)
    wanted = [
        replace(await request(scene, "terminate", waiter), waiting=True, xact_start=1.0),
        replace(await request(scene, "terminate", holder), held_up=(other.pid,)),
    ]
    holder.run("commit")
    done = await actions.run(wanted)
    assert [result.outcome for result in done.results] == ["done", "done"]
    assert other.finish() == ""


async def test_cancel_of_an_idle_transaction(scene: Scene, log: AuditLog) -> None:
    client = scene.client()
    client.run("begin", "update orders set n = 1")
    wanted = await request(scene, "cancel", client)
    (result,) = (await Actions(target(scene.conninfo), log).run([wanted])).results
    assert (result.outcome, result.ok) == ("idle", False)
    assert "idle in transaction" in result.reason
    client.run("commit")


async def test_cancel_over_a_database_of_another_encoding(
    scene: Scene, log: AuditLog, pg_database: str
) -> None:
    """Which cannot hold the text of the statement."""
    with psycopg.connect(pg_database, autocommit=True) as connection:
        connection.execute("create database t_euc encoding 'EUC_JP' locale 'C' template template0")
        try:
            client = scene.client()
            client.send("select '€', pg_sleep(600)")
            shown = "select true from pg_stat_activity where pid = %s and wait_event = 'PgSleep'"
            await scene.until(shown, (client.pid,))
            wanted = await request(scene, "cancel", client)
            assert "€" in wanted.query
            there = target(pg_database).with_database("t_euc")
            (result,) = (await Actions(there, log).run([wanted])).results
            assert result.outcome == "done"
        finally:
            connection.execute("drop database t_euc with (force)")


async def test_cancel_of_what_is_not_tracked(scene: Scene, log: AuditLog) -> None:
    client = scene.client()
    client.run("set track_activities = off", "begin")
    client.send("select pg_advisory_lock(1), pg_sleep(600)")
    shown = (
        "select true from pg_stat_activity where pid = %s and state = 'disabled' and wait_event = 'PgSleep'"
    )
    await scene.until(shown, (client.pid,))
    wanted = await request(scene, "cancel", client)
    (result,) = (await Actions(target(scene.conninfo), log).run([wanted])).results
    assert result.outcome == "sent"
    assert "track_activities is off" in result.reason
    assert "user request" in client.finish()


async def test_without_the_privilege(scene: Scene, log: AuditLog, role: str) -> None:
    """Refused politely, with the statement that would help, as long as it is needed; the session goes on."""
    client = await busy(scene, conninfo=f"{scene.conninfo} user=victim")
    wanted = [await request(scene, kind, client) for kind in ("cancel", "terminate")]
    actions = Actions(as_role(scene, role), log)
    for grant in ("pg_read_all_stats", "pg_signal_backend"):
        done = await actions.run(wanted)
        assert [result.outcome for result in done.results] == ["refused", "refused"]
        assert all(result.reason.endswith(f"GRANT {grant} TO {role}") for result in done.results)
        scene.client().run(f"grant {grant} to {role}")
    superuser = await busy(scene)
    (refused, done_now) = (
        await actions.run([await request(scene, "terminate", superuser), wanted[0]])
    ).results
    assert (refused.outcome, done_now.outcome) == ("refused", "done")
    assert "superuser" in refused.reason.lower()
    assert "GRANT" not in refused.reason
    await scene.until(
        "select true from pg_stat_activity where pid = %s and state = 'active'", (superuser.pid,)
    )


async def test_own_sessions_of_a_plain_role(scene: Scene, log: AuditLog, role: str) -> None:
    """Everyone may end what is their own."""
    client = await busy(scene, conninfo=f"{scene.conninfo} user={role}")
    wanted = await request(scene, "terminate", client)
    (result,) = (await Actions(as_role(scene, role), log).run([wanted])).results
    assert result.outcome == "done"


async def test_never_pgscope_itself(scene: Scene, log: AuditLog) -> None:
    client = await busy(scene)
    wanted = await request(scene, "cancel", client)
    done = await Actions(target(scene.conninfo), log).run([wanted], own_pids={client.pid})
    assert [result.outcome for result in done.results] == ["refused"]


async def test_read_only_sends_nothing(log: AuditLog, tmp_path: Path) -> None:
    """Nothing is connected to (there is no such server) and nothing is recorded."""
    actions = Actions(target(f"host={tmp_path} dbname=none"), log, read_only=True)
    assert not actions.enabled
    (result,) = (await actions.run([ActionRequest("terminate", 1234, 1.0)])).results
    assert (result.outcome, result.reason) == ("refused", READ_ONLY)
    assert not log.path.exists()


async def test_server_out_of_reach(log: AuditLog, tmp_path: Path) -> None:
    actions = Actions(target(f"host={tmp_path} dbname=none"), log)
    (result,) = (await actions.run([ActionRequest("cancel", 1234, 1.0)])).results
    assert result.outcome == "failed"
    assert "\n" not in result.reason
    assert [line["outcome"] for line in lines(log)] == ["failed"]


async def test_an_unwritable_record_keeps_nobody_from_acting(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    client = await busy(scene)
    wanted = await request(scene, "cancel", client)
    done = await Actions(target(scene.conninfo), AuditLog(tmp_path / "file" / "log")).run([wanted])
    assert [result.outcome for result in done.results] == ["done"]
    assert done.unrecorded.startswith("cannot write")


def as_role(scene: Scene, role: str) -> Target:
    return target(scene.conninfo, user=role)


def result_with(query: str) -> ActionResult:
    request = ActionRequest("cancel", 71, 1_700_000_000.5, "billing", "app", "shop", query)
    return ActionResult(request, "sent", "cancel sent", 1_700_000_100.0)


def test_record_is_private_and_one_line_each(log: AuditLog) -> None:
    hostile = 'select 1;\n{"at": "forged"}\n\x1b]0;title\x07 é \u202e'
    for query in (hostile, "select 2"):
        log.record(result_with(query), "db1 5432 shop", "ann")
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700
    raw = log.path.read_bytes()
    assert raw.count(b"\n") == 2
    assert all(byte == 0x0A or 0x20 <= byte < 0x7F for byte in raw)
    first, second = lines(log)
    assert first["query"] == hostile
    assert (second["by"], second["server"]) == ("ann", "db1 5432 shop")
    assert first["at"] == "2023-11-14T22:15:00.000+00:00"


def test_record_is_made_private_again(log: AuditLog) -> None:
    log.check()
    log.path.chmod(0o666)
    log.check()
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("trap", ["link", "folder link", "hard link", "pipe", "folder", "open folder"])
def test_record_does_not_follow_links(tmp_path: Path, trap: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    home = tmp_path / "state"
    real = tmp_path / "elsewhere"
    real.mkdir(mode=0o700)
    path = home / "actions.jsonl"
    if trap == "folder link":
        home.symlink_to(real)
    else:
        home.mkdir(mode=0o700)
    if trap == "link":
        path.symlink_to(victim)
    elif trap == "hard link":
        path.hardlink_to(victim)
    elif trap == "pipe":
        os.mkfifo(path)
    elif trap == "folder":
        path.mkdir()
    elif trap == "open folder":
        home.chmod(0o777)
    with pytest.raises(AuditFailed, match="cannot write"):
        AuditLog(path).record(result_with("select 1"), "db", "ann")
    assert victim.read_text() == "precious"
    assert not list(real.iterdir())


def test_default_place() -> None:
    """In the user's state folder, which the tests' environment replaces."""
    assert default_audit_path() == Path(os.environ["XDG_STATE_HOME"]) / "pgscope" / "actions.jsonl"

"""What the question says the server will refuse is what the server does refuse, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgscope.analysis.signalling import refusal
from pgscope.capture.actions import Actions, request_for
from pgscope.capture.audit import AuditLog
from pgscope.sample import Poll
from pgscope.server.conninfo import target
from tests.streams import streaming

GRANTS = {
    "nothing": (),
    "sees": ("pg_monitor",),
    "signals": ("pg_monitor", "pg_signal_backend"),
    "member": ("pg_monitor", "t_victim"),
    "blind": ("pg_signal_backend",),
}


@pytest.fixture
def clients(pg_database: str) -> Iterator[dict[str, psycopg.Connection]]:
    """Sessions of a superuser, of a plain role and of the role that looks; roles with the grants above."""
    roles = ["t_victim", *(f"t_{name}" for name in GRANTS)]
    with psycopg.connect(pg_database, autocommit=True) as admin:
        for role in roles:
            admin.execute(f"create role {role} login".encode())
        for name, grants in GRANTS.items():
            for grant in grants:
                admin.execute(f"grant {grant} to t_{name}".encode())
        admin.execute("create role t_super login superuser")
        try:
            yield {
                user: psycopg.connect(make_conninfo(pg_database, user=user), autocommit=True)
                for user in (*roles, "t_super")
            }
        finally:
            admin.execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename like 't\\_%'"
            )
            for role in (*reversed(roles), "t_super"):
                admin.execute(f"drop role {role}".encode())


@pytest.mark.parametrize("name", GRANTS)
async def test_what_is_told_is_what_the_server_does(
    name: str, clients: dict[str, psycopg.Connection], pg_database: str, tmp_path: Path
) -> None:
    own = target(make_conninfo(pg_database, user=f"t_{name}"))
    async with streaming(own.conninfo()) as stream:
        await stream.more(Poll, 1)
        facts = stream.snapshot.facts
        pids = {client.info.backend_pid: user for user, client in clients.items()}
        sessions = {pids[session.pid]: session for session in stream.snapshot.sessions if session.pid in pids}
    assert set(sessions) == set(clients)
    actions = Actions(own, AuditLog(tmp_path / "actions.jsonl"))
    for user, session in sessions.items():
        told = refusal(session, facts)
        (result,) = (await actions.run([request_for("terminate", session)])).results
        hidden = "hidden" in result.reason
        assert (result.outcome == "refused") == bool(told) or hidden, (user, told, result)
        if told and result.outcome == "refused" and not hidden and "GRANT" in told:
            assert told.endswith(result.reason.rpartition("needs: ")[2]), "the same grant"

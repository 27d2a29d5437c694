"""Whom this role may cancel or terminate, by the rules that the server itself enforces."""

from __future__ import annotations

from pgscope.analysis.activity import is_hidden
from pgscope.sample import ServerFacts, Session

_SIGNAL_AUTOVACUUM_WORKER = 6392
"""The role's oid, the same on every server that has it (from 18 on)."""


def refusal(session: Session, facts: ServerFacts | None) -> str:
    """Why the server will refuse, with the grant that helps if one does; empty if it will not, as is known.

    What was granted in the last minute may not be known yet.
    """
    if facts is None or facts.superuser:
        return ""
    if not session.usesysid:
        return _of_a_worker(session, facts)
    if session.usesysid in facts.superusers:
        return f"{session.user} is a superuser: only a superuser may end or cancel its sessions"
    if facts.may_signal or session.usesysid in facts.rights_of or session.user == facts.user:
        return ""
    # The start of a hidden session is hidden too: another could have its pid by now.
    grants = "pg_monitor, pg_signal_backend" if is_hidden(session) else "pg_signal_backend"
    return f"a session of {session.user}; needs: GRANT {grants} TO {facts.user}"


def _of_a_worker(session: Session, facts: ServerFacts) -> str:
    if session.backend_type != "autovacuum worker" or facts.major < 18:
        return "a process of the server itself: only a superuser may end or cancel it"
    if _SIGNAL_AUTOVACUUM_WORKER in facts.rights_of:
        return ""
    return f"an autovacuum worker; needs: GRANT pg_signal_autovacuum_worker TO {facts.user}"

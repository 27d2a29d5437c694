"""Whom an action could hit, from where the cursor is: those chosen, their roots, all behind these. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pgscope.analysis.snapshot import Snapshot
from pgscope.dataclass import dataclass
from pgscope.sample import Session
from pgscope.tui.rows.locks import database_of

THESE, ROOT, BEHIND = "these", "root", "behind"


@dataclass(frozen=True)
class Scope:
    """A set of sessions that one step acts on."""

    id: str
    title: str
    sessions: tuple[Session, ...]
    remark: str = ""
    """Who belongs to it and is not among the sessions, and why; '' if nobody is missing."""


def scopes(subjects: Sequence[Session], snapshot: Snapshot) -> tuple[Scope, ...]:
    """What can be chosen: always the subjects, then their roots and all behind those, where they wait."""
    forest = snapshot.locks
    found = []
    if subjects:
        title = "this session" if len(subjects) == 1 else f"the {len(subjects)} marked"
        found.append(Scope(THESE, title, tuple(subjects)))
    roots = {}
    for session in subjects:
        node = forest.root_of(session.pid)
        if node is not None:
            roots[node.key] = node
    if not roots:
        return tuple(found)
    chosen = {session.identity for session in subjects}
    holders = tuple(node.session for node in roots.values() if node.session is not None)
    remarks = [
        f"prepared transaction '{node.prepared.gid}' has no session: "
        f"end it in {database_of(node)} with COMMIT PREPARED or ROLLBACK PREPARED"
        for node in roots.values()
        if node.prepared is not None
    ]
    waits_for = {key for node in (forest.node(one.pid) for one in subjects) if node for key in node.roots}
    # Of a circle one is enough.
    more = sum(forest.nodes[key].cycle is None for key in waits_for - set(roots))
    if more:
        remarks.append(f"{more} more {'is' if more == 1 else 'are'} in the way as well, and would stay there")
    if remarks or {session.identity for session in holders} != chosen:
        title = "its blocker" if len(roots) == 1 else f"the {len(roots)} blockers"
        found.append(Scope(ROOT, title, holders, "; ".join(remarks)))
    waiting: dict[tuple[int, float], Session] = {}
    for key in roots:
        for node in forest.under(key):
            if node.session is not None and node.key not in roots:
                waiting[node.session.identity] = node.session
    if waiting and set(waiting) != chosen:
        title = f"all {len(waiting)} behind the blocker" if len(waiting) > 1 else "the one behind the blocker"
        found.append(Scope(BEHIND, title, tuple(waiting.values())))
    return tuple(found)

"""Lock waits in sentences: a waiter's place, what DDL shuts out, how far maintenance has come. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from pgscope.analysis.locks import LockForest, LockNode
from pgscope.analysis.locks.notes import who
from pgscope.analysis.snapshot import Snapshot
from pgscope.report import numbers
from pgscope.sample import Progress
from pgscope.tui.glyphs import Signs
from pgscope.tui.rows import locks as rows
from pgscope.tui.table import Tone
from pgscope.tui.tones import styled

_NAMED = 4
"""Blockers named; the rest are counted."""


def place_in_queue(node: LockNode, snapshot: Snapshot, signs: Signs) -> list[Content]:
    """What a node waits for and because of whom, and who waits because of it: a line for each."""
    forest, text = snapshot.locks, signs.text
    lines = []
    for wait in node.waits[:_NAMED]:
        since = snapshot.wait_starts.get(wait.pid)
        waited = numbers.seconds(max(snapshot.at - since, 0.0)) if since is not None else "a moment"
        lock = rows.lock_text(wait.lock, rows.elsewhere(node, snapshot))
        worker = f" (parallel worker {wait.pid})" if wait.pid != node.key else ""
        lines.append(styled(text(f"{signs.waiting} waits {waited} for {lock}{worker}"), "warn"))
    if node.hard_blockers:
        lines.append(styled(text(f"{signs.waiting} blocked by {_named(node.hard_blockers, forest)}"), "warn"))
    if node.soft_blockers:
        lines.append(Content(text(f"{signs.queued} queued behind {_named(node.soft_blockers, forest)}")))
    ends = [key for key in node.roots if key not in node.hard_blockers] if node.waits else []
    if node.cycle is not None:
        lines.append(styled(text(cycle_sentence(node.cycle, snapshot, signs)), "bad"))
    elif ends:
        lines.append(
            styled(
                text(f"{signs.blocking} first blocker: {who(ends[0], forest)}{_more(len(node.roots) - 1)}"),
                "bad",
            )
        )
    if node.behind:
        lines.append(styled(f"{signs.blocking} {_behind(node.behind)} behind it", "bad"))
    if node.holds:
        database = rows.elsewhere(node, snapshot)
        held = [rows.lock_text(lock, database) for lock in node.holds[:_NAMED]]
        more = _more(len(node.holds) - len(held))
        lines.append(Content(text(f"  holds {', '.join(held)}{more}")))
    return lines


def cycle_sentence(place: int, snapshot: Snapshot, signs: Signs) -> str:
    """A cycle as one waits for the next."""
    cycle = snapshot.locks.cycles[place]
    names = [_name(key, snapshot.locks) for key in cycle.members]
    way = " waits for ".join([*names[:6], *(["..."] if len(names) > 6 else []), names[0]])
    if not cycle.hard:
        return f"{signs.cycle} cycle: {way}; the server ends it by changing the order of a queue"
    timeout = snapshot.facts.settings.get("deadlock_timeout", "") if snapshot.facts is not None else ""
    after = f" ({timeout})" if timeout else ""
    return f"{signs.cycle} deadlock: {way}; the server cancels one of them after deadlock_timeout{after}"


def at_work(snapshot: Snapshot, signs: Signs) -> list[Content]:
    """Cycles, then DDL with what it shuts out, then the progress of what runs: a line each."""
    text = signs.text
    lines = [
        styled(text(cycle_sentence(place, snapshot, signs)), "bad")
        for place in range(len(snapshot.locks.cycles))
    ]
    progress: dict[int, list[Progress]] = {}
    for one in snapshot.progress:
        progress.setdefault(one.pid, []).append(one)
    for note in snapshot.ddl:
        sign = signs.waiting if note.waiting else signs.blocking if note.behind else signs.up
        far = "".join(f"; {_far(one)}" for one in progress.pop(note.pid, ()))
        tone: Tone = "bad" if note.behind else "warn" if note.waiting else "normal"
        lines.append(styled(text(f"{sign} pid {note.pid}: {note.sentence}{far}"), tone))
    for rest in progress.values():
        lines += [Content(text(f"{signs.up} pid {one.pid}: {_of_what(one)}; {_far(one)}")) for one in rest]
    return lines


def _of_what(one: Progress) -> str:
    """'VACUUM public.orders'; a base backup is of the whole server."""
    return f"{one.command} {one.relation_name}".rstrip()


def _far(one: Progress) -> str:
    """'building index: scanning table 45% (1,200 of 2,400 blocks), waits for pid 71'."""
    said = one.phase
    if one.total > 0:
        share = min(one.done / one.total, 1.0)
        amount = f"{numbers.whole(one.done)} of {numbers.whole(one.total)} {one.unit}"
        if one.unit == "bytes":
            amount = f"{numbers.size(one.done)} of {numbers.size(one.total)}"
        said += f" {numbers.percent(share)} ({amount})"
    elif one.done > 0:
        amount = numbers.size(one.done) if one.unit == "bytes" else f"{numbers.whole(one.done)} {one.unit}"
        said += f" {amount}"
    return f"{said}, {one.detail}" if one.detail else said


def _named(keys: Sequence[int], forest: LockForest) -> str:
    names = [_name(key, forest) for key in keys[:_NAMED]]
    return ", ".join(names) + _more(len(keys) - len(names))


def _name(key: int, forest: LockForest) -> str:
    node = forest.nodes.get(key)
    if node is not None and node.prepared is not None:
        return f"prepared transaction '{node.prepared.gid}'"
    if node is None or node.session is None:
        return "a prepared transaction" if key <= 0 else str(key)
    return f"{key} ({rows.application_of(node)})"


def _more(number: int) -> str:
    return f" and {number} more" if number > 0 else ""


def _behind(number: int) -> str:
    return "1 session waits" if number == 1 else f"{number:,} wait"

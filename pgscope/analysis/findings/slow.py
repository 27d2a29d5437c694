"""The statements that cost the server most: by time, and by blocks read."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest

from pgscope.analysis.findings.context import Context
from pgscope.analysis.findings.model import Cost, Evidence, Finding, Remedy
from pgscope.analysis.findings.series import Group

MOST = 5
LEAST_TIME = 20.0
"""Server ms a second below which a statement's share of the time is of no interest."""
LEAST_READ = 100.0
"""Blocks a second below which its share of the reads is of no interest."""


def slow_statements(context: Context) -> Iterator[Finding]:
    """At most `MOST`: slow for each call, or a large part of all time or of all blocks read."""
    groups = list(context.series.active())
    seconds = context.series.seconds or 1.0
    times = {id(group): group.exec_time for group in groups}
    reads = {id(group): group.shared_read for group in groups}
    all_time, all_read = sum(times.values()), sum(reads.values())
    found: list[tuple[float, Finding]] = []
    worst = {*nlargest(MOST, times, key=times.__getitem__), *nlargest(MOST, reads, key=reads.__getitem__)}
    for group in groups:
        if id(group) not in worst or group.calls <= 0 or group.shape.kind == "utility":
            continue
        time, read = times[id(group)], reads[id(group)]
        slow = time >= context.settings.least_slow_ms * group.calls
        if not slow and time / seconds < LEAST_TIME and read / seconds < LEAST_READ:
            continue  # nothing to say of it; to know who runs it is dear
        applications = context.applications(group.keys)
        names = tuple(sorted(applications, key=lambda name: (-applications[name], name)))
        limits = context.settings.of(names)
        mean = time / group.calls
        evidence: list[Evidence] = []
        if mean >= limits.slow_ms:
            evidence.append(Evidence("time", f"{mean:,.0f} ms a call", {"ms_per_call": round(mean, 2)}))
        if time / seconds >= LEAST_TIME and time >= limits.slow_share * all_time:
            share = time / all_time
            evidence.append(
                Evidence("share", f"{share:.0%} of all time spent in statements", {"share": round(share, 4)})
            )
        if read / seconds >= LEAST_READ and read >= limits.slow_share * all_read:
            share = read / all_read
            text = f"{share:.0%} of all blocks read, {read / group.calls:,.0f} a call"
            evidence.append(Evidence("reads", text, {"share": round(share, 4)}))
        if evidence:
            grade = "confirmed" if mean >= limits.slow_ms else ""
            found.append((time, _finding(context, group, names, grade, tuple(evidence))))
    found.sort(key=lambda item: -item[0])
    for _, finding in found[:MOST]:
        yield finding


def _finding(
    context: Context, group: Group, names: tuple[str, ...], grade: str, evidence: tuple[Evidence, ...]
) -> Finding:
    calls, rows, time, read = context.rates(group)
    database, user = context.place(group)
    return Finding(
        "slow_statement",
        grade,
        names,
        database,
        user,
        "; ".join(item.text for item in evidence),
        context.ref(group),
        None,
        evidence,
        Cost(calls, time, round_trip_ms=context.round_trip_ms, rows_per_s=rows, blocks_read_per_s=read),
        Remedy("Look at its plan: EXPLAIN (ANALYZE, BUFFERS) shows where time and blocks go"),
        datid=group.dbid,
        usesysid=group.userid,
    )

"""A watch as plain data: what the JSON report holds, and what the other formats are made of.

`docs/report.md` documents the keys. Times are ISO 8601 in UTC, durations in the unit their names say,
counters sums over the window.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pgscope import __version__
from pgscope.analysis.activity import OWN_APPLICATION, is_own, state_age, statement_age, transaction_age
from pgscope.analysis.attribution import Share
from pgscope.analysis.counters import NOTHING, Counts
from pgscope.analysis.fingerprints import fingerprint
from pgscope.analysis.live_statements import SeenStatement, together
from pgscope.analysis.watch import Watch
from pgscope.analysis.window import Presence
from pgscope.report.findings_json import finding_to_json
from pgscope.report.locks_json import lock_waits_to_json
from pgscope.report.times import iso
from pgscope.sample import ServerFacts, Session, StatementKey

SCHEMA_VERSION = 1
Document: TypeAlias = "dict[str, Any]"
_OWN = (Share(OWN_APPLICATION, 1.0, 1.0, 1.0, 0, "exact", ("its text has the mark of pgscope",)),)
"""Whose the statements of pgscope are."""


def document(watch: Watch, notices: Sequence[str] = ()) -> Document:
    """Everything that was seen, as JSON-ready data; `notices` are told before the watch's own."""
    presence = watch.presence
    poll = watch.poll
    at = poll.at if poll else 0.0
    what = _what(watch)
    return {
        "schema_version": SCHEMA_VERSION,
        "pgscope": __version__,
        "server": _server(watch.facts),
        "window": {
            "start": iso(presence.start),
            "end": iso(presence.end or None),
            "seconds": round(watch.seconds, 3),
            "polls": presence.polls,
        },
        "totals": _counts(_sum(one.counts for one in what.values()).plus(watch.forgotten)),
        "applications": _applications(watch, what),
        "sessions": [_session(one, at) for one in (poll.sessions if poll else ()) if one.is_client],
        "statements": _statements(watch, what),
        "lock_waits": lock_waits_to_json(watch.locks.window()),
        "findings": [finding_to_json(finding) for finding in watch.findings_of_watch()],
        "load": [
            {
                "start": iso(span.start),
                "seconds": span.seconds,
                "active": {name: round(value, 3) for name, value in span.active.items()},
            }
            for span in watch.load_history.spans
        ],
        "notices": [*notices, *watch.snapshot().notices],
    }


def _number(value: float) -> float | int:
    """A whole number as int, another rounded to what can be meant."""
    return int(value) if float(value).is_integer() else round(value, 3)


def _counts(counts: Counts) -> Document:
    return {
        "calls": _number(counts.calls),
        "rows": _number(counts.rows),
        "exec_time_ms": round(counts.exec_time, 3),
        "plan_time_ms": round(counts.plan_time, 3),
        "shared_blks_hit": _number(counts.shared_hit),
        "shared_blks_read": _number(counts.shared_read),
        "shared_blks_dirtied": _number(counts.shared_dirtied),
        "shared_blks_written": _number(counts.shared_written),
        "temp_blks_read": _number(counts.temp_read),
        "temp_blks_written": _number(counts.temp_written),
        "blk_read_time_ms": round(counts.read_time, 3),
        "blk_write_time_ms": round(counts.write_time, 3),
        "wal_bytes": _number(counts.wal_bytes),
    }


def _sum(all_counts: Any) -> Counts:
    result = NOTHING
    for counts in all_counts:
        result = result.plus(counts)
    return result


def _server(facts: ServerFacts | None) -> Document:
    if facts is None:
        return {}
    return {
        "version": facts.version,
        "version_num": facts.version_num,
        "host": facts.host,
        "port": facts.port,
        "database": facts.database,
        "user": facts.user,
        "role": facts.role,
        "started": iso(facts.started),
        "max_connections": facts.max_connections,
        "block_size": facts.block_size,
        "pg_stat_statements": ".".join(map(str, facts.statements_version or ())) or None,
        "missing": [
            {"capability": one.capability, "consequence": one.consequence, "remedy": one.remedy}
            for one in facts.missing
        ],
    }


def _share(share: Share) -> Document:
    return {
        "application_name": share.application_name,
        "share": share.share,
        "low": share.low,
        "high": share.high,
        "observations": share.observations,
        "attribution": share.attribution,
        "basis": list(share.basis),
    }


def _applications(watch: Watch, what: Mapping[StatementKey, SeenStatement]) -> list[Document]:
    counts: dict[str | None, Counts] = defaultdict(lambda: NOTHING)
    certain: dict[str | None, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    if watch.forgotten.calls:
        counts[None] = watch.forgotten
        certain[None]["unattributed"] = watch.forgotten.calls
    for one in what.values():
        for share in one.shares:
            part = one.counts.times(share.share)
            counts[share.application_name] = counts[share.application_name].plus(part)
            certain[share.application_name][share.attribution] += part.calls
    seen = watch.presence.applications
    polls = max(watch.presence.polls, 1)
    rows = []
    names: list[str | None] = [*sorted(set(seen) | {name for name in counts if name is not None})]
    if None in counts:
        names.append(None)
    for name in names:
        here = seen[name] if name is not None and name in seen else None
        rows.append(
            {
                "application_name": name,
                "own": name == OWN_APPLICATION,
                "sessions": here.sessions if here else 0,
                "active": _seen(here, here.active) if here else 0,
                "idle_in_transaction": _seen(here, here.idle_in_transaction) if here else 0,
                "waiting": _seen(here, here.waiting) if here else 0,
                "active_average": _seen(here, round(here.active_sum / polls, 3)) if here else 0.0,
                "longest_statement_s": round(here.longest_statement, 3) if here else 0.0,
                "longest_idle_in_transaction_s": round(here.longest_idle_in_transaction, 3) if here else 0.0,
                **_counts(counts[name]),
                "calls_by_attribution": {
                    word: _number(certain[name][word])
                    for word in ("exact", "measured", "sampled", "unattributed")
                },
            }
        )
    return rows


def _seen(here: Presence, number: float) -> float | None:
    """None where nothing was seen because it is hidden from this role."""
    return None if here.hidden and not number else number


def _what(watch: Watch) -> Mapping[StatementKey, SeenStatement]:
    """What statements did over the watch, and for whom: counted by the server, or else seen in sessions."""
    if watch.window:
        own = watch.known.texts.own
        shares = watch.attribution.shares
        return {
            key: SeenStatement(watch.known.query(key), counts, _OWN if own(key) else shares(key, watch=True))
            for key, counts in watch.window.items()
        }
    live = watch.live_statements.statements
    return together(one for one in live if one.key.application_name != OWN_APPLICATION)


def _session(session: Session, at: float) -> Document:
    return {
        "pid": session.pid,
        "backend_start": iso(session.backend_start or None),
        "application_name": session.application_name,
        "user": session.user,
        "database": session.database,
        "client_addr": session.client_addr,
        "state": session.state,
        "wait_event_type": session.wait_event_type,
        "wait_event": session.wait_event,
        "statement_age_s": _rounded(statement_age(session, at)),
        "transaction_age_s": _rounded(transaction_age(session, at)),
        "state_age_s": _rounded(state_age(session, at)),
        "xmin_age": session.xmin_age,
        "queryid": str(session.query_id) if session.query_id is not None else None,
        "query": session.query,
        "own": is_own(session),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _statements(watch: Watch, what: Mapping[StatementKey, SeenStatement]) -> list[Document]:
    known = watch.known
    return [
        {
            "queryid": str(key.queryid),
            "database": known.database(key.dbid),
            "user": known.user(key.userid),
            "toplevel": key.toplevel,
            "own": known.texts.own(key),
            "query": one.text,
            "fingerprint": known.texts.fingerprint(key) if watch.window else fingerprint(one.text),
            **_counts(one.counts),
            "mean_exec_time_ms": _mean(one.counts) if watch.window else 0.0,
            "applications": [_share(share) for share in one.shares],
        }
        for key, one in sorted(what.items(), key=lambda item: -item[1].counts.exec_time)
    ]


def _mean(counts: Counts) -> float:
    return round(counts.exec_time / counts.calls, 3) if counts.calls else 0.0

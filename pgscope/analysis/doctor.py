"""Whether a server can be observed well: each item with what was found, why it matters, and what mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pgscope.analysis.findings.idle import IDLE_TIMEOUT
from pgscope.sample import Checkup, Setting
from pgscope.text import plural

SLOW_MOST_MS = 5000
"""log_min_duration_statement above this misses what people call slow."""
SHORT_TEXT = 2048
"""track_activity_query_size below this cuts an ORM's statements off."""
FEW_ENTRIES = 5000


class Item(NamedTuple):
    """One thing looked at."""

    name: str
    found: str
    why: str
    statement: str
    """SQL or configuration that mends it; '' where nothing needs mending."""
    ok: bool

    @property
    def status(self) -> str:
        """'ok' or 'warn'."""
        return "ok" if self.ok else "warn"


def diagnose(checkup: Checkup) -> tuple[Item, ...]:
    """All items, in the order in which they should be mended."""
    return tuple(item for rule in _RULES for item in rule(checkup))


def _set(name: str, value: str, setting: Setting | None) -> str:
    """The statements that change a setting for the whole server."""
    change = f"ALTER SYSTEM SET {name} = {value};"
    if setting is not None and setting.context == "postmaster":
        return f"{change} -- then restart the server"
    return f"{change} SELECT pg_reload_conf();"


def _extension(checkup: Checkup) -> Iterator[Item]:
    why = "exact counts of every statement: without it only what is caught running is seen"
    loaded = "pg_stat_statements.max" in checkup.settings
    if not loaded:
        preload = checkup.settings.get("shared_preload_libraries")
        names = [part.strip() for part in (preload.value if preload else "").split(",") if part.strip()]
        value = "'" + ",".join([*names, "pg_stat_statements"]) + "'"
        found, statement = "not loaded", _set("shared_preload_libraries", value, preload)
        if not checkup.available_version:
            found, statement = "not on this machine", "install the server's contrib package; " + statement
    elif not checkup.installed_version:
        found, statement = "loaded, not created here", "CREATE EXTENSION pg_stat_statements;"
    elif checkup.facts.statements_version is None:
        found = f"{checkup.installed_version}, which this role cannot read or which is too old"
        statement = "ALTER EXTENSION pg_stat_statements UPDATE; GRANT pg_read_all_stats TO CURRENT_USER;"
    elif checkup.installed_version != checkup.available_version and checkup.available_version:
        found = f"{checkup.installed_version} where {checkup.available_version} is there"
        statement = "ALTER EXTENSION pg_stat_statements UPDATE;"
    else:
        found, statement = checkup.installed_version, ""
    yield Item("pg_stat_statements", found, why, statement, not statement)


def _entries(checkup: Checkup) -> Iterator[Item]:
    setting = checkup.settings.get("pg_stat_statements.max")
    if setting is not None:
        few = int(setting.value) < FEW_ENTRIES
        yield Item(
            "pg_stat_statements.max",
            setting.value,
            "with too few entries the rare statements are thrown out and counted from zero again",
            _set("pg_stat_statements.max", "10000", setting) if few else "",
            not few,
        )
    setting = checkup.settings.get("pg_stat_statements.track")
    if setting is not None:
        off = setting.value == "none"
        yield Item(
            "pg_stat_statements.track",
            setting.value,
            "none counts nothing; top counts what programs send, all also what functions run inside",
            _set("pg_stat_statements.track", "'top'", setting) if off else "",
            not off,
        )


def _query_id(checkup: Checkup) -> Iterator[Item]:
    setting = checkup.settings.get("compute_query_id")
    yield Item(
        "compute_query_id",
        setting.value if setting else "not there",
        "ties sessions, and so applications, to the statements counted",
        "" if checkup.facts.query_ids else _set("compute_query_id", "'on'", setting),
        checkup.facts.query_ids,
    )


def _tracking(checkup: Checkup) -> Iterator[Item]:
    whys = {
        "track_activities": "shows what each session runs",
        "track_counts": "counts rows and blocks by table; autovacuum needs it too",
        "track_io_timing": "times reads and writes, so that a plan says what waits for the disk",
    }
    for name, why in whys.items():
        setting = checkup.settings.get(name)
        on = setting is not None and setting.value == "on"
        yield Item(
            name, setting.value if setting else "not there", why, "" if on else _set(name, "on", setting), on
        )


def _text_size(checkup: Checkup) -> Iterator[Item]:
    size = checkup.facts.track_activity_query_size
    setting = checkup.settings.get("track_activity_query_size")
    short = size < SHORT_TEXT
    yield Item(
        "track_activity_query_size",
        f"{size} bytes",
        "longer live statements are cut off; a cut one cannot be explained",
        _set("track_activity_query_size", "4096", setting) if short else "",
        not short,
    )


def _logging(checkup: Checkup) -> Iterator[Item]:
    setting = checkup.settings.get("log_min_duration_statement")
    limit = int(setting.value) if setting else -1
    good = 0 <= limit <= SLOW_MOST_MS
    yield Item(
        "log_min_duration_statement",
        "off" if limit < 0 else f"{limit} ms",
        "the log keeps slow statements with their values, which statistics never have",
        "" if good else _set("log_min_duration_statement", "1000", setting),
        good,
    )
    waits, timeout = checkup.settings.get("log_lock_waits"), checkup.settings.get("deadlock_timeout")
    on = waits is not None and waits.value == "on"
    would = "logs" if on else "would log"
    known = timeout is not None and timeout.value.isdigit()
    after = f" ({would} waits of over {timeout.value} ms)" if timeout is not None and known else ""
    yield Item(
        "log_lock_waits",
        (waits.value if waits else "not there") + after,
        "logs who waited for whom for longer than deadlock_timeout, after the wait is over too",
        "" if on else _set("log_lock_waits", "on", waits),
        on,
    )
    prefix = checkup.settings.get("log_line_prefix")
    if prefix is not None:
        lacking = [part for part in ("%a", "%u", "%d") if part not in prefix.value]
        yield Item(
            "log_line_prefix",
            f"'{prefix.value}'" + (f", without {', '.join(lacking)}" if lacking else ""),
            "%a, %u and %d say which application, role and database a line is of",
            _set("log_line_prefix", "'%m [%p] %a %u@%d '", prefix) if lacking else "",
            not lacking,
        )


def _idle(checkup: Checkup) -> Iterator[Item]:
    setting = checkup.settings.get("idle_in_transaction_session_timeout")
    off = setting is None or setting.value == "0"
    yield Item(
        "idle_in_transaction_session_timeout",
        "off" if off or setting is None else f"{setting.value} {setting.unit or 'ms'}",
        "a forgotten transaction holds its locks, and dead rows, until somebody notices",
        _set("idle_in_transaction_session_timeout", f"'{IDLE_TIMEOUT}'", setting) if off else "",
        not off,
    )


def _names(checkup: Checkup) -> Iterator[Item]:
    named = checkup.clients - checkup.unnamed
    yield Item(
        "application_name",
        f"{named} of {plural(checkup.clients, 'session')} have one",
        "everything is told apart by it",
        "application_name=NAME in the conninfo, or PGAPPNAME in the environment" if checkup.unnamed else "",
        not checkup.unnamed,
    )


def _role(checkup: Checkup) -> Iterator[Item]:
    facts = checkup.facts
    role = '"' + facts.user.replace('"', '""') + '"'
    hidden = f", {plural(checkup.hidden, 'session')} hidden" if checkup.hidden else ""
    yield Item(
        "role: pg_monitor",
        f"{facts.user} {'reads' if facts.reads_all_stats else 'does not read'} all statistics{hidden}",
        "other users' statements and waits are hidden from a role without it",
        "" if facts.reads_all_stats else f"GRANT pg_monitor TO {role};",
        facts.reads_all_stats,
    )
    yield Item(
        "role: pg_signal_backend",
        f"{facts.user} {'may' if facts.may_signal else 'may not'} cancel others' statements",
        "to end what blocks others from here; watching does not need it",
        "" if facts.may_signal else f"GRANT pg_signal_backend TO {role};",
        facts.may_signal,
    )
    yield Item(
        "role: superuser",
        f"{facts.user} is {'a' if facts.superuser else 'no'} superuser",
        "a watcher needs no such power: what it shows was written by others",
        "CREATE ROLE watcher LOGIN IN ROLE pg_monitor, pg_signal_backend;" if facts.superuser else "",
        not facts.superuser,
    )


_RULES: tuple[Callable[[Checkup], Iterator[Item]], ...] = (
    _extension,
    _entries,
    _query_id,
    _names,
    _role,
    _tracking,
    _text_size,
    _logging,
    _idle,
)

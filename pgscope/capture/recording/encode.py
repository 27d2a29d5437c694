"""Samples to lines of JSON: each the difference to what the segment said before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pgscope.capture.recording.columns import ROWS, TIMES, columns_of
from pgscope.capture.recording.plain import plain
from pgscope.capture.recording.tables import PoolWriter, TableWriter, When, table_key
from pgscope.capture.recording.words import Words
from pgscope.sample import (
    Burst,
    Catalog,
    Connected,
    Disconnected,
    Look,
    Monitored,
    Names,
    OwnCost,
    Poll,
    Sample,
    StatementTexts,
)

POLL_TABLES = {
    "sessions": ("Session", ("pid", "backend_start")),
    "databases": ("DatabaseCounters", ("datid",)),
    "statements": ("StatementCounters", ("userid", "dbid", "queryid", "toplevel")),
    "locks": (
        "Lock",
        ("pid", "locktype", "relation", "page", "tuple", "virtualxid", "transactionid", "objid", "mode"),
    ),
    "blocking": ("Blocking", ("pid",)),
    "prepared": ("PreparedTransaction", ("transaction",)),
    "xmin_holders": ("XminHolder", ("kind", "name")),
    "progress": ("Progress", ("pid",)),
}
"""The tables of a poll: kind of row, and what names one."""
POOLS = {
    "sightings": ("Sighting", ("pid", "backend_start")),
    "odometers": ("Odometer", ("pid", "backend_start")),
    "rows": (
        "ApplicationCalls",
        ("bucket_start", "userid", "dbid", "queryid", "toplevel", "application_name"),
    ),
}
"""The rows of looks, and of reads of pg_stat_monitor."""
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
PLAIN = {kind.__name__: kind for kind in (Connected, Disconnected, Names, Catalog, OwnCost)}


def schema() -> dict[str, Any]:
    """What a file's head says of its rows: names and kinds of their columns."""
    return {name: [list(columns_of(row).names), columns_of(row).kinds] for name, row in ROWS.items()}


class Encoder:
    """A fold over samples. `words` lasts as long as the run, all else as long as a segment."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._tables = {
            field: TableWriter(columns_of(ROWS[row]), table_key(columns_of(ROWS[row]), key), words)
            for field, (row, key) in POLL_TABLES.items()
        }
        self._pools = {
            field: PoolWriter(columns_of(ROWS[row]), table_key(columns_of(ROWS[row]), key), words)
            for field, (row, key) in POOLS.items()
        }
        # A session's transactions and buffers come in rows of their own.
        self._pools["buffers"] = PoolWriter(
            columns_of(ROWS["Odometer"]),
            table_key(columns_of(ROWS["Odometer"]), ("pid", "backend_start")),
            words,
        )
        self.sticky: dict[str, Sample] = {}
        """What holds until further notice, and so begins each segment."""
        self._at = 0
        self._mono = 0

    def restart(self) -> list[bytes]:
        """Begin a segment: what is written next needs nothing before it. Returns its first lines."""
        for table in self._tables.values():
            table.restart()
        for pool in self._pools.values():
            pool.restart()
        self._at = self._mono = 0
        return [self.line(one) for one in list(self.sticky.values())]

    def line(self, sample: Sample) -> bytes:
        """A sample as a line of JSON."""
        at, mono = round(sample.at * TIMES), round(sample.mono * TIMES)
        when = When(at, mono)
        line = [type(sample).__name__, at - self._at, mono - self._mono, self._body(sample, when)]
        self._at, self._mono = at, mono
        return _ENCODE(line).encode("utf-8", "surrogatepass") + b"\n"

    def _body(self, sample: Sample, when: When) -> Any:
        if isinstance(sample, Poll):
            return self._poll(sample, when)
        if isinstance(sample, Look):
            return self._look(sample, when)
        if isinstance(sample, StatementTexts):
            return [self._words.learn(*key, text) for key, text in sample.texts.items()]
        if isinstance(sample, Monitored):
            return {"rows": self._pools["rows"].write(sample.rows, when)}
        content = {name: one for name, one in plain(sample).items() if name not in ("at", "mono")}
        if isinstance(sample, Burst):
            for row in content["rows"]:
                row["mono"] = round(row["mono"] - sample.mono, 6)
        if not isinstance(sample, (Connected, Disconnected, Names, Catalog, OwnCost)):
            return content
        name = type(sample).__name__
        if isinstance(sample, Disconnected):
            self.sticky.pop("Connected", None)
        elif isinstance(sample, Connected):
            self.sticky.pop("Disconnected", None)
        self.sticky[f"{name} {sample.datid}" if isinstance(sample, Catalog) else name] = sample
        # It is written anew in each segment: as a word it is there once.
        return [self._words.number(json.dumps(content, ensure_ascii=False, separators=(",", ":")))]

    def _poll(self, poll: Poll, when: When) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for field, table in self._tables.items():
            rows: Sequence[Any] | None = getattr(poll, field)
            if rows is None:
                body[field] = None
            elif (written := table.write(rows, when)) != 0:
                body[field] = written
        if poll.statements_info is not None:
            body["statements_info"] = list(poll.statements_info)
        body["round_trip_ms"] = round(poll.round_trip_ms, 5)
        return body

    def _look(self, look: Look, when: When) -> dict[str, Any]:
        transactions = [one for one in look.odometers if one.buffers is None]
        buffers = [one for one in look.odometers if one.buffers is not None]
        body: dict[str, Any] = {}
        for field, rows in (("sightings", look.sightings), ("odometers", transactions), ("buffers", buffers)):
            if written := self._pools[field].write(rows, when):
                body[field] = written
        if look.complete:
            body["complete"] = True
        return body

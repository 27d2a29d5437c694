"""Lines of JSON back to samples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

from pgscope.capture.recording.bounds import is_moment, number
from pgscope.capture.recording.columns import ROWS, TIMES, Columns, columns_of
from pgscope.capture.recording.encode import PLAIN, POLL_TABLES, POOLS
from pgscope.capture.recording.plain import made
from pgscope.capture.recording.rows import PoolReader, RowMaker, TableReader
from pgscope.capture.recording.tables import When
from pgscope.capture.recording.words import Read
from pgscope.sample import Burst, Look, Monitored, Poll, Sample, StatementsInfo, StatementTexts

_TIMES = ("at", "mono")
_WRONG = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
"""What a line that is not what it should be leads to."""


class Undecodable(Exception):
    """A line that is no sample, or that needs one that is missing."""


class Decoder:
    """A fold over lines. `words` lasts as long as the run, all else as long as a segment."""

    def __init__(self, schema: Mapping[str, Any], words: Read, shift: float = 0.0) -> None:
        """`schema` is what the head of the file says of its rows; `shift` (s) is added to monotonic times.

        Raises Undecodable if the schema is none.
        """
        self._shift = round(shift * TIMES)
        self._words = words
        try:
            self._tables = {
                field: TableReader(self._maker(row, schema)) for field, (row, _) in POLL_TABLES.items()
            }
            self._pools = {field: PoolReader(self._maker(row, schema)) for field, (row, _) in POOLS.items()}
            self._pools["buffers"] = PoolReader(self._maker("Odometer", schema))
        except _WRONG as error:
            raise Undecodable(f"the head is not what it should be: {error}") from None
        self._at = 0
        self._mono = 0

    def _maker(self, row: str, schema: Mapping[str, Any]) -> RowMaker:
        known = schema.get(row)
        columns = Columns(tuple(known[0]), str(known[1])) if known else columns_of(ROWS[row])
        return RowMaker(row, columns, self._words)

    def restart(self) -> None:
        """Begin a segment."""
        for table in self._tables.values():
            table.restart()
        for pool in self._pools.values():
            pool.restart()
        self._at = self._mono = 0

    def sample(self, line: bytes) -> Sample | None:
        """The sample of a line; None for a kind that this program does not know. Raises Undecodable."""
        try:
            name, at, mono, body = json.loads(line.decode("utf-8", "surrogatepass"))
            self._at += at
            self._mono += mono
            if not is_moment(self._at / TIMES) or not is_moment((self._mono + self._shift) / TIMES):
                raise ValueError("a time out of range")
            return self._made(name, When(self._at, self._mono + self._shift), body)
        except _WRONG as error:
            raise Undecodable(f"{type(error).__name__}: {error}") from None

    def _made(self, name: str, when: When, body: Any) -> Sample | None:
        times = {"at": when.at / TIMES, "mono": when.mono / TIMES}
        if name == "Poll":
            return self._poll(times, body, when)
        if name == "Look":
            odometers = [
                row
                for field in ("odometers", "buffers")
                for row in self._pools[field].read(body.get(field, 0), when)
            ]
            sightings = self._pools["sightings"].read(body.get("sightings", 0), when)
            return Look(
                **times, sightings=sightings, odometers=tuple(odometers), complete=body.get("complete", False)
            )
        if name == "StatementTexts":
            word = self._words.word
            texts = {(number(dbid), number(word(queryid))): word(text) for dbid, queryid, text in body}
            if not all(isinstance(text, str) for text in texts.values()):
                raise ValueError("a text that is none")
            return StatementTexts(**times, texts=texts)
        if name == "Monitored":
            return Monitored(**times, rows=self._pools["rows"].read(body["rows"], when))
        if name == "Burst":
            for row in body["rows"]:
                row["mono"] += times["mono"]
            return self._plain(Burst, times, body)
        if name in PLAIN:
            kind: Any = PLAIN[name]
            held: Sample = kind(**times, **_held(name, self._words.word(body[0])))
            return held
        return None

    def _plain(self, kind: Any, times: dict[str, float], content: dict[str, Any]) -> Sample:
        made_of: Sample = made(kind, {**times, **content})
        return made_of

    def _poll(self, times: dict[str, float], body: dict[str, Any], when: When) -> Poll:
        tables = {
            field: None if (written := body.get(field, 0)) is None else table.read(written, when)
            for field, table in self._tables.items()
        }
        info = body.get("statements_info")
        # By name, as POLL_TABLES has them.
        content: dict[str, Any] = {
            **times,
            **tables,
            "statements_info": None if info is None else made(StatementsInfo, _named(StatementsInfo, info)),
            "round_trip_ms": number(body["round_trip_ms"]),
        }
        return Poll(**content)


@lru_cache(maxsize=16)
def _held(name: str, content: str) -> dict[str, Any]:
    """Fields of a sample that holds until further notice: each segment begins with the same."""
    held = made(PLAIN[name], {"at": 0.0, "mono": 0.0, **json.loads(content)})
    return {field.name: getattr(held, field.name) for field in fields(held) if field.name not in _TIMES}


def _named(row: Any, values: list[Any]) -> dict[str, Any]:
    return dict(zip(row._fields, values, strict=False))

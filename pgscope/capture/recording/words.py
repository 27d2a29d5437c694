"""Words, ids and statement texts, each written once in a run and named by number after that.

A statement as a session shows it is split into what stays and its constants, so that what stays is written
once for each statement, however often it runs with other values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pgscope.capture.recording.bounds import MOST_BYTES as MOST_READ
from pgscope.capture.recording.bounds import number
from pgscope.capture.recording.bounds import text as safe
from pgscope.packed import SHORT, digest

MOST_KEPT = 32_000_000
"""Bytes that the words of a run may take here, about: of a long one only the digest is kept."""
MOST_WRITTEN = 100_000_000
"""Characters of the words of a run, which a reader keeps whole. After either they are written where they
stand, and a text of a statement that is learned then is not known to who begins to read later."""
_CONSTANT = re.compile(r"(['0-9](?:(?<=')[^']*(?:''[^']*)*'|(?<=[0-9])(?<![\w$.][0-9])[\d.]*(?![\w$])))")
"""Begins with what a constant begins with: the rest of a text is then skipped at five times the speed."""
_MOST_CONSTANTS = 200


class Words:
    """The writer's side: numbers for words, and the new ones since the last dictionary frame."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self.known = self._numbers.get
        """The number of a word that has one and is short; None for all others."""
        self._kept = 0
        self._written = 0
        self._new: list[Any] = []
        self._new_texts: list[tuple[int, int, int]] = []
        self._first = 0
        self._texts: dict[tuple[int, int], Any] = {}
        self.held = 0
        """Bytes of new words, about."""

    @property
    def full(self) -> bool:
        """Whether all new words are written where they stand."""
        return self._kept > MOST_KEPT or self._written >= MOST_WRITTEN

    def number(self, word: Any) -> Any:
        """1 + the number of a word; the word in a list where there is no more room; None for None."""
        name = _name(word)
        known = self._numbers.get(name)
        if known is not None:
            return known
        if word is None:
            return None
        size = len(word) if isinstance(word, str) else 0
        if self.full or self._written + size > MOST_WRITTEN:
            return [word]
        known = self._numbers[name] = len(self._numbers) + 1
        self._kept += 100 + (len(name) if isinstance(name, (str, bytes)) else 0)
        self._written += size
        self.held += 100 + size
        self._new.append(word)
        return known

    def statement(self, text: str) -> Any:
        """A live statement: its number, or a list of the number of what stays and its constants."""
        known = self._numbers.get(_name(text))
        if known is not None:
            return known
        parts = _CONSTANT.split(text)
        constants = parts[1::2]
        if len(constants) > _MOST_CONSTANTS:
            return [text]
        if not constants or "\0" in text:
            return self.number(text)
        return [self.number("\0".join(parts[::2])), *constants]

    def learn(self, dbid: int, queryid: int, text: str) -> tuple[int, Any, Any]:
        """A statement's normalised text: what is written of it in the stream."""
        numbers = dbid, self.number(queryid), self.number(text)
        if self._texts.get((dbid, queryid)) == numbers[2]:
            return numbers
        if isinstance(numbers[1], int) and isinstance(numbers[2], int):
            self._texts[(dbid, queryid)] = numbers[2]
            self._new_texts.append(numbers)
        return numbers

    def take(self) -> dict[str, Any] | None:
        """What is new since the last time, for a dictionary frame; None if nothing is."""
        if not self._new and not self._new_texts:
            return None
        taken = {"first": self._first, "words": self._new, "texts": self._new_texts}
        self._first += len(self._new)
        self._new, self._new_texts = [], []
        self.held = 0
        return taken


def _name(word: Any) -> Any:
    """What stands for a word among those known: of a long text its digest."""
    return digest(word) if isinstance(word, str) and len(word) > SHORT else word


class Read:
    """The reader's side: the words of a run, and the statement texts known so far."""

    def __init__(self) -> None:
        self._words: list[Any] = []
        self._bytes = 0
        self.texts: dict[tuple[int, int], str] = {}

    @property
    def size(self) -> int:
        """How many words there are."""
        return len(self._words)

    def add(self, taken: dict[str, Any]) -> None:
        """Take in a dictionary frame. Raises ValueError if one before it is missing."""
        if taken["first"] != len(self._words):
            raise ValueError("a dictionary frame is missing")
        for word in taken["words"]:
            if isinstance(word, str):
                self._bytes += len(word)
                self._words.append("\0".join(map(safe, word.split("\0"))))
            elif isinstance(word, int):
                self._words.append(number(word))
            else:
                raise ValueError("a word that is none")
        if self._bytes > MOST_READ:
            raise ValueError("more words than a recording holds")
        for dbid, queryid, text in taken["texts"]:
            known = self.word(text)
            if not isinstance(known, str):
                raise ValueError("a text that is none")
            self.texts[(number(dbid), number(self.word(queryid)))] = known

    def word(self, number: Any) -> Any:
        """The word that `Words.number` wrote."""
        if number is None:
            return None
        if isinstance(number, list):
            return safe(number[0]) if isinstance(number[0], str) else number[0]
        if number < 1:
            raise ValueError("no such word")
        return self._words[number - 1]

    def statement(self, written: Any) -> Any:
        """The text that `Words.statement` wrote."""
        if not isinstance(written, list) or len(written) == 1:
            return self.word(written)
        kept, *constants = written
        # Where words were full it stands here: cleaned as a whole it would lose the marks between its parts.
        kept = kept[0] if isinstance(kept, list) else self.word(kept)
        return joined(list(map(safe, kept.split("\0"))), list(map(safe, constants)))


def joined(parts: Sequence[str], constants: Sequence[str]) -> str:
    """The parts with a constant between each two."""
    out = [parts[0]]
    for constant, part in zip(constants, parts[1:], strict=True):
        out += (constant, part)
    return "".join(out)

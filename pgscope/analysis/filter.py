"""The filter language: which rows someone wants to see. The same words on every view and on the command line.

Terms stand side by side and must all hold: a plain word is looked for in everything a row says, `field:text`
in one field, `field=text` wants exactly that, `field>5s` compares a number; `!` turns a term round, quotes
keep spaces together, `a|b` is either. `query:` takes a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from pgscope.dataclass import dataclass

Row = TypeVar("Row")

TEXT, PATTERN, NUMBER = "text", "pattern", "number"

_DURATIONS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"b": 1.0, "kb": 2.0**10, "mb": 2.0**20, "gb": 2.0**30, "tb": 2.0**40}
_COUNTS = {"k": 1e3, "m": 1e6, "g": 1e9}
_PERCENT = {"%": 0.01}
_SUCH_AS = (
    (_DURATIONS, "a time, such as 5s or 200ms"),
    (_SIZES, "a size, such as 10MB"),
    (_COUNTS, "a number, such as 100 or 2k"),
    (_PERCENT, "a share, such as 5%"),
)
MOST_PATTERN = 500
"""Characters of a regular expression, at the most."""


@dataclass(frozen=True)
class Field:
    """Something a row can be asked for: how it is compared, and in what unit a bare number is meant."""

    kind: str
    help: str
    units: Mapping[str, float] | None = None
    bare: float = 1.0
    """What a number without a unit is multiplied by."""


FIELDS: Mapping[str, Field] = {
    "app": Field(TEXT, "application_name"),
    "user": Field(TEXT, "role"),
    "db": Field(TEXT, "database"),
    "client": Field(TEXT, "client address"),
    "state": Field(TEXT, "active, idle, idle in transaction, waiting"),
    "wait": Field(TEXT, "what it waits for, such as Lock or IO:DataFileRead"),
    "kind": Field(TEXT, "kind of a finding, or of a process"),
    "query": Field(PATTERN, "regular expression on the statement"),
    "pid": Field(NUMBER, "process id", {}),
    "age": Field(NUMBER, "time in its state, or of the running statement", _DURATIONS),
    "xact": Field(NUMBER, "age of the transaction", _DURATIONS),
    "calls": Field(NUMBER, "calls each second", _COUNTS),
    "rows": Field(NUMBER, "rows each second", _COUNTS),
    "mean": Field(NUMBER, "mean time of a call (ms)", _DURATIONS, 1e-3),
    "time": Field(NUMBER, "share of the server's time", _PERCENT, 0.01),
    "temp": Field(NUMBER, "temporary bytes each second", _SIZES),
    "sessions": Field(NUMBER, "number of sessions", _COUNTS),
    "active": Field(NUMBER, "number of active sessions", _COUNTS),
}
"""All fields of all views. Durations are compared in seconds, sizes in bytes, shares as parts of one."""

Value = str | float | int | Sequence[str] | None
Getters = Mapping[str, Callable[[Row], Value]]
"""How to ask a row of one view: by field, under '' all its text. A field left out does not apply there."""


class FilterError(ValueError):
    """What is wrong with a filter, in one line."""


@dataclass(frozen=True)
class Term:
    """One condition."""

    field: str
    """'' for a plain word."""
    operator: str
    """':' (contains), '=' or a comparison."""
    texts: tuple[str, ...] = ()
    """Alternatives, lower case."""
    number: float = 0.0
    pattern: re.Pattern[str] | None = None
    negated: bool = False

    def holds(self, value: Value) -> bool:
        """Whether a row with this value is wanted."""
        return self._test(value) != self.negated

    def _test(self, value: Value) -> bool:
        if self.pattern is not None:
            return self.pattern.search(str(value or "")) is not None
        if isinstance(value, (int, float)) and not self.texts:
            return _COMPARE[self.operator](float(value), self.number)
        if value is None:
            return False
        words = [value] if isinstance(value, (str, int, float)) else value
        if self.operator == "=":
            return any(str(word).lower() in self.texts for word in words)
        lowered = [str(word).lower() for word in words]
        return any(text in word for word in lowered for text in self.texts)


_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ":": lambda a, b: a == b,
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}
_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))+')
_FIELD = re.compile(r"([A-Za-z_]+)(>=|<=|>|<|=|:)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Filter:
    """A filter that was understood. An empty one wants everything."""

    text: str = ""
    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Read a filter. Raises FilterError; a term that is still being typed (`app:`) wants everything."""
        terms = [term for token in _TOKEN.findall(text) if (term := _term(token)) is not None]
        return cls(text.strip(), tuple(terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def left_out(self, getters: Getters[Row]) -> tuple[str, ...]:
        """The fields it names that do not apply to these rows."""
        return tuple(dict.fromkeys(term.field for term in self.terms if term.field not in getters))

    def select(self, rows: Iterable[Row], getters: Getters[Row]) -> list[Row]:
        """The rows wanted, in their order; terms on fields that do not apply are left out."""
        tests = [(term.holds, getters[term.field]) for term in self.terms if term.field in getters]
        if not tests:
            return list(rows)
        return [row for row in rows if all(holds(value(row)) for holds, value in tests)]


EVERYTHING = Filter()


def _term(token: str) -> Term | None:
    negated = token.startswith("!")
    body = token[1:] if negated else token
    if not body:
        return None
    match = None if body.startswith('"') else _FIELD.fullmatch(body)
    if match is None:
        words = _alternatives(body)
        return Term("", ":", words, negated=negated) if words else None
    name, operator, value = match[1].lower(), match[2], match[3]
    field = FIELDS.get(name)
    if field is None:
        if operator == ":" or operator == "=" or value:
            raise FilterError(_unknown(name))
        return None
    if field.kind == NUMBER:
        return _number_term(name, field, operator, value, negated)
    if operator not in (":", "="):
        raise FilterError(f"{name} is text: use {name}:word or {name}=word")
    if field.kind == PATTERN:
        return _pattern_term(name, value, negated)
    if operator == "=":
        return Term(name, "=", (_unquoted(value).lower(),), negated=negated)
    words = _alternatives(value)
    return Term(name, ":", words, negated=negated) if words else None


def _number_term(name: str, field: Field, operator: str, value: str, negated: bool) -> Term | None:
    if not value:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-zA-Z%]*)", _unquoted(value))
    units = field.units or {}
    if match is None or (match[2] and match[2].lower() not in units):
        wanted = next((words for one, words in _SUCH_AS if one is field.units), "a number, such as 4711")
        raise FilterError(f"{name}{operator} wants {wanted}")
    factor = units[match[2].lower()] if match[2] else field.bare
    return Term(name, operator, number=float(match[1]) * factor, negated=negated)


def _pattern_term(name: str, value: str, negated: bool) -> Term | None:
    source = _unquoted(value)
    if not source:
        return None
    if len(source) > MOST_PATTERN:
        raise FilterError(f"{name}: the pattern is longer than {MOST_PATTERN} characters")
    try:
        return Term(name, ":", pattern=re.compile(source, re.IGNORECASE | re.DOTALL), negated=negated)
    except re.error as error:
        raise FilterError(f"{name}: {error}") from None


def _unknown(name: str) -> str:
    from difflib import get_close_matches  # for who mistyped only

    near = get_close_matches(name, FIELDS, 1, 0.5)
    return (
        f"no field {name}: did you mean {near[0]}:?"
        if near
        else f"no field {name}; fields: {' '.join(FIELDS)}"
    )


def _unquoted(text: str) -> str:
    return text.replace('"', "")


def _alternatives(text: str) -> tuple[str, ...]:
    if text.startswith('"'):
        return (_unquoted(text).lower(),) if _unquoted(text) else ()
    return tuple(part for part in _unquoted(text).lower().split("|") if part)


def complete(text: str, values: Mapping[str, Iterable[str]]) -> str | None:
    """The text with its last term completed, from the fields and `values` by field; None if nothing fits."""
    start = re.search(r"\S*$", text)
    last = start.group() if start else ""
    word = last.removeprefix("!")
    if not word or '"' in word:
        return None
    head = text[: len(text) - len(word)]
    name, colon, part = word.partition(":")
    if not colon:
        fits = [field for field in FIELDS if field.startswith(word.lower())]
        return f"{head}{fits[0]}{':' if FIELDS[fits[0]].kind != NUMBER else '>'}" if fits else None
    part = part.rpartition("|")[2]
    if not part:
        return None
    for value in sorted(set(values.get(name.lower(), ()))):
        if value.lower().startswith(part.lower()) and len(value) > len(part):
            full = value if not re.search(r"[\s|\"]", value) else None
            if full is not None:
                return text + full[len(part) :]
    return None

"""Normalised texts (`$1` for a literal) made into ones that PREPARE takes, with the same meaning.

pg_stat_statements puts `$n` where a literal stood, also where the grammar takes only a literal, and from 18
on one `$n` for a whole list, marked by a comment. Each edit is the nearest spelling that gives the same tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from itertools import pairwise

from pglast import ast, parser

from pgscope.dataclass import dataclass
from pgscope.server.explain.reach import names, walk
from pgscope.server.explain.statement import Statement, parameters

_MERGED = "/*, ... */"


@dataclass(frozen=True)
class Edit:
    """A piece of the text, from `start` to `end`, replaced."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Normalised:
    """A text that PREPARE may take. `lists` has the elements of each merged list."""

    text: str
    parameters: tuple[int, ...]
    lists: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    notes: tuple[str, ...] = ()
    start: int = 0
    """Where the statement began in what was given."""

    def original(self, position: int) -> int:
        """The place in what was given, for a place in this text."""
        shift = 0
        for edit in self.edits:
            if position < edit.start + shift:
                break
            grown = len(edit.text) - (edit.end - edit.start)
            if position < edit.start + shift + len(edit.text):
                return edit.start + self.start
            shift += grown
        return position - shift + self.start


def rewrite(statement: Statement, list_length: int, lengths: Mapping[int, int] | None = None) -> Normalised:
    """Spell out merged lists and typed literals; a text without `$n` comes back as it is.

    `lengths` says how long the list of a parameter is where that is known.
    """
    used = parameters(statement)
    if not used:
        return Normalised(statement.text, (), start=statement.start)
    tokens = parser.scan(statement.text)
    edits: list[Edit] = []
    lists: dict[int, tuple[int, ...]] = {}
    free = max(used) + 1
    notes: list[str] = []
    for token, after in pairwise(tokens):
        comment = statement.text[after.start : after.end + 1]
        if token.name != "PARAM" or after.name != "C_COMMENT" or comment != _MERGED:
            continue
        number = int(statement.text[token.start + 1 : token.end + 1])
        length = (lengths or {}).get(number, list_length)
        more = tuple(range(free, free + length - 1))
        free += len(more)
        lists[number] = (number, *more)
        edits.append(Edit(after.start, after.end + 1, "".join(f", ${n}" for n in more)))
        if number not in (lengths or {}):
            notes.append(f"${number} is a list whose length the server does not keep: planned with {length}")
    edits += _typed_literals(statement, tokens)
    edits.sort(key=lambda edit: edit.start)
    text = statement.text
    for edit in reversed(edits):
        text = text[: edit.start] + edit.text + text[edit.end :]
    everything = sorted({*used, *(number for numbers in lists.values() for number in numbers)})
    return Normalised(text, tuple(everything), lists, tuple(edits), tuple(notes), statement.start)


def _typed_literals(statement: Statement, tokens: list[parser.Token]) -> list[Edit]:
    """`interval $1`, `date $1` become casts; `extract($1 FROM x)` the function call that it means."""
    base = statement.start
    by_start = {token.start: place for place, token in enumerate(tokens)}
    edits: list[Edit] = []
    for node in walk(statement.tree):
        if (
            isinstance(node, ast.TypeCast)
            and isinstance(node.arg, ast.ParamRef)
            and node.typeName is not None
        ):
            at, arg = (node.typeName.location or 0) - base, (node.arg.location or 0) - base
            place = by_start.get(arg)
            between = statement.text[at:arg]
            if place is None or at >= arg:
                continue
            last = place
            qualifier = ""
            spans = between.lower().startswith("interval")
            while spans and last + 1 < len(tokens) and tokens[last + 1].name in _INTERVAL_FIELDS:
                last += 1
                qualifier += " " + statement.text[tokens[last].start : tokens[last].end + 1]
            number = statement.text[tokens[place].start : tokens[place].end + 1]
            end = tokens[last].end + 1
            edits.append(Edit(at, end, f"CAST({number} AS {between.strip()}{qualifier})"))
        elif isinstance(node, ast.FuncCall) and names(node.funcname)[-1:] == ["extract"]:
            edits += _extract(statement, tokens, node, by_start)
    return edits


_INTERVAL_FIELDS = frozenset({"YEAR_P", "MONTH_P", "DAY_P", "HOUR_P", "MINUTE_P", "SECOND_P", "TO"})


def _extract(
    statement: Statement, tokens: list[parser.Token], call: ast.FuncCall, by_start: Mapping[int, int]
) -> list[Edit]:
    place = by_start.get((call.location or 0) - statement.start)
    if place is None or len(tokens) < place + 4:
        return []
    word, _, param, source = tokens[place : place + 4]
    if word.name != "EXTRACT" or param.name != "PARAM" or source.name != "FROM":
        return []
    return [
        Edit(word.start, word.end + 1, 'pg_catalog."extract"'),
        Edit(source.start, source.end + 1, ","),
    ]


def array_probe(normalised: Normalised) -> str | None:
    """The text with `= ANY (ARRAY[$1, $2])` as `IN ($1, $2)`: what tells the types of such elements.

    None if it has no such array. Only for finding types: the text itself is planned as it stands.
    """
    tokens = [token for token in parser.scan(normalised.text) if not token.name.endswith("COMMENT")]
    edits: list[Edit] = []
    for place, token in enumerate(tokens):
        words = [normalised.text[t.start : t.end + 1].upper() for t in tokens[place : place + 5]]
        if words not in (["=", "ANY", "(", "ARRAY", "["], ["<>", "ALL", "(", "ARRAY", "["]):
            continue
        last = place + 5
        while last < len(tokens) and tokens[last].name in ("PARAM", "ASCII_44"):
            last += 1
        if last + 1 >= len(tokens) or normalised.text[tokens[last].start] != "]":
            continue
        inside = normalised.text[tokens[place + 5].start : tokens[last - 1].end + 1]
        word = "IN" if words[0] == "=" else "NOT IN"
        edits.append(Edit(token.start, tokens[last + 1].end + 1, f" {word} ({inside})"))
    text = normalised.text
    for edit in reversed(edits):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text if edits else None

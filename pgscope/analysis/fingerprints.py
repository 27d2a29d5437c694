"""One fingerprint for statements that a reader takes for the same.

pg_stat_statements makes several entries of one statement: for parameters of other types (small integers are
sent as int2, larger ones as int4), for each length of an IN list before PostgreSQL 18, and for each user and
database. Where there are no query ids at all, fingerprints of the live text stand in for them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import NewType

from pgscope.analysis.activity import is_own_text
from pgscope.latepattern import late_pattern
from pgscope.packed import Packed, Texts, packed_items, remembered, unpack
from pgscope.sample import Session, StatementKey

Fingerprint = NewType("Fingerprint", str)
"""16 hexadecimal digits."""

_LONGEST_PARSED = 200_000
"""Characters: what is longer is compared as text, for parsing it would take noticeable time."""

_TOKEN = late_pattern(
    r"""
      (?P<line>    --[^\n]* )
    | (?P<comment> /\* )
    | (?P<string>  [eE]'(?:[^'\\]|''|\\.)*(?:'|(?P<cut>\Z)) | [bBxXnN]?'(?:[^']|'')*(?:'|(?P<cut1>\Z))
                 | \$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?(?:\$(?P=tag)\$|(?P<cut2>\Z)) )
    | (?P<quoted>  "(?:[^"]|"")*(?:"|(?P<cut3>\Z)) )
    | (?P<number>  (?<![\w$])(?:\$\d+|\d[\d_]*(?:\.\d*)?(?:[eE][-+]?\d+)?) )
    """,
    re.VERBOSE | re.DOTALL,
)
_EDGE = late_pattern(r"/\*|\*/")
_LIST = late_pattern(r"\(\s*\?(?:\s*,\s*\?)*\s*\)")
_MEMBERS = late_pattern(r"\b(?:in|any) ?\(")


@remembered(20_000)
def fingerprint(text: str) -> Fingerprint:
    """The fingerprint of a statement's text, normalised or live; what is no SQL is compared as text.

    Pure, and never fails; the last 20,000 are remembered.
    """
    bare, plain = _read(text)
    import hashlib  # when it is first needed

    known = plain
    if bare and len(bare) <= _LONGEST_PARSED and "\x00" not in bare:
        from pglast import parser  # when it is first needed: it takes a tenth of the start

        try:
            # The parser's own fingerprint takes `= $1` and `in ($1, $2)` for the same.
            known = f"{parser.fingerprint(bare)} {len(_MEMBERS.findall(plain))}"
        except (parser.ParseError, UnicodeEncodeError):
            # Of a newer server, or not SQL.
            known = plain
    digest = hashlib.blake2b(known.encode("utf-8", "surrogatepass"), digest_size=8)
    return Fingerprint(digest.hexdigest())


def normalised(text: str) -> str:
    """The text without comments and spacing, its constants and parameters as `?`, lists of them as one."""
    return _read(text)[1]


def _read(text: str) -> tuple[str, str]:
    """The text without comments ('' if it is cut off or there is nothing else in it), and normalised.

    Comments are taken out before parsing, for the parser takes quadratic time for nested ones.
    """
    bare: list[str] = []
    plain: list[str] = []
    place, whole = 0, True
    while (match := _TOKEN.search(text, place)) is not None:
        code = text[place : match.start()]
        place = match.end()
        bare.append(code)
        plain.append(code.lower())
        if match["comment"] or match["line"]:
            if match["comment"]:
                place, closed = _after_comment(text, place)
                whole = whole and closed
            bare.append(" ")
            plain.append(" ")
            continue
        if any(match[cut] is not None for cut in ("cut", "cut1", "cut2", "cut3")):
            whole = False
        bare.append(match[0])
        plain.append(match[0] if match["quoted"] else "?")
    bare.append(text[place:])
    plain.append(text[place:].lower())
    spaced = " ".join("".join(plain).split())
    result = _LIST.sub("(?)", spaced).rstrip("; ")
    return "".join(bare) if whole and result else "", result


def _after_comment(text: str, place: int) -> tuple[int, bool]:
    """Where the comment that began before `place` ends, and whether it does; comments nest."""
    depth = 1
    for edge in _EDGE.finditer(text, place):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end(), True
    return len(text), False


def query_id_of(text: str) -> int:
    """A stand-in for a query id where the server gives none: the fingerprint as a signed 64-bit number."""
    number = int(fingerprint(text), 16)
    return number - (1 << 64) if number >= 1 << 63 else number


def with_query_id(session: Session) -> Session:
    """The session, with a stand-in for its query id if the server gave none but shows a text."""
    if session.query_id is not None or not session.query or not session.is_client:
        return session
    return session._replace(query_id=query_id_of(session.query))


class FingerprintBook:
    """A fold over the texts of statements: which entries belong together."""

    def __init__(self) -> None:
        self._texts = Texts()
        self._fingerprints: dict[tuple[int, int], Fingerprint] = {}
        self._own: set[tuple[int, int]] = set()
        self.learned = 0
        """Rises whenever a text is learned."""

    def learn(self, texts: Mapping[tuple[int, int], str]) -> None:
        """Take in texts by (dbid, queryid), as StatementTexts has them."""
        known = self._texts.packed
        for name, packed in packed_items(texts):
            if known.get(name) != packed:
                known[name] = packed
                self.learned += 1
                text = unpack(packed)
                self._fingerprints[name] = fingerprint(text)
                (self._own.add if is_own_text(text) else self._own.discard)(name)

    def forget_all_but(self, keep: Container[tuple[int, int]]) -> None:
        """Drop the texts of all others, named by (dbid, queryid)."""
        for name in [name for name in self._texts if name not in keep]:
            del self._texts[name]
            self._own.discard(name)
        self._fingerprints = {name: known for name, known in self._fingerprints.items() if name in keep}

    def __len__(self) -> int:
        return len(self._texts)

    def own(self, key: StatementKey) -> bool:
        """Whether an entry is of a statement of pgscope's."""
        return (key.dbid, key.queryid) in self._own

    def text(self, key: StatementKey) -> str:
        """The text of an entry, '' if it is not known."""
        return unpack(self.packed(key))

    def packed(self, key: StatementKey) -> Packed:
        """The text of an entry as it is kept, '' if it is not known."""
        return self._texts.packed.get((key.dbid, key.queryid), "")

    def fingerprint(self, key: StatementKey) -> Fingerprint:
        """The fingerprint of an entry; one made of its query id while the text is not known."""
        known = self._fingerprints.get((key.dbid, key.queryid))
        return known or Fingerprint(f"{key.queryid & (1 << 64) - 1:016x}")

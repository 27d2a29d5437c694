"""What must not be written: passwords always, all constants of statements where asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from pgscope.packed import Texts, pack, packed_items, unpack
from pgscope.sample import (
    OWN_MARK,
    Disconnected,
    Poll,
    PreparedTransaction,
    Sample,
    Session,
    StatementTexts,
    XminHolder,
)

UNREADABLE = "(redacted: not a statement that can be parsed)"
"""Stands for a text of which nothing is written."""
_LONGEST = 100_000
_MOST_COMMENTS = 100
"""Nested ones take the parser quadratic time."""
_SECRET = re.compile(r"passw|secret|\bpwd\b|://[^\s/:@]*:[^\s/@]*@", re.IGNORECASE)
_IN_REASON = re.compile(r"(passw\w*\s*[=:]\s*)\S+|(://[^\s/:@]*:)[^\s/@]*(?=@)", re.IGNORECASE)
_CONSTANTS = {"ICONST", "FCONST", "SCONST", "USCONST", "BCONST", "XCONST"}
_COMMENTS = {"SQL_COMMENT", "C_COMMENT"}
_HIDDEN = "<insufficient privilege>"
_AUTOVACUUM = re.compile(r"autovacuum: [A-Z ]+ [\w.]+( \(to prevent wraparound\))?")
"""Words of the server's own: a command and a table."""


@lru_cache(maxsize=10_000)
def redacted(text: str) -> str:
    """The statement without its constants, which become `$n`, and without comments.

    Of a text that PostgreSQL's parser does not take (cut off, another program's, a typing error) nothing is
    left: there is no telling what in it is a constant.
    """
    if not text.strip() or text == _HIDDEN:
        return text
    if len(text) > _LONGEST or text.count("/*") > _MOST_COMMENTS or "\0" in text:
        return UNREADABLE
    from pglast import parser  # when it is first needed: it takes a tenth of the start

    try:
        parser.fingerprint(text)
        tokens = parser.scan(text)
    except (parser.ParseError, UnicodeEncodeError, ValueError):
        return UNREADABLE
    numbers = [int(text[one.start + 1 : one.end + 1]) for one in tokens if one.name == "PARAM"]
    next_number = max(numbers, default=0) + 1
    out: list[str] = []
    place = 0
    for token in tokens:
        between = text[place : token.start]
        if between.strip():
            return UNREADABLE
        out.append(between)
        place = token.end + 1
        if token.name in _COMMENTS and text[token.start : place] != OWN_MARK:
            continue
        if token.name in _CONSTANTS:
            out.append(f"${next_number}")
            next_number += 1
        else:
            out.append(text[token.start : place])
    return "".join(out).strip() if not text[place:].strip() else UNREADABLE


def _is_secret(text: str) -> bool:
    """Whether there may be a password in it."""
    folded = text.casefold()
    # Most texts have none of these words, and to look for words is twenty times as fast.
    if not ("passw" in folded or "secret" in folded or "pwd" in folded or "://" in folded):
        return False
    return _SECRET.search(text) is not None


class Redactor:
    """Takes from samples what must not be written; with `constants` all constants of statements."""

    def __init__(self, *, constants: bool) -> None:
        self._constants = constants
        self._before: tuple[Session, ...] = ()
        self._kept: list[Session] = []
        self._texts = Texts()

    def text(self, text: str) -> str:
        """A statement as it may be written."""
        return redacted(text) if self._constants or _is_secret(text) else text

    def sample(self, sample: Sample) -> Sample:
        """The sample as it may be written: itself where there is nothing to take."""
        if isinstance(sample, Poll):
            return self._poll(sample)
        if isinstance(sample, StatementTexts):
            texts = Texts()
            for key, kept in packed_items(sample.texts):
                text = unpack(kept)
                written = self.text(text)
                # Shared with whoever else keeps it, where nothing is to be taken out.
                texts.packed[key] = kept if written is text else pack(written)
            if self._constants:
                self._texts.take(texts)
            return replace(sample, texts=texts)
        if isinstance(sample, Disconnected):
            return replace(sample, reason=_IN_REASON.sub(r"\1\2***", sample.reason))
        return sample

    def _poll(self, poll: Poll) -> Poll:
        before, now = self._before, poll.sessions
        self._before = now
        if len(now) == len(before):
            # Most sessions are the objects that they were, in the same places.
            kept = self._kept
            for place in [n for n, (old, new) in enumerate(zip(before, now, strict=True)) if old is not new]:
                kept[place] = self._session(now[place])
        else:
            known = {id(old): kept for old, kept in zip(before, self._kept, strict=True)}
            kept = self._kept = [known.get(id(one)) or self._session(one) for one in now]
        if not self._constants:
            return replace(poll, sessions=tuple(kept))
        return replace(
            poll,
            sessions=tuple(kept),
            prepared=tuple(map(_prepared, poll.prepared)),
            xmin_holders=tuple(map(_holder, poll.xmin_holders)),
        )

    def _session(self, session: Session) -> Session:
        if self._constants and session.query_id is not None:
            known = self._texts.get((session.datid, session.query_id))
            if known is not None and known != UNREADABLE:
                # Cheaper than to parse it, and there even for a text that was cut off.
                return session._replace(query=known)
        if session.backend_type == "autovacuum worker" and _AUTOVACUUM.fullmatch(session.query):
            return session
        text = self.text(session.query)
        return session if text is session.query else session._replace(query=text)


def _prepared(one: PreparedTransaction) -> PreparedTransaction:
    """A transaction identifier is a constant of PREPARE TRANSACTION."""
    return one._replace(gid="(redacted)")


def _holder(one: XminHolder) -> XminHolder:
    return one._replace(name="(redacted)") if one.kind == "prepared transaction" else one

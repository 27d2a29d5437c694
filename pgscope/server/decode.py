"""Bytes to text. pgscope reads with client_encoding SQL_ASCII, so the server converts nothing.

One session with text that the client's encoding cannot hold would otherwise make a whole poll fail.
Each text is decoded by the encoding of the database it comes from, and cleaned.
"""

from __future__ import annotations

import codecs
from functools import lru_cache
from typing import TypeAlias

from pgscope.text import clean

Raw: TypeAlias = "bytes | str | None"

_CODECS = {
    "BIG5": "big5",
    "EUC_CN": "gb2312",
    "EUC_JIS_2004": "euc_jis_2004",
    "EUC_JP": "euc_jp",
    "EUC_KR": "euc_kr",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO_8859_5": "iso8859-5",
    "ISO_8859_6": "iso8859-6",
    "ISO_8859_7": "iso8859-7",
    "ISO_8859_8": "iso8859-8",
    "JOHAB": "johab",
    "KOI8R": "koi8-r",
    "KOI8U": "koi8-u",
    "LATIN1": "iso8859-1",
    "LATIN2": "iso8859-2",
    "LATIN3": "iso8859-3",
    "LATIN4": "iso8859-4",
    "LATIN5": "iso8859-9",
    "LATIN6": "iso8859-10",
    "LATIN7": "iso8859-13",
    "LATIN8": "iso8859-14",
    "LATIN9": "iso8859-15",
    "LATIN10": "iso8859-16",
    "SHIFT_JIS_2004": "shift_jis_2004",
    "SJIS": "shift_jis",
    "UHC": "cp949",
    "UTF8": "utf-8",
    "WIN866": "cp866",
    "WIN874": "cp874",
}


def codec_of(encoding: str) -> str:
    """Python's codec for PostgreSQL's name of an encoding; UTF-8 for SQL_ASCII and for what is not known."""
    if encoding in _CODECS:
        return _CODECS[encoding]
    if encoding.startswith("WIN"):
        name = "cp" + encoding[3:]
        try:
            codecs.lookup(name)
        except LookupError:
            return "utf-8"
        return name
    return "utf-8"


def text(value: Raw, codec: str = "utf-8") -> str:
    """A statement or other text of several lines, decoded with replacement and cleaned; '' for NULL."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    return clean(value.decode(codec, "replace"))


@lru_cache(8192)
def name(value: Raw, codec: str = "utf-8") -> str:
    """A name (application, role, database, relation): one line, decoded and cleaned; '' for NULL.

    The same few come thousands of times; to decode and clean them is the dear part of a row.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value, lines=False)
    return clean(value.decode(codec, "replace"), lines=False)

"""SQL laid out for reading. Whatever cannot be parsed (cut off, broken, not SQL) stays as it is."""

from __future__ import annotations

from functools import lru_cache

LONGEST = 20_000
"""Characters; a longer text stays as it is, laying it out would take too long to wait for."""
_MARGIN = 72


@lru_cache(256)
def prettify(sql: str) -> str:
    """The statement over several lines, comments kept; the text itself if it does not parse.

    The first call takes about half a second (it loads the parser), later ones some 10 ms a kilobyte: call
    it in a thread.
    """
    if len(sql) > LONGEST:
        return sql
    from pglast import Error
    from pglast import prettify as lay_out

    try:
        laid_out: str = lay_out(sql, preserve_comments=True, comma_at_eoln=True, compact_lists_margin=_MARGIN)
    except (Error, RecursionError, NotImplementedError, ValueError, TypeError, AttributeError, KeyError):
        # The printers do not know every node of every major; what they stumble over is shown as it came.
        return sql
    return laid_out.strip() or sql

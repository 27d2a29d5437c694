"""Comments that name the place in the program, as sqlcommenter writes them."""

from __future__ import annotations

from urllib.parse import quote


def comment(**tags: str) -> str:
    """The comment to append to a statement: keys sorted, values percent-encoded and quoted."""
    pairs = ",".join(f"{name}='{quote(value, safe='')}'" for name, value in sorted(tags.items()))
    return f" /*{pairs}*/"

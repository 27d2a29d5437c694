"""Elements of HTML and SVG, with everything in them escaped at one place."""

from __future__ import annotations

from html import escape

from pgscope.text import clean


def text(value: object) -> str:
    """Text as HTML: nothing in it is obeyed."""
    return escape(clean(str(value)), quote=True)


def element(name: str, *inside: str, **attributes: object) -> str:
    """An element around what is HTML already. In names of attributes _ is -, or nothing at the end."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(_short(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{given}>{''.join(inside)}</{name}>"


def _short(value: object) -> object:
    return f"{value:.1f}" if isinstance(value, float) else value

"""Copying by escape sequence (OSC 52), which works over SSH, and within tmux and screen."""

from __future__ import annotations

import base64
from collections.abc import Mapping

MOST = 74_000
"""Bytes; terminals ignore longer ones."""
_SCREEN_CHUNK = 700


def osc52(text: str, environment: Mapping[str, str]) -> str:
    """What to write to the terminal so that it takes the text to its clipboard."""
    encoded = base64.b64encode(text.encode("utf-8", "replace")[:MOST]).decode("ascii")
    plain = f"\x1b]52;c;{encoded}\x07"
    if environment.get("TMUX"):
        # tmux takes the plain form with `set-clipboard on` only, the wrapped one with `allow-passthrough`.
        return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environment.get("STY"):
        chunks = [plain[i : i + _SCREEN_CHUNK] for i in range(0, len(plain), _SCREEN_CHUNK)]
        return "".join(f"\x1bP{chunk}\x1b\\" for chunk in chunks)
    return plain

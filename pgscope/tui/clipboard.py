"""Copying by escape sequence (OSC 52), which works over SSH, and within screen; tmux is given the text."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping

MOST = 74_000
"""Bytes; terminals ignore longer ones."""
_SCREEN_CHUNK = 700
_TMUX_SECONDS = 2.0


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


async def give_tmux(text: str) -> bool:
    """Make the text tmux's newest buffer, and have tmux tell the terminal: as it comes it lets no program do
    that itself. False where tmux cannot be run.
    """
    # Before tmux 3.2 there is no -w: then it is at least a buffer that can be pasted.
    for options in (("-w",), ()):
        try:
            process = await asyncio.create_subprocess_exec(
                "tmux",
                "load-buffer",
                *options,
                "-",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError:
            return False
        try:
            await asyncio.wait_for(process.communicate(text.encode("utf-8", "replace")), _TMUX_SECONDS)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()
            return False
        if process.returncode == 0:
            return True
    return False

"""A step of the server's clock: what was stamped before it has an age that is not so."""

from __future__ import annotations

from pgscope.sample import Poll

_LEAST = 30.0
"""Seconds; a poll may wait for its answer nearly as long."""
_TOLD_FOR = 600.0
"""Seconds after the last step."""


class ClockWatch:
    """Compares the server's clock with our monotonic one, poll by poll."""

    def __init__(self) -> None:
        self._ahead: float | None = None
        self._until = 0.0
        self.warning = ""
        """What to say about it; '' if there was no step of late."""

    def restart(self) -> None:
        """Another connection, maybe another server: its clock is its own."""
        self._ahead = None

    def feed(self, poll: Poll) -> None:
        """Take a poll."""
        ahead = poll.at - poll.mono
        step = 0.0 if self._ahead is None else ahead - self._ahead
        self._ahead = ahead
        if abs(step) >= _LEAST:
            self._until = poll.mono + _TOLD_FOR
            word = "ahead" if step > 0 else "back"
            self.warning = (
                f"the server's clock was set {word} by {abs(step):,.0f} s: the ages of what began before"
                " that are wrong by as much"
            )
        elif poll.mono > self._until:
            self.warning = ""

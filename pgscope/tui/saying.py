"""What is said in passing: one thing at a time, until the next key, and never over a question."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from textual.notifications import SeverityLevel

_KEPT = 5


class Sayings:
    """What was said lately, and what waits until a question is answered.

    `show` puts a message on the screen; `asked` tells whether a question is up.
    """

    def __init__(self, show: Callable[[str, SeverityLevel], None], asked: Callable[[], bool]) -> None:
        self._show = show
        self._asked = asked
        self._said: deque[str] = deque(maxlen=_KEPT)
        self._unsaid: tuple[str, SeverityLevel] | None = None

    @property
    def said(self) -> Sequence[str]:
        """What was said lately, the newest last."""
        return tuple(self._said)

    def say(self, message: str, severity: SeverityLevel) -> None:
        """Say it now, or when the question that is up is answered."""
        self._said.append(message)
        if self._asked():
            self._unsaid = (message, severity)
        else:
            self._show(message, severity)

    def say_unsaid(self) -> None:
        """Say what a question kept from being said."""
        if self._unsaid is not None and not self._asked():
            (message, severity), self._unsaid = self._unsaid, None
            self._show(message, severity)

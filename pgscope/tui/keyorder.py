"""Keys take effect one after the other, in the order in which they were pressed.

Textual gives a key to whatever has the focus when the key comes in, while what the key before it does (such
as moving the focus to the filter) may still stand in a queue: what is typed or pasted right behind `/` would
go to the rows. Here the next key is given out only when the one before it has done its work.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

LOOK_AGAIN_S: Final = 0.01
LONGEST_S: Final = 1.0
"""A key that has not done its work by then holds up the others no longer."""


class KeyOrder:
    """The keys (and pasted texts) that wait for their turn. Used on the event loop only."""

    def __init__(self, app: App[None], handle: Callable[[events.Event], Awaitable[None]]) -> None:
        """`handle` is what the app does with a key whose turn it is."""
        self._app = app
        self._handle = handle
        self._waiting: deque[events.Event] = deque()
        self._busy = False
        self._turn = 0
        self._since = 0.0
        self._screen: object = None

    async def take(self, event: events.Event) -> None:
        """Handle a key that came in, now or when it is its turn."""
        self._waiting.append(event)
        if self._busy and time.monotonic() - self._since < LONGEST_S:
            self._app.set_timer(LONGEST_S, partial(self._done, self._turn))
        else:
            await self._give(self._waiting.popleft())

    async def _give(self, event: events.Event) -> None:
        self._busy = True
        self._turn += 1
        self._since = time.monotonic()
        self._screen = self._app.screen
        target: MessagePump = self._app.focused or self._app.screen
        await self._handle(event)
        # Once behind the key itself, once behind the messages that its action posts.
        self._follow(target, partial(self._follow, target, partial(self._done, self._turn)))

    def _follow(self, node: MessagePump | None, then: Callable[[], object]) -> None:
        """Stand behind the key in every queue that it goes through, up to the app's own; go on there."""
        while node is not None and node is not self._app:
            above = node._parent
            if node.call_later(self._follow, above, then):
                return
            node = above
        self._app.call_later(then)

    async def _done(self, turn: int) -> None:
        """The key whose turn it was has done its work, or had its time: give out the next."""
        if not self._busy or turn != self._turn:
            return
        if not self._ready() and time.monotonic() - self._since < LONGEST_S:
            self._app.set_timer(LOOK_AGAIN_S, partial(self._done, turn))
            return
        self._busy = False
        if self._waiting:
            await self._give(self._waiting.popleft())

    def _ready(self) -> bool:
        """Whether a screen that the last key opened can take keys: it has its widgets and its focus."""
        screen = self._app.screen
        if screen is self._screen:
            return True
        return screen.is_mounted and (screen.focused is not None or not screen.focus_chain)

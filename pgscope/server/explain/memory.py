"""Texts that the server could not plan, so that they are not sent again and again.

For some seconds only: a table that was not there may be made, a search_path be mended.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TypeAlias

from pgscope.server.explain.request import ExplainFailed, ExplainRequest

Key: TypeAlias = "tuple[str, str, str, str, str]"

_LASTING = ("42", "0A", "22")
"""Classes of SQLSTATE that trying again at once will not change: syntax, names, types, unsupported, data."""
_PASSING = frozenset({"42501"})
"""Privileges, which someone may grant meanwhile."""


class Failures:
    """The last failures, by server, database, role, search_path and text. Bounded; of one event loop."""

    def __init__(self, most: int = 500, seconds: float = 10.0) -> None:
        """Remember at most so many, each for so long."""
        self._most = most
        self._seconds = seconds
        self._found: OrderedDict[Key, tuple[float, ExplainFailed]] = OrderedDict()

    def recall(self, server: str, request: ExplainRequest) -> ExplainFailed | None:
        """The failure of the same text under the same circumstances, or None."""
        at, failure = self._found.get(_key(server, request), (0.0, None))
        return failure if time.monotonic() - at < self._seconds else None

    def remember(self, server: str, request: ExplainRequest, failure: ExplainFailed) -> None:
        """Keep a failure that trying again would not change."""
        if failure.sqlstate[:2] not in _LASTING or failure.sqlstate in _PASSING:
            return
        self._found[_key(server, request)] = time.monotonic(), failure
        while len(self._found) > self._most:
            self._found.popitem(last=False)


def _key(server: str, request: ExplainRequest) -> Key:
    values = repr(sorted(request.values.items())) if request.analyze else ""
    circumstances = f"{request.analyze} {request.pick} {values}"
    return (
        server,
        request.database or "",
        f"{request.user} {request.search_path}",
        request.text,
        circumstances,
    )

"""Texts that the server could not plan, so that they are not sent again and again."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeAlias

from pgscope.server.explain.request import ExplainFailed, ExplainRequest

Key: TypeAlias = "tuple[str, str, str, str, str]"

_LASTING = ("42", "0A", "22")
"""Classes of SQLSTATE that will not change by trying again: syntax, names and types, unsupported, data."""
_PASSING = frozenset({"42501"})
"""Privileges, which someone may grant meanwhile."""


class Failures:
    """The last failures, by server, database, role, search_path and text. Bounded; of one event loop."""

    def __init__(self, most: int = 500) -> None:
        """Remember at most so many."""
        self._most = most
        self._found: OrderedDict[Key, ExplainFailed] = OrderedDict()

    def recall(self, server: str, request: ExplainRequest) -> ExplainFailed | None:
        """The failure of the same text under the same circumstances, or None."""
        return self._found.get(_key(server, request))

    def remember(self, server: str, request: ExplainRequest, failure: ExplainFailed) -> None:
        """Keep a failure that trying again would not change."""
        if failure.sqlstate[:2] not in _LASTING or failure.sqlstate in _PASSING:
            return
        self._found[_key(server, request)] = failure
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

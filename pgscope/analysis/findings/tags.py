"""Tags in comments (E4): sqlcommenter's route, action, controller and traceparent, from live statements.

https://google.github.io/sqlcommenter/spec/
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from pgscope.sample import Poll, StatementKey

PLACES = ("route", "controller", "action", "view", "file", "func", "job", "task")
"""Tags that name a place in the program."""

_COMMENT = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_PAIR = re.compile(r"([\w%.-]+)\s*[=:]\s*'((?:[^'\\]|\\.)*)'")
_MOST = 2000


def tags_of(query: str) -> dict[str, str]:
    """The tags in a statement's comments; {} where there are none."""
    if "/*" not in query:
        return {}
    found: dict[str, str] = {}
    for comment in _COMMENT.findall(query):
        for key, value in _PAIR.findall(comment):
            found[unquote(key)] = unquote(value.replace("\\'", "'"))[:120]
    return found


class Tags:
    """A fold over polls: the tags last seen with each statement."""

    def __init__(self) -> None:
        self._tags: OrderedDict[tuple[int, int, int], dict[str, str]] = OrderedDict()

    def poll(self, poll: Poll) -> None:
        """Read the tags of live statements."""
        for row in poll.sessions:
            if row.query_id and "/*" in row.query:
                tags = tags_of(row.query)
                if tags:
                    name = (row.datid, row.usesysid, row.query_id)
                    self._tags[name] = tags
                    self._tags.move_to_end(name)
        while len(self._tags) > _MOST:
            self._tags.popitem(last=False)

    def of(self, keys: Sequence[StatementKey]) -> Mapping[str, str]:
        """The tags seen with a statement of the group."""
        for key in keys:
            tags = self._tags.get((key.dbid, key.userid, key.queryid))
            if tags:
                return tags
        return {}

    def shared(self, child: Sequence[StatementKey], parent: Sequence[StatementKey]) -> dict[str, str]:
        """Tags that name a place and are the same on both statements."""
        mine, theirs = self.of(child), self.of(parent)
        return {name: mine[name] for name in PLACES if name in mine and mine[name] == theirs.get(name)}

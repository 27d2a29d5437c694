"""Tags in comments (E4): what live statements say of the place in the program they come from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from pgscope.analysis.tags import tags_of
from pgscope.sample import Session, StatementKey

_MOST = 2000


class TagBook:
    """A fold over what sessions run: the place and the trace last seen with each statement."""

    def __init__(self) -> None:
        self._places: OrderedDict[tuple[int, int, int], tuple[str, str]] = OrderedDict()

    def read(self, sessions: Iterable[Session]) -> None:
        """Read the tags of live statements."""
        for row in sessions:
            if row.query_id and "/*" in row.query:
                tags = tags_of(row.query)
                if tags.place or tags.traceparent:
                    name = (row.datid, row.usesysid, row.query_id)
                    self._places[name] = (tags.place, tags.traceparent)
                    self._places.move_to_end(name)
        while len(self._places) > _MOST:
            self._places.popitem(last=False)

    def shared(self, child: Sequence[StatementKey], parent: Sequence[StatementKey]) -> str:
        """The place, or else the trace, that both statements name; '' if there is none."""
        mine, theirs = self._of(child), self._of(parent)
        for one in mine:
            for other in theirs:
                if one[0] and one[0] == other[0]:
                    return one[0]
                if one[1] and one[1] == other[1]:
                    return f"trace {one[1]}"
        return ""

    def _of(self, keys: Sequence[StatementKey]) -> list[tuple[str, str]]:
        names = {(key.dbid, key.userid, key.queryid) for key in keys}
        return [self._places[name] for name in names if name in self._places]

"""What burst probes have shown so far, by statement, and which session to look at next."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from pgscope.analysis.findings.runs import Run, runs
from pgscope.analysis.findings.trip import Shortest
from pgscope.dataclass import dataclass
from pgscope.sample import Burst, StatementKey

KEEP = 300.0
"""Seconds that a probe counts."""
PAUSE = 1.5
"""Seconds between two probes, whatever they are for."""
AGAIN = 6.0
"""Seconds until a statement is probed again, doubled with each probe that showed nothing."""
LONGEST_PAUSE = 120.0
TOO_MANY = 3.0
"""Times as many calls as a probe saw: the client sends several at once, and takes its turn between those."""


@dataclass(frozen=True)
class Loop:
    """Runs of one statement, put together."""

    runs: int
    longest: int
    """Executions in the longest run."""
    in_transaction: bool
    client_loop: bool
    """Whether the client was seen to take its turn between executions."""
    after_parent: int
    """Runs in which the parent was seen before, in the same transaction or tight sequence."""


class RunBook:
    """A fold over bursts."""

    def __init__(self) -> None:
        self._runs: dict[tuple[int, int, int], deque[tuple[float, Run]]] = {}
        self._alone: dict[tuple[int, int, int], deque[tuple[float, int, int]]] = {}
        self._asked: dict[object, tuple[float, float]] = {}
        self._last = float("-inf")
        self.trip = Shortest()
        """Of the looks of probes."""

    def feed(self, burst: Burst) -> None:
        """Take what a probe saw."""
        found = runs(burst)
        everything = sum(run.executions for run in found)
        mine: dict[int, int] = {}
        for run in found:
            name = (burst.datid, burst.usesysid, run.query_id)
            self._runs.setdefault(name, deque(maxlen=60)).append((burst.mono, run))
            mine[run.query_id] = mine.get(run.query_id, 0) + run.executions
        for query_id, count in mine.items():
            name = (burst.datid, burst.usesysid, query_id)
            self._alone.setdefault(name, deque(maxlen=8)).append((burst.mono, count, everything))
        self.trip.note(burst.round_trip_ms, burst.mono)
        self._forget(burst.mono)

    def _forget(self, mono: float) -> None:
        oldest = mono - KEEP
        for name in list(self._runs):
            kept = self._runs[name]
            while kept and kept[0][0] < oldest:
                kept.popleft()
            if not kept:
                del self._runs[name]
                self._alone.pop(name, None)

    def loop(
        self,
        child: Iterable[StatementKey],
        parent: Iterable[StatementKey] = (),
        shortest: int = 3,
        rate: float = 0.0,
    ) -> Loop | None:
        """Runs of at least `shortest`: in transactions, or in autocommit right after the parent.

        `rate` is how many calls a second a session makes by the counters, for `client_loop`.
        """
        before = {key.queryid for key in parent}
        count = longest = after = 0
        transaction = turns = False
        for _, run in self._of(child):
            if run.executions < shortest:
                continue
            follows = bool(before & run.before)
            if not run.in_transaction and not follows:
                continue
            count += 1
            longest = max(longest, run.executions)
            after += follows
            transaction = transaction or run.in_transaction
            turns = turns or (run.in_transaction and _takes_turns(run, rate))
        return Loop(count, longest, transaction, turns, after) if count else None

    def takes_turns(self, child: Iterable[StatementKey], rate: float, shortest: int = 3) -> bool:
        """Whether a client was seen to take its turn between executions, in a transaction or not.

        `rate` as in `loop`.
        """
        return any(run.executions >= shortest and _takes_turns(run, rate) for _, run in self._of(child))

    def transactions(self, child: Iterable[StatementKey]) -> int:
        """Transactions and sequences in which the statement was seen at all."""
        return len(self._of(child))

    def alone(self, keys: Iterable[StatementKey]) -> tuple[int, float]:
        """The most executions that one probe saw of it, and their share of all that the session did."""
        best = (0, 0.0)
        for key in keys:
            for _, count, everything in self._alone.get((key.dbid, key.userid, key.queryid), ()):
                if count > best[0]:
                    best = (count, count / everything)
        return best

    def _of(self, keys: Iterable[StatementKey]) -> list[tuple[float, Run]]:
        names = {(key.dbid, key.userid, key.queryid) for key in keys}
        return [item for name in names for item in self._runs.get(name, ())]

    def may_ask(self, name: object, mono: float, *, seen: bool) -> bool:
        """Whether it is time to probe (again) for this statement; notes that it was done if so.

        `seen` says whether a probe has met it at all: if none has, trying again is no waste yet.
        """
        if mono - self._last < PAUSE:
            return False
        when, pause = self._asked.get(name, (float("-inf"), AGAIN / 2))
        if mono - when < pause:
            return False
        self._asked[name] = (mono, min(pause * (2 if seen else 1.3), LONGEST_PAUSE))
        self._last = mono
        if len(self._asked) > 2000:
            self._asked.pop(next(iter(self._asked)))
        return True

    def prefer(self, wishes: Sequence[object]) -> list[object]:
        """Those probed longest ago first."""
        return sorted(wishes, key=lambda name: self._asked.get(name, (float("-inf"), 0.0))[0])


def _takes_turns(run: Run, rate: float) -> bool:
    return run.client_loop and rate <= TOO_MANY * run.pace

"""What burst probes saw of each session, for whoever asks: statements that ran in a row, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pgscope.analysis.findings.runs import Run, runs
from pgscope.sample import Burst

MOST = 50
"""Sessions whose last probe is kept."""


@dataclass(frozen=True)
class Probe:
    """The last probe of one session."""

    at: float
    """Epoch seconds by pgscope's clock."""
    pid: int
    backend_start: float
    datid: int
    seconds: float
    """From the first look to the last."""
    looks: int
    runs: tuple[Run, ...]
    """Longest first."""


class Probes:
    """A fold over bursts."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, float], Probe] = {}

    def feed(self, burst: Burst) -> None:
        """Take in what a probe saw; of each session the last is kept."""
        name = (burst.pid, burst.backend_start)
        self._last.pop(name, None)
        rows = burst.rows
        self._last[name] = Probe(
            burst.at,
            burst.pid,
            burst.backend_start,
            burst.datid,
            rows[-1].mono - rows[0].mono if rows else 0.0,
            len(rows),
            tuple(sorted(runs(burst), key=lambda run: -run.executions)),
        )
        while len(self._last) > MOST:
            del self._last[next(iter(self._last))]

    @property
    def by_session(self) -> Mapping[tuple[int, float], Probe]:
        """The last probe of each session, by pid and backend_start."""
        return dict(self._last)


def lines(probe: Probe, texts: Mapping[int, str], most: int = 8) -> tuple[str, ...]:
    """What a probe saw, a line each; `texts` are the statements by query_id."""
    found: dict[tuple[int, bool], list[Run]] = {}
    for run in probe.runs:
        found.setdefault((run.query_id, run.in_transaction), []).append(run)
    told = []
    for (query_id, in_transaction), group in found.items():
        times = sum(run.executions for run in group)
        where = _where(group, in_transaction)
        told.append((times, f"{times}x {where}: {texts.get(query_id) or f'queryid {query_id}'}"))
    told.sort(key=lambda one: -one[0])
    more = len(told) - most
    rest = (f"and {more} more statements",) if more > 0 else ()
    return (*(line for _, line in told[:most]), *rest)


def _where(group: list[Run], in_transaction: bool) -> str:
    longest = max(run.executions for run in group)
    if in_transaction:
        count = f"{len(group)} transactions" if len(group) > 1 else "one transaction"
        return f"in {count}" if len(group) == 1 else f"in {count}, up to {longest} in one"
    return f"in autocommit, up to {longest} in a row" if longest > 1 else "in autocommit"

"""How often to look: as often as wished while it fits the budget, slower where looks cost more."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection

from pgscope.dataclass import dataclass

MEMORY = 21
"""Looks (and polls) of which the cost is remembered."""
_FIRST = 5
"""Looks before any is given up: the first ones of a connection are dear."""
_RUN = 4
"""Looks (and polls) of which the mean is taken: one in four may be dear, where it reads many odometers, or
one in two, where it reads the counters of statements."""
_EASE = 0.9
"""Largest step back towards the wished period at one look, so that it does not swing."""


@dataclass(frozen=True)
class Budget:
    """What pgscope may cost the server, as a part of one core, and the bounds of a task's rate.

    Periods in seconds. Out of budget the period may grow past `slowest_wanted`, up to `slowest`; where even
    that costs too much, looks stop, but for one each `stopped` seconds to find out whether they may go on.
    """

    fraction: float = 0.01
    fastest: float = 0.1
    slowest_wanted: float = 0.5
    slowest: float = 10.0
    stopped: float = 60.0
    reserve: float = 0.0
    """Part of it that is left for what is read once: texts, schemas, probes."""

    @property
    def spendable(self) -> float:
        """What polls and looks may cost together."""
        return self.fraction * (1.0 - self.reserve)


_LEAST_FOR_POLLS = 0.5
"""Part of the budget that is always there for the poll."""
_NEARLY = 1.1
"""What polls and looks may take of what they have to spend before polls come later than is wished."""
_FURTHER = 1.02
"""Steps in which longer periods are tried."""


def next_look(looked: float, period: float, poll: float, between_polls: float) -> float:
    """When to look again after a look at `looked`, with a poll at `poll` that is due, or under way (mono).

    A poll shows who runs what as a look does, and stands for one: looks are spaced evenly between polls, as
    many as leave `period` from one to the next. Where polls come about as often, looks keep their own pace.
    """
    turns = math.floor(between_polls / period + 0.01)
    if turns < 2:
        return looked + period
    step = between_polls / turns
    due = looked + step
    return poll + step if looked - step / 2 < poll <= due + step / 2 else due


class Pace:
    """A fold over measured costs: gives the time from look to look, polls counted, and from poll to poll.

    They share a budget: what the poll takes is not there for looks. First the looks grow rarer, then the
    polls.
    """

    def __init__(self, budget: Budget | None = None) -> None:
        self._budget = budget or Budget()
        self._looks: deque[float] = deque(maxlen=MEMORY)
        self._polls: deque[float] = deque(maxlen=_RUN)
        self._poll_costs: deque[float] = deque(maxlen=_RUN)
        self._interval = 0.0
        self._period = self._budget.fastest
        self._found: tuple[float, float] | None = None
        """The period of polls that was worked out last, and for which wish."""

    @property
    def period(self) -> float:
        """Seconds from one look to the next, where a poll is one too (`next_look`)."""
        return self._period

    @property
    def hz(self) -> float:
        """Looks each second, polls counted where they stand for one."""
        return 1.0 / self._period

    @property
    def throttled(self) -> str:
        """Why looks or polls are rarer than wished, in one line; '' if they are not."""
        said = []
        look = _usual_mean(self._looks)
        if self.stopped:
            said.append(f"the sampler stopped: a look costs {look:.1f} ms of the server's time")
        elif self._period > self._budget.fastest * 1.05:
            said.append(f"sampling at {self.hz:.1f} Hz: a look costs {look:.1f} ms of the server's time")
        slowed = self.poll_period(self._interval)
        if slowed > self._interval * 1.05:
            cost = _mean(self._poll_costs) * 1000.0
            said.append(f"polling every {slowed:.1f} s: a poll costs {cost:.1f} ms of the server's time")
        if not said:
            return ""
        return f"{'; '.join(said)}; the budget is {self._budget.fraction * 100.0:g}% of a core"

    @property
    def stopped(self) -> bool:
        """Whether looks cost more than the budget at any rate."""
        return self._period > self._budget.slowest

    @property
    def over_budget(self) -> bool:
        """Whether even the slowest rate that is still useful costs more than the budget."""
        return self._period > self._budget.slowest_wanted * 1.05

    def polled(self, server_ms: float, seconds: float) -> None:
        """What the slow poll is taken to have cost (`Charges`), and over how long a time (s)."""
        if seconds > 0:
            self._interval = seconds
            self._poll_costs.append(max(server_ms, 0.0) / 1000.0)
            self._found = None
            self._polls.append(self._poll_costs[-1] / self.poll_period(seconds))

    def poll_period(self, wished: float) -> float:
        """Seconds from one poll to the next, where `wished` is asked for: longer if the budget is short."""
        if self._found is None or self._found[0] != wished:
            self._found = (wished, self._poll_period(wished))
        return self._found[1]

    def _poll_period(self, wished: float) -> float:
        budget = self._budget
        if len(self._poll_costs) < _RUN:
            return wished
        if budget.spendable <= 0:
            return max(wished, budget.slowest)
        poll, look = _mean(self._poll_costs), _usual_mean(self._looks) / 1000.0
        needed = wished
        # The fewest looks go with the polls: the rarer these are, the more looks there must be between two.
        while needed < budget.slowest:
            both = poll + look * self._fewest(needed) * needed
            if both <= budget.spendable * needed * (_NEARLY if needed == wished else 1.0):
                break
            needed = max(needed * _FURTHER, poll / budget.spendable)
        half = poll / (budget.spendable * _LEAST_FOR_POLLS)
        return max(wished, min(needed, half, budget.slowest))

    def _fewest(self, between_polls: float) -> float:
        """Looks each second beside the polls that leave `slowest_wanted` from one to the next."""
        wanted = self._budget.slowest_wanted
        if between_polls <= wanted:
            return 1.0 / wanted
        return (math.ceil(between_polls / wanted - 0.01) - 1) / between_polls

    def looked(self, server_ms: float) -> float:
        """What a look cost in ms of server time; returns the new period in seconds."""
        self._looks.append(max(server_ms, 0.0))
        self._found = None
        wished = self._wished()
        # Back from a stop at once: the next steps would each take a minute.
        before = self._period if self._period <= self._budget.slowest else self._budget.slowest
        self._period = max(wished, before * _EASE)
        return self._period

    def _wished(self) -> float:
        budget = self._budget
        seconds = _usual_mean(self._looks) / 1000.0
        left = budget.spendable - _mean(self._polls)
        polls = self.poll_period(self._interval) if self._interval > 0 else math.inf
        fewest = self._fewest(polls) if polls < math.inf else 1.0 / budget.slowest_wanted
        if seconds * fewest <= left or len(self._looks) < _FIRST:
            affordable = left / seconds if seconds > 0 else math.inf
            return self._spaced(min(max(affordable, fewest), 1.0 / budget.fastest), polls)
        # Below the useful rate only where looks by themselves, apart from the poll, break the budget.
        if seconds * fewest <= budget.fraction:
            return self._spaced(fewest, polls)
        alone = seconds / budget.fraction if budget.fraction > 0 else math.inf
        return max(alone, budget.slowest_wanted) if alone <= budget.slowest else budget.stopped

    def _spaced(self, rate: float, polls: float) -> float:
        """Seconds from look to look where so many a second may be had beside polls with such a period."""
        budget = self._budget
        if not budget.slowest_wanted < polls < math.inf:
            return max(1.0 / rate, budget.fastest)
        most = math.floor(polls / budget.fastest + 0.01)
        return polls / max(min(math.floor(rate * polls + 0.01) + 1, most), 1)


_TEXT_DUTY = 0.02
"""Part of the time that may go into reading statement texts, which reads the server's whole text file."""
_TEXTS_SOONEST = 0.2
_TEXTS_SECOND = 2.0
"""Seconds after which texts may be read a second time: the first time is dearer than any other."""


class TextPace:
    """How long to wait from one reading of statement texts to the next."""

    def __init__(self) -> None:
        self._first = True

    def read(self, seconds: float) -> float:
        """Take in what a reading is taken to have cost (`Charges`); returns the time from it to the next."""
        first, self._first = self._first, False
        pause = max(seconds / _TEXT_DUTY, _TEXTS_SOONEST)
        return min(pause, _TEXTS_SECOND) if first else pause


def usual(costs: Collection[float]) -> float:
    """The lowest tenth: times are measured by the clock, and on a busy machine most are spent waiting.

    43 programs on two cores: a poll that takes 1.6 ms undisturbed took 2.1 ms or more in nine of ten times,
    3 to 10 ms at the lower quartile, 6 ms and more in every second.
    """
    return sorted(costs)[len(costs) // 10] if costs else 0.0


def _mean(costs: deque[float]) -> float:
    return sum(costs) / len(costs) if costs else 0.0


def _usual_mean(costs: deque[float]) -> float:
    """The lowest tenth of the means of runs: a dear look now and then counts as far as it comes."""
    run = min(len(costs), _RUN)
    listed = list(costs)
    return usual([sum(listed[at : at + run]) / run for at in range(len(listed) - run + 1)] if run else [])

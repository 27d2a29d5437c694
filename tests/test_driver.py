"""The join of source and fold: every sample is fed, in the order in which it came."""

from __future__ import annotations

from collections.abc import Sequence

from pgscope.analysis.watch import Watch
from pgscope.capture.source import Emit, Silent
from pgscope.driver import Driver
from pgscope.sample import Disconnected, Look, Poll, Sample


class Listening(Watch):
    """Keeps what it was fed."""

    def __init__(self) -> None:
        super().__init__()
        self.fed: list[Sample] = []

    def feed(self, sample: Sample) -> None:
        self.fed.append(sample)
        super().feed(sample)


class Told(Silent):
    """A source that gives what it was given, and notes what the watch had been fed by then."""

    def __init__(self, samples: Sequence[Sample], watch: Listening) -> None:
        self._samples = samples
        self._watch = watch
        self.fed: list[int] = []

    async def run(self, emit: Emit) -> None:
        for sample in self._samples:
            emit(sample)
            self.fed.append(len(self._watch.fed))


def look(second: float) -> Look:
    return Look(1e9 + second, second, ())


async def test_looks_are_fed_with_what_comes_next_and_in_their_order() -> None:
    samples: list[Sample] = [
        look(0.1),
        look(0.6),
        Poll(1e9 + 1, 1.0, ()),
        Poll(1e9 + 2, 2.0, ()),
        look(2.1),
        Disconnected(1e9 + 3, 3.0, "gone"),
    ]
    watch = Listening()
    source = Told(samples, watch)
    await Driver(source, watch).run()
    assert watch.fed == samples
    assert source.fed == [0, 0, 3, 4, 4, 6]


async def test_looks_do_not_wait_for_ever_for_a_poll() -> None:
    watch = Listening()
    source = Told([look(n / 10) for n in range(250)], watch)
    await Driver(source, watch).run()
    assert source.fed[-1] >= 200
    assert max(many - fed for many, fed in enumerate(source.fed)) <= 100

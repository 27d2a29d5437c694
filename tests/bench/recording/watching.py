"""Takes the samples of a server and does nothing with them: what recording costs before anything is written.

Prints the polls and looks a second when it is ended (SIGTERM), those of its first seconds left out.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import time

from pgscope.capture.live import LiveSource
from pgscope.sample import Look, Poll, Sample
from pgscope.server.conninfo import target

_WARM_UP = 20.0


def main() -> None:
    """Watch until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("conninfo")
    parser.add_argument("--budget", type=float)
    parser.add_argument("--sample-hz", type=float)
    options = parser.parse_args()
    source = LiveSource(target(options.conninfo), sample_hz=options.sample_hz, budget=options.budget / 100.0)
    begun = time.monotonic() + _WARM_UP
    seen: list[type[Sample]] = []

    def take(sample: Sample) -> None:
        if sample.mono >= begun:
            seen.append(type(sample))

    async def watch() -> None:
        task = asyncio.create_task(source.run(take))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(watch())
    took = time.monotonic() - begun
    print(seen.count(Poll) / took, seen.count(Look) / took)


if __name__ == "__main__":
    main()

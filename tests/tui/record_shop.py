"""Makes `shop.pgscope`: what pgscope saw of its demo for a while. Run it to make the file anew:

uv run python -m tests.tui.record_shop
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from pgscope.analysis.watch import Watch
from pgscope.capture.live import LiveSource
from pgscope.demo import start_demo
from pgscope.driver import Driver
from pgscope.sample import Connected, Look, Poll, Sample
from pgscope.server.conninfo import target
from tests.tui import samples

FILE = Path(__file__).with_name("shop.pgscope")
_WARM_UP = 24.0
_MOST = 150.0
_PROGRAMS = 13
_POLLS_AFTER = 2


async def _record(conninfo: str) -> list[Sample]:
    """From the start until a while after someone waited for a lock."""
    taken: list[Sample] = []
    watch = Watch()

    class _Kept(LiveSource):
        async def run(self, emit):  # type: ignore[no-untyped-def]
            def both(one: Sample) -> None:
                taken.append(one)
                emit(one)

            await super().run(both)

    source = _Kept(target(conninfo), interval=2.0)
    running = asyncio.create_task(Driver(source, watch).run())
    deadline = asyncio.get_running_loop().time() + _MOST
    while asyncio.get_running_loop().time() < deadline and not running.done():
        await asyncio.sleep(0.5)
        polls = [one for one in taken if isinstance(one, Poll)]
        names = {one.application_name for one in (polls[-1].sessions if polls else ()) if one.is_client}
        if len(polls) < _WARM_UP / source.interval or len(names) <= _PROGRAMS:
            continue
        if any(one.blocking for one in polls[-_POLLS_AFTER:]) and len(watch.locks.forest.nodes) > 3:
            break
    running.cancel()
    for failure in await asyncio.gather(running, return_exceptions=True):
        if isinstance(failure, Exception):
            raise failure
    last = max(n for n, one in enumerate(taken) if isinstance(one, Poll))
    return taken[: last + 1]


def _elsewhere(one: Sample) -> Sample | None:
    """The sample without what is of this machine; the looks are left out, they would be most of it."""
    if isinstance(one, Look):
        return None
    if isinstance(one, Connected):
        return replace(one, facts=replace(one.facts, host="/run/postgresql", settings={}))
    return one


def main() -> None:
    """Start the demo, record it, write the file."""
    with start_demo(print) as demo:
        taken = asyncio.run(_record(demo.conninfo))
    kept = [found for one in taken if (found := _elsewhere(one)) is not None]
    FILE.unlink(missing_ok=True)
    samples.recorded(FILE, kept)
    print(f"{len(kept)} samples, {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

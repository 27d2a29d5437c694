"""Record what a server does to a file, for days if need be, without a screen."""

from __future__ import annotations

import argparse
import re
import signal
import sys

from pgscope.cli.lean import import_lean
from pgscope.cli.options import (
    add_connection,
    add_redact,
    add_watching,
    live_source,
    positive_seconds,
    target_of,
)
from pgscope.cli.streams import write_stderr

DESCRIPTION = (
    "Record a server to FILE until interrupted; `pgscope replay FILE` shows it, `pgscope report --from FILE` "
    "reports it. Starts before the server is up, and connects again for ever. FILE is the newest; when it "
    "reaches a bound it becomes FILE.1, what was FILE.1 becomes FILE.2, and so on."
)
_SIZES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_MOST = 1e15
"""Of any unit."""
_SPANS = {"s": 1, "": 1, "m": 60, "h": 3600, "d": 86400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pgscope record`."""
    add_connection(parser, conninfo=False)
    parser.add_argument("words", nargs="+", metavar="[CONNINFO] FILE", help="what to record, and where to")
    add_watching(parser)
    group = parser.add_argument_group("recording")
    add_redact(group)
    group.add_argument(
        "--max-size",
        type=size,
        default=256 * 2**20,
        metavar="SIZE",
        help="begin a new file at 64M, 1G (256M)",
    )
    group.add_argument(
        "--max-age", type=span, default=86400.0, metavar="TIME", help="begin a new file after 12h, 1d (1d)"
    )
    group.add_argument("--keep", type=int, default=7, metavar="N", help="older files to keep (7); 0: all")
    group.add_argument(
        "--keep-age", type=span, default=0.0, metavar="TIME", help="delete older files after 7d, 30d"
    )
    group.add_argument(
        "--duration", type=positive_seconds, metavar="SECONDS", help="end after so many seconds"
    )
    group.add_argument(
        "--no-findings", action="store_true", help="find nothing while recording: cheaper, but no marks"
    )


def size(text: str) -> int:
    """A number of bytes: 500, 64k, 256M, 1G."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", text.strip().lower())
    if match is None or not 0 < float(match[1]) < _MOST:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a size such as 64M or 1G")
    return int(float(match[1]) * _SIZES[match[2]])


def span(text: str) -> float:
    """A number of seconds: 90, 90s, 30m, 12h, 7d."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip().lower())
    if match is None or not 0 < float(match[1]) < _MOST:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a time such as 12h or 7d")
    return float(match[1]) * _SPANS[match[2]]


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope record`; raises UsageError, InUse."""
    # Until the loop takes them, and before what takes a second to import.
    for number in _ending(signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_early)
    import_lean()
    import asyncio
    from pathlib import Path

    from pgscope.capture.recording.file import Bounds, RecordingFile
    from pgscope.config import load
    from pgscope.errors import ConnectionFailed, UsageError
    from pgscope.recorder import ANALYSIS_BUDGET, BUDGET, Recorder

    config = load()
    if len(arguments.words) > 2:
        raise UsageError("record takes a CONNINFO and a FILE; put a CONNINFO with spaces in quotes")
    if arguments.keep < 0:
        raise UsageError("--keep wants 0 or more")
    conninfo = arguments.words[0] if len(arguments.words) == 2 else ""
    path = Path(arguments.words[-1])
    if conninfo == "" and _looks_like_conninfo(arguments.words[-1]):
        raise UsageError("record wants a FILE after the CONNINFO")
    server = target_of(arguments, config, conninfo)
    source = live_source(server, arguments, config, own_budget=BUDGET)
    bounds = Bounds(arguments.max_size, arguments.max_age, arguments.keep, arguments.keep_age)
    file = RecordingFile(
        path,
        redact=config.redact if arguments.redact is None else arguments.redact,
        bounds=bounds,
        trouble=_say,
    )
    recorder = Recorder(
        source,
        file,
        _say,
        settings=config.findings,
        analysis_budget=0.0 if arguments.no_findings else ANALYSIS_BUDGET,
    )
    _say(f"recording {server} to {path}")
    try:
        asyncio.run(_record(recorder, source, arguments))
    except BaseException:
        file.close()
        raise
    if not recorder.connected:
        raise ConnectionFailed(f"{server} was never reached: {path} has no samples")
    _say(f"ended; {path} has {file.size:,} bytes")
    return 0


def _ending(*numbers: signal.Signals) -> list[signal.Signals]:
    """Those that are to end it: a hang-up does not where whoever started it has it ignored (`nohup`)."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [number for number in numbers if number != signal.SIGHUP or not ignored]


def _end_early(_number: int, _frame: object) -> None:
    """Asked to end while there is nothing to end: all is well."""
    raise SystemExit(0)


def _looks_like_conninfo(word: str) -> bool:
    return word.startswith(("postgresql://", "postgres://")) or bool(re.match(r"\w+\s*=", word))


async def _record(recorder: object, source: object, arguments: argparse.Namespace) -> None:
    import asyncio
    import gc

    from pgscope.capture.live import LiveSource
    from pgscope.cli.password import open_asking
    from pgscope.ending import end
    from pgscope.errors import ConnectionFailed
    from pgscope.recorder import Recorder

    assert isinstance(recorder, Recorder) and isinstance(source, LiveSource)
    if sys.stdin.isatty() and not arguments.no_password:
        try:
            await open_asking(source, ask=True)
        except ConnectionFailed as error:
            _say(f"{error}; trying on")
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _ending(signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked.set)
    # Rows are kept by the thousand and make no cycles: what is there need not be walked through each second.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    running = asyncio.create_task(recorder.run())
    waiting = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait(
            {running, waiting}, timeout=arguments.duration, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        await end(running, waiting)
        await source.close()
    if not running.cancelled() and (failure := running.exception()) is not None:
        raise failure


def _say(line: str) -> None:
    from pgscope.text import clean

    write_stderr(f"pgscope: {clean(line, lines=False)}")

"""The command line of pgscope."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line (`sys.argv` by default); return the exit status."""
    from pgscope.cli.streams import flush_last, reopen_closed

    reopen_closed()
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    finally:
        flush_last()


def _run(words: Sequence[str]) -> int:
    from pgscope.cli.parser import build_parser
    from pgscope.cli.streams import write_stderr
    from pgscope.errors import PgscopeError

    parser = build_parser(*words[:1])
    arguments = parser.parse_args(words)
    try:
        status: int = arguments.run(arguments)
    except PgscopeError as error:
        from pgscope.text import clean  # names of files come from others as well

        write_stderr(f"pgscope: {clean(str(error))}")
        return error.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:  # a bug of ours: the terminal is as it was by now
        from pgscope.cli.crash import tell

        return tell(error)
    return status


def _reader_gone() -> int:
    """End quietly when what we print to is gone (`pgscope report | head`)."""
    import os

    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    return 141

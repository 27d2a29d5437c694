"""The command line of pgscope."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line (`sys.argv` by default); return the exit status."""
    try:
        from pgscope.cli.streams import flush_last, reopen_closed

        reopen_closed()
        try:
            return _run(sys.argv[1:] if argv is None else argv)
        finally:
            flush_last()
    except KeyboardInterrupt:  # while modules are imported, too
        return 130


def _run(words: Sequence[str]) -> int:
    from pgscope.cli.streams import write_stderr
    from pgscope.errors import PgscopeError

    try:
        from pgscope.cli.parser import build_parser

        arguments = build_parser(*words[:1]).parse_args(words)
        status: int = arguments.run(arguments)
    except PgscopeError as error:
        from pgscope.text import clean  # names of files come from others as well

        write_stderr(f"pgscope: {clean(str(error))}")
        return error.status
    except BrokenPipeError:
        return 141  # end quietly: what we print to is gone (`pgscope report | head`)
    except Exception as error:  # a bug of ours: the terminal is as it was by now
        from pgscope.cli.crash import tell

        return tell(error)
    return status

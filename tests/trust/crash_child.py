"""pgscope with a bug in it, as `test_crash` runs it: the view of sessions fails over a session's statement.

usage: crash_child.py ARGUMENTS...   those of pgscope
"""

from __future__ import annotations

import sys

from pgscope.analysis.snapshot import Snapshot
from pgscope.cli import main
from pgscope.tui.views.sessions import SessionsView


def failing(self: SessionsView, snapshot: Snapshot) -> None:
    texts = [session.query for session in snapshot.sessions]
    raise ValueError(f"cannot show {texts} with {sys.argv}")


if __name__ == "__main__":
    SessionsView.show = failing  # type: ignore[method-assign]
    raise SystemExit(main(sys.argv[1:]))

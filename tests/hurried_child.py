"""pgscope in a hurry: it tries again at once where it would wait for seconds, and writes at once too.

usage: hurried_child.py ARGUMENTS...   those of pgscope
"""

from __future__ import annotations

import sys
from pathlib import Path

import pgscope.capture.lost
import pgscope.recorder
from pgscope.cli import main

HURRIED = (sys.executable, str(Path(__file__)))
"""The command that runs it."""

if __name__ == "__main__":
    pgscope.capture.lost.BACKOFF_MOST = 0.2
    pgscope.recorder._FLUSH_EVERY = 0.2
    raise SystemExit(main(sys.argv[1:]))

"""The header keeps what it says, not what others show."""

from __future__ import annotations

import gc
import weakref

from pgscope.analysis.snapshot import Link, Snapshot
from pgscope.analysis.statements import Statements
from pgscope.tui.header import HeaderLines
from pgscope.tui.stage import Status


def test_it_keeps_no_rows_of_statements() -> None:
    """The header of a hidden view is not told of newer ones, and stays with its snapshot for long."""
    statements = Statements(dict)
    there = weakref.ref(statements)
    header = HeaderLines()
    header.show(Snapshot(0.0, 0.0, 0.0, Link(True, 0.0), statements=statements), Status())
    assert there() is not None
    del statements
    gc.collect()
    assert there() is None

"""Lock waits: who waits for whom now, what waited before, and what a statement's lock shuts out."""

from pgscope.analysis.locks.build import build_forest
from pgscope.analysis.locks.deadlocks import Deadlock
from pgscope.analysis.locks.edges import Wait
from pgscope.analysis.locks.forest import Cycle, LockForest, LockNode
from pgscope.analysis.locks.history import Party, WaitRecord
from pgscope.analysis.locks.notes import DdlNote, ddl_notes
from pgscope.analysis.locks.waits import LockWaits

__all__ = [
    "Cycle",
    "DdlNote",
    "Deadlock",
    "LockForest",
    "LockNode",
    "LockWaits",
    "Party",
    "Wait",
    "WaitRecord",
    "build_forest",
    "ddl_notes",
]

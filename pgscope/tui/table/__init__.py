"""A table for live data on Textual's line API: it paints what changed, and nothing else.

It knows nothing of PostgreSQL. Give it :class:`Column` objects once and one sequence of :class:`Row`
for each snapshot.
"""

from pgscope.tui.table.glyphs import ASCII, UNICODE, Glyphs
from pgscope.tui.table.model import Cell, Column, Row, Tone
from pgscope.tui.table.widget import LiveTable

__all__ = ["ASCII", "UNICODE", "Cell", "Column", "Glyphs", "LiveTable", "Row", "Tone"]

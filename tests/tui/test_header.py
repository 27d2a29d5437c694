"""The header keeps what it says, not what others show."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

from pgscope.analysis.snapshot import Link, Snapshot
from pgscope.analysis.statements import Statements
from pgscope.playback import Playing
from pgscope.tui.header import HeaderLines, server_line
from pgscope.tui.stage import Status
from tests.tui.frozen import FACTS


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


def told(snapshot: Snapshot, status: Status) -> str:
    return "".join(text for text, _ in server_line(snapshot, status, 120))


def test_of_a_recording_it_says_what_is_not_there_yet_and_what_was_lost_then() -> None:
    nothing = Snapshot(0.0, 0.0, 0.0, Link(False, 0.0))
    lost = replace(nothing, at=1.0, link=Link(False, 1.0, "server closed the connection"))
    playing = Playing("a.pgscope", 0.0, 9.0, 1.0, True, 1.0, (), empty=True)
    assert "reading the recording" in told(nothing, Status(past=playing))
    assert "server closed the connection" in told(lost, Status(past=replace(playing, empty=False)))
    assert "connected" in told(nothing, Status())


def test_why_there_is_no_connection_stands_where_a_small_screen_still_has_it() -> None:
    for reason, cause in (
        ("cannot connect to host=a: connection to [a] failed: Connection refused", "Connection refused"),
        ("cannot connect to host=a port=1: no password supplied", "no password supplied"),
        ("the server closed it", "the server closed it"),
        ("failed: ", "failed: "),
    ):
        assert f": {cause}" in told(Snapshot(0.0, 0.0, 0.0, Link(False, 1.0, reason)), Status())


def test_a_title_stays_on_its_line() -> None:
    title = Status(title="a\tb\nc\x1b[2J")
    assert "a␉b␊c␛[2J" in told(Snapshot(0.0, 0.0, 0.0, Link(True, 0.0), facts=FACTS), title)

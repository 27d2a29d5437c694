"""Why a statement is not explained, and where in it."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from pgscope.capture.explaining import ExplainFailed, Lift, Obstacle, Refused
from pgscope.errors import PgscopeError
from pgscope.report.place import pointed
from pgscope.text import clean
from pgscope.tui.glyphs import Signs
from pgscope.tui.tones import styled

_LIFTS = {
    Lift.FUNCTIONS: "your word that its functions are harmless",
    Lift.SUPERUSER: "pgscope started with --allow-superuser-analyze",
    Lift.ELSEWHERE: "pgscope started with --explain-conninfo (another server to run it on)",
}


def obstacle_lines(obstacles: Iterable[Obstacle], text: str, width: int, signs: Signs) -> list[Content]:
    """Each reason, its place under it, and what would lift it."""
    lines: list[Content] = []
    for obstacle in obstacles:
        at = f" (character {obstacle.position + 1})" if obstacle.position is not None else ""
        reason = clean(obstacle.reason, lines=False)
        lines.append(styled(signs.text(f"{signs.notice} {reason}{at}"), "bad"))
        lines += [styled(signs.text("  " + line)) for line in pointed(text, obstacle.position, width - 4)]
        if obstacle.lifts:
            ways = " and ".join(_LIFTS[lift] for lift in sorted(obstacle.lifts, key=lambda one: one.value))
            lines.append(styled(f"  lifted by {ways}", "muted"))
    return lines


def failure_lines(error: PgscopeError, width: int, signs: Signs) -> list[Content]:
    """An error of explaining, for people: what it was, where, and that nothing was done."""
    if isinstance(error, Refused):
        head = styled("Refused: it was not sent to the server.", "heading")
        return [head, *obstacle_lines(error.obstacles, error.text, width, signs)]
    lines = [styled(signs.text(f"{signs.notice} {clean(str(error), lines=False)}"), "bad")]
    if isinstance(error, ExplainFailed):
        lines += [styled(signs.text("  " + line)) for line in pointed(error.text, error.position, width - 4)]
    return lines

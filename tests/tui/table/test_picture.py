"""Pictures of the table: narrow, wide, in 16 colours, without colour, empty."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult

from pgscope.tui.table import UNICODE, Cell, Column, LiveTable, Row

COLUMNS = (
    Column("pid", "pid", width=7, justify="right", fixed=True),
    Column("app", "application", min_width=14, max_width=24, priority=9),
    Column("state", "state", width=9, priority=8),
    Column("calls", "calls/s", width=9, justify="right", priority=7),
    Column("hits", "hits", width=12, justify="right", priority=2),
    Column("reads", "reads", width=12, justify="right", priority=1),
    Column("query", "query", min_width=20, weight=5, priority=4),
)


def rows() -> list[Row]:
    names = ["storefront", "admin [/b]", "日本語アプリ", "", "\x1b[31mworker", "café-e\u0301\u0301\u0301"]
    found = []
    for n in range(40):
        waiting = n % 7 == 3
        cells = (
            str(1000 + n * 37),
            names[n % len(names)],
            Cell("waiting", "warn") if waiting else Cell("idle", "muted") if n % 2 else "active",
            f"{(n * 7919) % 1000 / 10:.1f}",
            f"{n * 131:,}",
            f"{n * 17:,}",
            f"select * from orders where customer_id = $1 and n = {n} order by created_at",
        )
        values = (n, cells[1], n % 7, (n * 7919) % 1000, n, n, cells[6])
        prefix = "└─ " if n % 10 == 5 else ""
        found.append(Row(n, cells, values, tone="bad" if n == 9 else "normal", prefix=prefix))
    return found


class PictureApp(App[None]):
    def __init__(self, theme: str, content: list[Row]) -> None:
        super().__init__()
        self.theme = theme
        self.content = content

    def compose(self) -> ComposeResult:
        yield LiveTable(COLUMNS, sort="calls", placeholder="No session matches the filter.", glyphs=UNICODE)

    def on_mount(self) -> None:
        table = self.query_one(LiveTable)
        table.focus()
        table.set_rows(self.content)
        table.toggle_mark(table.rows[4].key if self.content else None)
        if self.content:
            table.action_cursor(2)


PICTURES = {
    "narrow": ("textual-dark", (80, 24), True),
    "wide": ("textual-light", (160, 30), True),
    "tiny": ("textual-dark", (40, 10), True),
    "ansi": ("ansi-dark", (80, 24), True),
    "empty": ("textual-dark", (80, 10), False),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str, snap_compare: Callable[..., bool]) -> None:
    theme, size, filled = PICTURES[name]
    assert snap_compare(PictureApp(theme, rows() if filled else []), terminal_size=size)


def test_picture_without_colour(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(PictureApp("ansi-dark", rows()), terminal_size=(80, 24))

"""The page, made of the report's document (see `pgscope.report.document`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pgscope.report.html import chart
from pgscope.report.html.element import element, text
from pgscope.report.html.style import COLOURS, STYLE
from pgscope.report.tables import Table, heading, shortened, tables
from pgscope.report.times import epoch
from pgscope.text import clean

_MOST_WAITS = 40
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Nothing may be loaded or run, whatever a statement's text holds."""


def page(content: dict[str, Any]) -> str:
    """The document as one HTML page."""
    made = {table.title: table for table in tables(content)}
    order = _order(content)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>pgscope: {text(_title(content))}</title><style>{STYLE}{COLOURS}</style></head><body>",
        f"<h1>pgscope report</h1><p>{text(heading(content))}</p>",
        *(f'<p class="notice">{text(notice)}</p>' for notice in content["notices"]),
        *_load(content, order),
        *_waits(content, order, made.get("Lock waits")),
        *_findings(content["findings"]),
        *_section(made.get("Applications")),
        *_section(made.get("Statements")),
        f'<p class="dim">Times are of {text(_zone(content))}. pgscope {text(content["pgscope"])}</p>',
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _name(name: str | None) -> str:
    return "unattributed" if name is None else clean(name, lines=False) or "(no name)"


def _title(content: dict[str, Any]) -> str:
    server = content["server"]
    return f"{server['database']}@{server['host']}" if server else "no server"


def _zone(content: dict[str, Any]) -> str:
    spans = content["load"]
    at = epoch(spans[0]["start"]) if spans else 0.0
    return datetime.fromtimestamp(at).astimezone().strftime("UTC%z")


def _order(content: dict[str, Any]) -> list[str]:
    """Applications by their load, the most first."""
    sums: dict[str, float] = {}
    for span in content["load"]:
        for name, value in span["active"].items():
            sums[name] = sums.get(name, 0.0) + value
    return sorted(sums, key=lambda name: (-sums[name], name))


def _colour(name: str | None, order: Sequence[str]) -> str:
    place = order.index(name) if name in order else chart.COLOURS
    return f"c{place}" if place < chart.COLOURS else "cx"


def _load(content: dict[str, Any], order: Sequence[str]) -> Iterator[str]:
    spans = [(epoch(span["start"]), span["seconds"], span["active"]) for span in content["load"]]
    yield "<h2>Load by application</h2>"
    if not order:
        yield "<p>No session was active at any look.</p>"
        return
    names = {name: _name(name) for name in order}
    yield f"<figure>{chart.load(spans, order, names)}"
    yield "<figcaption>Active sessions, on average over each span of time.</figcaption></figure>"
    items = [(names[name], _colour(name, order)) for name in order[: chart.COLOURS]]
    if len(order) > chart.COLOURS:
        items.append((f"{len(order) - chart.COLOURS} others", "cx"))
    listed = "".join(f'<li><i class="{colour}"></i>{text(name)}</li>' for name, colour in items)
    yield f'<ul class="legend">{listed}</ul>'


def _waits(content: dict[str, Any], order: Sequence[str], table: Table | None) -> Iterator[str]:
    waits = content["lock_waits"]
    if not waits:
        return
    yield "<h2>Waits for locks</h2>"
    longest = sorted(waits, key=lambda one: -one["waited_seconds"])[:_MOST_WAITS]
    bars = []
    for one in sorted(longest, key=lambda one: one["first_seen"]):
        end = epoch(one["last_seen"])
        name = _name(one["application_name"])
        behind = ", ".join(map(str, one["root_pids"]))
        said = (
            f"{name} pid {one['pid']} waited {one['waited_seconds']:.1f} s for {one['mode']}"
            f" on {one['object']}, behind pid {behind or 'unknown'}\n{shortened(one['query'], 200)}"
        )
        words = f"{name} {one['pid']}: {one['relation'] or one['locktype']}, behind {behind or '?'}"
        colour = _colour(one["application_name"], order)
        bars.append((end - one["waited_seconds"], end, colour, shortened(words, 60), clean(said)))
    window = content["window"]
    yield f"<figure>{chart.waits(bars, epoch(window['start']), epoch(window['end']))}"
    more = len(waits) - len(longest)
    shown = (
        f"The longest {len(longest)} of {len(waits)} waits." if more else "Every wait, in order of its start."
    )
    yield f"<figcaption>{shown}</figcaption></figure>"
    if table is not None:
        yield _table(table)


def _findings(findings: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "<h2>Findings</h2>"
    if not findings:
        yield "<p>Nothing was found.</p>"
    for one in findings:
        yield f'<section class="finding {text(one["grade"])}">'
        title = " ".join(filter(None, (one["grade"], one["kind"].replace("_", " "))))
        names = ", ".join(_name(name) for name in one["applications"])
        yield f"<h3>{text(title)}{text(': ' + names) if names else ''}</h3><p>{text(one['summary'])}</p>"
        if one["parent"]:
            yield _dim("for each row of") + _sql(one["parent"]["query"]) + _dim("it runs")
        if one["statement"]:
            yield _sql(one["statement"]["query"])
        yield _list([proof["text"] for proof in one["evidence"]])
        if plot := chart.scatter(one["points"], "rows of the parent", "calls of the child"):
            yield f"<figure>{plot}<figcaption>Each point is a window of about a second.</figcaption></figure>"
        yield f"<p><b>Remedy:</b> {text(one['remedy']['summary'])}</p>"
        if one["remedy"]["lines"]:
            yield _list([f"{line['for']}: {line['do']}" for line in one["remedy"]["lines"]])
        if one["remedy"]["sql"]:
            yield _sql(one["remedy"]["sql"])
        ended = ", ended" if one["ended"] else ""
        yield _dim(f"from {one['first_seen']} to {one['last_seen']}{ended}") + "</section>"


def _sql(query: str) -> str:
    return element("pre", text(query))


def _dim(words: str) -> str:
    return element("p", text(words), class_="dim")


def _list(lines: Sequence[str]) -> str:
    return element("ul", *(element("li", text(line)) for line in lines))


def _section(table: Table | None) -> Iterator[str]:
    if table is not None:
        yield f"<h2>{text(table.title)}</h2>"
        yield _table(table)


def _table(table: Table) -> str:
    def cell(tag: str, column: str, value: str) -> str:
        number = {"class_": "n"} if column in table.right else {}
        return element(tag, text(value), **number)

    head = "".join(cell("th", column, column) for column in table.columns)
    rows = (
        element("tr", *(cell("td", column, value) for column, value in zip(table.columns, row, strict=True)))
        for row in table.rows
    )
    body = element("thead", element("tr", head)) + element("tbody", *rows)
    return element("div", element("table", body), class_="wide") + (_dim(table.note) if table.note else "")

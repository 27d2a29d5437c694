"""Plots as inline SVG: load by application over time, waits as bars over time, points of two numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from pgscope.report.html.element import element, text

WIDTH, LEFT, RIGHT, BOTTOM = 960, 56, 12, 26
COLOURS = 8
"""Applications with a colour of their own; class c0 to c7 in the style sheet, and cx for all others."""
Point = tuple[float, float]


def axis_steps(top: float, most: int = 4) -> list[float]:
    """Round numbers from 0 to at least the top."""
    if top <= 0:
        return [0.0, 1.0]
    rough = top / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough * 0.999)
    return [step * number for number in range(math.ceil(top / step - 1e-9) + 1)]


def time_steps(start: float, end: float, most: int = 8) -> list[float]:
    """Round times between two, in epoch seconds."""
    units = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
    span = max(end - start, 1.0)
    step = next((one for one in units if span / one <= most), 86400 * math.ceil(span / most / 86400))
    offset = datetime.fromtimestamp(start).astimezone().utcoffset()
    shift = offset.total_seconds() if offset is not None else 0.0
    first = math.ceil((start + shift) / step) * step - shift
    return [first + step * number for number in range(int((end - first) // step) + 1)]


def clock(at: float, span: float) -> str:
    """A time for an axis."""
    moment = datetime.fromtimestamp(at).astimezone()
    if span > 2 * 86400:
        return moment.strftime("%m-%d %H:%M")
    return moment.strftime("%H:%M:%S" if span < 1200 else "%H:%M")


class Frame:
    """A plot's area, with a time axis below."""

    def __init__(self, start: float, end: float, height: int) -> None:
        self.start, self.end, self.height = start, max(end, start + 1.0), height

    def x(self, at: float) -> float:
        """Where a time is."""
        inside = WIDTH - LEFT - RIGHT
        part = (at - self.start) / (self.end - self.start)
        return LEFT + inside * min(max(part, 0.0), 1.0)

    def drawn(self, parts: Sequence[str], label: str) -> str:
        """The plot with its time axis."""
        axis = []
        for at in time_steps(self.start, self.end):
            x = self.x(at)
            axis.append(element("line", class_="grid", x1=x, x2=x, y1=6, y2=self.height))
            axis.append(_word(clock(at, self.end - self.start), x, self.height + 16.0, "middle"))
        view = f"0 0 {WIDTH} {self.height + BOTTOM}"
        return element("svg", *axis, *parts, viewBox=view, role="img", aria_label=label)


def _word(words: str, x: float, y: float, anchor: str, kind: str = "axis") -> str:
    return element("text", text(words), class_=kind, x=x, y=y, text_anchor=anchor)


def _bar(colour: str, x: float, y: float, width: float, height: float, said: str) -> str:
    title = element("title", text(said))
    return element("rect", title, class_=colour, x=x, y=y, width=width, height=height)


def load(
    spans: Sequence[tuple[float, float, Mapping[str, float]]], order: Sequence[str], names: Mapping[str, str]
) -> str:
    """Active sessions over time as stacked bars; (start, seconds, by application), applications in order."""
    if not spans:
        return ""
    frame = Frame(spans[0][0], spans[-1][0] + spans[-1][1], 220)
    steps = axis_steps(max(sum(active.values()) for _, _, active in spans))
    scale = (frame.height - 10) / steps[-1]
    parts = [_level(value, frame.height - value * scale, steps[-1]) for value in steps]
    own = list(order[:COLOURS])
    for start, seconds, active in spans:
        x = frame.x(start)
        width = max(frame.x(start + seconds) - x, 0.8)
        others = sum(value for name, value in active.items() if name not in own)
        below = 0.0
        told = clock(start, frame.end - frame.start)
        for number, name in enumerate((*own, None)):
            value = others if name is None else active.get(name, 0.0)
            if value <= 0:
                continue
            said = f"{told}  {'others' if name is None else names[name]}: {value:.2f} active"
            colour = "cx" if name is None else f"c{number}"
            top = frame.height - (below + value) * scale
            parts.append(_bar(colour, x, top, width, value * scale, said))
            below += value
    return frame.drawn(parts, "Active sessions by application over time")


def _level(value: float, y: float, top: float) -> str:
    line = element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
    return line + _word(f"{value:g}" if top >= 1 else f"{value:.2g}", LEFT - 6.0, y + 4, "end")


def waits(bars: Sequence[tuple[float, float, str, str, str]], start: float, end: float) -> str:
    """Waits as bars over time: start, end, class, words at the left, and what to say of it."""
    if not bars:
        return ""
    row = 18
    frame = Frame(
        min(start, *(bar[0] for bar in bars)), max(end, *(bar[1] for bar in bars)), row * len(bars) + 8
    )
    parts = []
    for number, (begun, ended, colour, words, said) in enumerate(bars):
        y = 6.0 + row * number
        x = frame.x(begun)
        width = max(frame.x(ended) - x, 2.0)
        parts.append(_bar(colour, x, y, width, row - 5.0, said))
        if x + width < WIDTH / 2:
            parts.append(_word(words, x + width + 5, y + 11.0, "start", "word"))
        else:
            parts.append(_word(words, x - 5, y + 11.0, "end", "word"))
    return frame.drawn(parts, "Waits for locks over time")


def scatter(points: Sequence[Point], across: str, up: str) -> str:
    """Points of two numbers, each from 0."""
    if len(points) < 2:
        return ""
    width, height, left, bottom = 360, 200, 52, 34
    xs, ys = axis_steps(max(x for x, _ in points)), axis_steps(max(y for _, y in points))
    right, floor = width - 12, height - bottom

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (right - left) * x / xs[-1], floor - (floor - 8) * y / ys[-1]

    parts = []
    for value in xs:
        x, _ = place(value, 0)
        parts.append(element("line", class_="grid", x1=x, x2=x, y1=8, y2=floor))
        parts.append(_word(f"{value:g}", x, floor + 14.0, "middle"))
    for value in ys:
        _, y = place(0, value)
        parts.append(element("line", class_="grid", x1=left, x2=right, y1=y, y2=y))
        parts.append(_word(f"{value:g}", left - 5.0, y + 4, "end"))
    for rows, calls in points:
        x, y = place(rows, calls)
        title = element("title", text(f"{rows:,.0f} {across}, {calls:,.0f} {up}"))
        parts.append(element("circle", title, class_="point", cx=x, cy=y, r=3.5))
    parts.append(_word(across, (width + left) / 2, height - 4.0, "middle"))
    turned = f"translate(10 {height / 2}) rotate(-90)"
    parts.append(element("text", text(up), class_="axis", transform=turned, text_anchor="middle"))
    view = f"0 0 {width} {height}"
    return element(
        "svg", *parts, class_="small", viewBox=view, role="img", aria_label=f"{up} against {across}"
    )

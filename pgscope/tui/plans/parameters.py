"""The values for a statement's parameters: picked from what is offered, or typed in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from pgscope.capture.explaining import Offer, Origin, Pick
from pgscope.dataclass import dataclass
from pgscope.text import clean
from pgscope.tui.table import Cell, Column, Row

PICKS = (Pick.COMMON, Pick.TYPICAL, Pick.RARE)
TYPED = "typed in"

COLUMNS = (
    Column("number", "param", width=5, sortable=False, fixed=True, priority=99),
    Column("value", "value", min_width=16, max_width=60, weight=1, sortable=False, priority=98),
    Column("from", "where it comes from", min_width=16, weight=2, sortable=False, priority=90),
)

Value: TypeAlias = "str | tuple[str | None, ...] | None"


@dataclass(frozen=True)
class Parameter:
    """One parameter with what is offered for it, and what was chosen: a pick, or what was typed."""

    number: int
    elements: tuple[int, ...]
    """Itself, or the elements of the list that the server merged into it."""
    offered: Mapping[Pick, tuple[Origin, ...]]
    """Each pick with a value for each element."""
    pick: Pick | None = None
    typed: tuple[str | None, ...] | None = None

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The values chosen; empty while there are none."""
        if self.typed is not None:
            return tuple(Origin(value, TYPED) for value in self.typed)
        return self.offered.get(self.pick, ()) if self.pick is not None else ()

    @property
    def is_list(self) -> bool:
        """Whether it stands for a list."""
        return len(self.elements) > 1

    def picked(self, pick: Pick) -> Parameter:
        """With what is offered under this name, if anything is."""
        return replace(self, pick=pick, typed=None) if pick in self.offered else self

    def next(self) -> Parameter:
        """With the next of what is offered."""
        choices = [pick for pick in PICKS if pick in self.offered]
        if not choices:
            return self
        if self.typed is not None or self.pick not in choices:
            return self.picked(choices[0])
        return self.picked(choices[(choices.index(self.pick) + 1) % len(choices)])

    def with_text(self, text: str) -> Parameter:
        """With what was typed; a list has commas between its elements."""
        parts = tuple(part.strip() for part in text.split(",")) if self.is_list else (text,)
        return replace(self, typed=parts)

    def with_null(self) -> Parameter:
        """NULL."""
        return replace(self, typed=(None,))


def parameters_of(offer: Offer) -> list[Parameter]:
    """The parameters of a statement, each with the first value that is offered for it."""
    followers = {element for elements in offer.lists.values() for element in elements[1:]}
    found = []
    for number in offer.parameters:
        if number in followers:
            continue
        elements = offer.lists.get(number, (number,))
        offered: dict[Pick, tuple[Origin, ...]] = {}
        for pick in PICKS:
            origins = [offer.choices.get(element, {}).get(pick) for element in elements]
            known = tuple(origin for origin in origins if origin is not None)
            if len(known) == len(elements):
                offered[pick] = known
        found.append(Parameter(number, elements, offered).next())
    return found


def values_of(parameters: list[Parameter]) -> dict[int, Value]:
    """What a request takes: a text for each, several for a list."""
    found: dict[int, Value] = {}
    for one in parameters:
        values = tuple(origin.value for origin in one.origins)
        if values:
            found[one.number] = values if one.is_list else values[0]
    return found


def origins_of(parameters: list[Parameter]) -> dict[int, Origin]:
    """Where each value came from, by the parameter that it is given to."""
    return {
        element: origin
        for one in parameters
        for element, origin in zip(one.elements, one.origins, strict=False)
    }


def shown(origin: Origin) -> str:
    """A value for people."""
    return "NULL" if origin.value is None else repr(clean(origin.value, lines=False)[:200])


def source_of(one: Parameter) -> str:
    """Where its value comes from, and what else there is."""
    origins = one.origins
    others = [
        pick.value for pick in PICKS if pick in one.offered and (one.typed is not None or pick != one.pick)
    ]
    parts = [
        f"${one.number}: {clean(origins[0].source, lines=False)}"
        if origins
        else f"${one.number} has no value"
    ]
    if others:
        parts.append(f"v: {', '.join(others)}")
    return "; ".join([*parts, "Enter: type it", "N: NULL"])


def rows(parameters: list[Parameter]) -> list[Row]:
    """A row for each parameter."""
    made = []
    for one in parameters:
        origins = one.origins
        if origins:
            value = ", ".join(shown(origin) for origin in origins)
            cells: tuple[Cell | str, ...] = (f"${one.number}", value, clean(origins[0].source, lines=False))
        else:
            cells = (
                f"${one.number}",
                Cell("none yet", "bad"),
                Cell("nothing is offered: Enter to type one", "warn"),
            )
        made.append(Row(one.number, cells))
    return made

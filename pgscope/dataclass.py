"""`dataclass` for the many that are made at each start and filled at each poll.

The standard one writes and compiles six methods for a frozen class: a hundred of them were an eighth of the
time until the screen is there, and an object took seven times as long to fill as one that is not frozen. Here
`__init__` is made for each, when the first object is, and the rest is shared. Type checkers see the standard
decorator: that nothing is assigned to what is frozen is checked by them, not while it runs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(
        kind: type | None = None, /, *, frozen: bool = False, slots: bool = False
    ) -> type | Callable[[type], type]:
        """Like the standard one with these options."""

        def made(plain: type) -> type:
            own = vars(plain).keys()
            one = dataclasses.dataclass(plain, init=False, repr=False, eq=False, slots=slots)
            one.__init__ = _made_when_called(one)
            compared = [field.name for field in dataclasses.fields(one) if field.compare]
            one.__compared__ = attrgetter(*compared or ["__class__"])
            if "__repr__" not in own:
                one.__repr__ = _repr
            if "__eq__" not in own:
                one.__eq__ = _equal
            if "__hash__" not in own:
                one.__hash__ = _hash if frozen else None
            return one

        return made if kind is None else made(kind)


_MADE = object()


def _made_when_called(kind: Any) -> Callable[..., None]:
    """An `__init__` that puts the one written for the class in its own place."""

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:
        kind.__init__ = written = _written(kind)
        written(self, *arguments, **named)

    return __init__


def _written(kind: Any) -> Callable[..., None]:
    """`__init__` as the standard decorator writes it for a class that is not frozen."""
    names: dict[str, Any] = {"_MADE": _MADE}
    head, body = ["self"], []
    for one in dataclasses.fields(kind):
        value = name = one.name
        if one.default_factory is not dataclasses.MISSING:
            names[f"_make_{name}"] = one.default_factory
            head.append(f"{name}=_MADE")
            value = f"_make_{name}() if {name} is _MADE else {name}"
        elif one.default is not dataclasses.MISSING:
            names[f"_default_{name}"] = one.default
            head.append(f"{name}=_default_{name}")
        else:
            head.append(name)
        body.append(f" self.{name} = {value}")
    if hasattr(kind, "__post_init__"):
        body.append(" self.__post_init__()")
    exec(f"def __init__({', '.join(head)}):\n" + "\n".join(body or [" pass"]), names)
    written: Callable[..., None] = names["__init__"]
    written.__qualname__ = f"{kind.__qualname__}.__init__"
    return written


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self.__compared__(self) == other.__compared__(other)


def _hash(self: Any) -> int:
    return hash(self.__compared__(self))


def _repr(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"

"""Our data classes do what the standard ones do, but for what only a type checker sees."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from functools import cached_property

import pytest

from pgscope.dataclass import dataclass


@dataclass(frozen=True)
class Point:
    """With a default, one that is made, one that counts for nothing, and one worked out when asked for."""

    x: int
    y: int = 0
    names: list[str] = field(default_factory=list, compare=False)
    secret: str = field(default="s", repr=False)

    @cached_property
    def double(self) -> int:
        return 2 * self.x


@dataclass(frozen=True)
class Further(Point):
    z: int = 0


@dataclass(frozen=True, slots=True)
class Slotted:
    a: int
    b: str = ""


@dataclass
class Changing:
    a: int = 0


@dataclass(frozen=True)
class Own:
    a: int

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 7

    def __repr__(self) -> str:
        return "own"


@dataclass(frozen=True)
class Empty:
    pass


def test_they_are_equal_by_what_they_hold_and_of_one_class() -> None:
    one = Point(1, 2, ["a"])
    assert one.double == 2
    assert one == Point(1, 2, ["b"]) and hash(one) == hash(Point(1, 2))
    assert one != Point(1, 3) and one != Point(1, 2, secret="t")
    assert Further(1) != Point(1) and Further(1, z=2) == Further(1, z=2) != Further(1, z=3)
    assert {Slotted(1, "b"): 1}[Slotted(1, "b")] == 1 and Slotted(1) != Slotted(2)
    assert Empty() == Empty() and hash(Empty()) == hash(Empty())


def test_what_a_class_says_itself_stays() -> None:
    assert Own(1) == Own(2) and hash(Own(1)) == 7 and repr(Own(1)) == "own"


def test_what_can_change_has_no_hash() -> None:
    one = Changing()
    one.a = 2
    assert one == Changing(2)
    with pytest.raises(TypeError):
        hash(one)


def test_the_standard_functions_take_them() -> None:
    assert repr(Further(1, names=["n"], z=3)) == "Further(x=1, y=0, names=['n'], z=3)"
    assert dataclasses.replace(Point(1), y=5) == Point(1, 5)
    assert dataclasses.asdict(Slotted(1)) == {"a": 1, "b": ""}
    assert not hasattr(Slotted(1), "__dict__")


def test_the_first_object_is_made_as_every_other() -> None:
    @dataclass(frozen=True)
    class Fresh:
        a: int
        b: list[int] = field(default_factory=list)
        c: str = "c"

        def __post_init__(self) -> None:
            self.b.append(self.a)

    class Plain(Fresh):
        pass

    with pytest.raises(TypeError, match=r"Fresh.__init__\(\) missing 1 required positional argument: 'a'"):
        Fresh()  # type: ignore[call-arg]
    first, second = Plain(1), Fresh(a=2, c="d")
    assert (first.a, first.b, first.c) == (1, [1], "c") and (second.a, second.b, second.c) == (2, [2], "d")
    assert first.b is not Fresh(1).b

"""Our named tuples are the standard ones, made faster."""

from __future__ import annotations

import pickle
from typing import get_type_hints

import pytest

from pgscope.namedtuple import NamedTuple


class Place(NamedTuple):
    """A place."""

    x: int
    y: int | None = None
    """Behind it."""
    names: tuple[str, ...] = ()

    @property
    def far(self) -> bool:
        return self.x > 100

    def __str__(self) -> str:
        return "a place"


def test_they_are_tuples_with_names_defaults_and_what_the_class_says() -> None:
    place = Place(1, names=("a",))
    assert list(place) == [1, None, ("a",)] and place.y is None and not place.far
    assert repr(place) == "Place(x=1, y=None, names=('a',))" and str(place) == "a place"
    assert Place._fields == ("x", "y", "names") and Place._field_defaults == {"y": None, "names": ()}
    assert Place._make([1, 2, ()])._replace(x=200).far
    with pytest.raises(TypeError):
        Place()  # type: ignore[call-arg]


def test_they_are_known_by_where_they_were_written() -> None:
    assert (Place.__module__, Place.__qualname__, Place.__doc__) == (__name__, "Place", "A place.")
    assert get_type_hints(Place) == {"x": int, "y": int | None, "names": tuple[str, ...]}
    assert pickle.loads(pickle.dumps(Place(1))) == Place(1)

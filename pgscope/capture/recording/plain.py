"""Samples that come seldom, as plain JSON: fields by name, so that a file outlives a change of them."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

from pgscope.capture.recording.bounds import number, text


def plain(value: Any) -> Any:
    """A dataclass, row or container of them as JSON-ready data."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "_asdict"):
        return {name: plain(one) for name, one in value._asdict().items()}
    if isinstance(value, Mapping):
        return [[plain(key), plain(one)] for key, one in value.items()]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    return value


def made(kind: Any, value: Any) -> Any:
    """The value that `plain` was given, as its annotation has it. Raises ValueError if it cannot be."""
    try:
        return _made(kind, value)
    except (TypeError, KeyError, AttributeError, StopIteration) as error:
        raise ValueError(f"not a {getattr(kind, '__name__', kind)}: {error}") from None


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _made(kind: Any, value: Any) -> Any:
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return (
            None if value is None else _made(next(one for one in inside if one is not types.NoneType), value)
        )
    if origin is tuple:
        kinds = [inside[0]] * len(value) if inside[-1] is ... else inside
        return tuple(_made(one, part) for one, part in zip(kinds, value, strict=True))
    if origin is frozenset:
        return frozenset(_made(inside[0], one) for one in value)
    if origin is collections.abc.Mapping:
        return {_made(inside[0], key): _made(inside[1], one) for key, one in value}
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        hints = _hints(kind)
        known = {name: _made(hints[name], one) for name, one in value.items() if name in hints}
        for name in hints:
            if name not in known and not _has_default(kind, name):
                known[name] = _neutral(hints[name])
        return kind(**known)
    return _leaf(kind, value)


def _leaf(kind: Any, value: Any) -> Any:
    if kind is str and isinstance(value, str):
        return text(value)
    if kind is bool and isinstance(value, bool):
        return value
    if kind is float and isinstance(value, (int, float)):
        return number(value)
    if kind is int and isinstance(value, int):
        return number(value)
    if kind in (str, bool, float, int):
        raise TypeError(f"not a {kind.__name__}")
    return value


def _has_default(kind: Any, name: str) -> bool:
    if hasattr(kind, "_fields"):
        return name in kind._field_defaults
    field = kind.__dataclass_fields__.get(name)
    if field is None:
        return True
    return field.default is not field.default_factory


def _neutral(hint: Any) -> Any:
    origin = typing.get_origin(hint) or hint
    if origin in (typing.Union, types.UnionType):
        return None
    neutral: dict[Any, Any] = {
        int: 0,
        float: 0.0,
        str: "",
        bool: False,
        tuple: (),
        frozenset: frozenset(),
        collections.abc.Mapping: {},
    }
    return neutral.get(origin)

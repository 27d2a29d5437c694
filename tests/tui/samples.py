"""Streams of samples as files: a line of JSON for each sample, compressed."""

from __future__ import annotations

import collections.abc
import gzip
import io
import json
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pgscope import sample
from pgscope.sample import Sample


def write(path: Path, samples: Iterable[Sample]) -> None:
    """Write samples to a file that is the same for the same samples."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed:
        for one in samples:
            line = {"type": type(one).__name__, **{f.name: _plain(getattr(one, f.name)) for f in fields(one)}}
            packed.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    path.write_bytes(out.getvalue())


def read(path: Path) -> Iterator[Sample]:
    """The samples of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            content = json.loads(line)
            kind = getattr(sample, content.pop("type"))
            yield _made(kind, content)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, collections.abc.Mapping):
        return [[_plain(key), _plain(one)] for key, one in value.items()]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _made(kind: Any, value: Any) -> Any:
    """The value as its annotation has it."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return _made(next(one for one in inside if one is not type(None)), value)
    if origin is tuple:
        kinds = [inside[0]] * len(value) if inside[-1] is ... else inside
        return tuple(_made(one, part) for one, part in zip(kinds, value, strict=True))
    if origin is frozenset:
        return frozenset(value)
    if origin is collections.abc.Mapping:
        return {_made(inside[0], key): _made(inside[1], one) for key, one in value}
    if is_dataclass(kind):
        hints = _hints(typing.cast(Any, kind))
        known = {name: one for name, one in value.items() if name in hints}  # a field may have gone since
        return typing.cast(Any, kind)(**{name: _made(hints[name], one) for name, one in known.items()})
    if hasattr(kind, "_fields"):
        hints = _hints(kind)
        names = kind._fields[: len(value)]
        return kind(*(_made(hints[name], one) for name, one in zip(names, value, strict=True)))
    return value

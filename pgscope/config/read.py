"""Reading the file. Whatever is not understood is refused in one line, with the nearest that would be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pgscope import limits
from pgscope.analysis.filter import Filter, FilterError
from pgscope.analysis.findings import Thresholds
from pgscope.analysis.findings.model import KINDS
from pgscope.config.columns import ColumnChoice, column_choices
from pgscope.config.keynames import key_name
from pgscope.config.model import Config
from pgscope.config_path import config_path, config_text
from pgscope.errors import UsageError
from pgscope.text import clean, one_line


class ConfigError(UsageError):
    """The file cannot be read, or says what cannot be; one line that says where and what to do."""


class _Wrong(ValueError):
    """What is wrong with a value, with the key that it is of."""


def load(path: Path | None = None) -> Config:
    """Read the configuration; one that is not there is the default. Raises ConfigError."""
    file = config_path() if path is None else path
    try:
        text = config_text(file)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise ConfigError(f"cannot read {_shown(file)}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{_shown(file)} is not UTF-8 text") from None
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"{_shown(file)}: {clean(one_line(str(error)), lines=False)}") from None


def parse(text: str) -> Config:
    """The settings of a text in TOML. Raises ValueError with one line."""
    # Not at the top: most have no such file.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        given: dict[str, Any] = tomllib.loads(text)
    except RecursionError:
        raise _Wrong("lists or tables are nested too deeply") from None
    known(given, _READERS, "key")
    return Config(
        **_thresholds(given), **{key: _READERS[key](key, given[key]) for key in given if key in _PLAIN}
    )


def known(names: Iterable[str], allowed: Iterable[str], what: str, where: str = "") -> None:
    """Raise ValueError for the first name that is not allowed, naming the nearest that is."""
    choices = list(allowed)
    for name in names:
        if name not in choices:
            from difflib import get_close_matches  # for who mistyped only

            near = get_close_matches(name, choices, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(choices)}"
            raise _Wrong(f"unknown {what} {where}{name!r}: {hint}")


def _shown(path: Path) -> str:
    return clean(str(path), lines=False)


# --- values


_LARGEST = sys.float_info.max
"""A number of TOML may have any number of digits."""


def _number(key: str, value: object, check: Callable[[float], float]) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Wrong(f"{key} wants a number, not {value!r}")
    try:
        return check(float(min(max(value, -_LARGEST), _LARGEST)))
    except ValueError as error:
        raise _Wrong(f"{key} = {_short(value)}: {error}") from None


def _short(value: float) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"{key} wants true or false, not {value!r}")
    return value


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"{key} wants text in quotes, not {value!r}")
    return value


def _table(key: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(f"{key} is a table: write [{key}] above its keys")
    return value


def _texts(key: str, value: object) -> dict[str, str]:
    return {name: _text(f"{key}.{name}", text) for name, text in _table(key, value).items()}


def _filter(key: str, value: object) -> str:
    text = _text(key, value)
    try:
        Filter.parse(text)
    except FilterError as error:
        raise _Wrong(f"{key}: {error}") from None
    return text


def _kinds(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Wrong(f'{key} wants a list, such as ["overfetch"]')
    names = tuple(_text(key, one) for one in value)
    known(names, KINDS, "kind of finding", f"{key}: ")
    return names


def _keymap(key: str, value: object) -> dict[str, str]:
    keymap = {}
    for name, keys in _texts(key, value).items():
        names = [key_name(part) for part in keys.split(",")]
        if not all(names):
            raise _Wrong(f"{key}.{name} wants a key, or several with commas")
        keymap[name] = ",".join(names)
    return keymap


def _columns(key: str, value: object) -> dict[str, tuple[ColumnChoice, ...]]:
    found = {}
    for table, names in _table(key, value).items():
        where = f"{key}.{table}"
        if not isinstance(names, list) or not names:
            raise _Wrong(f'{where} wants a list, such as ["app:24", "state"]')
        try:
            found[table] = column_choices(_text(where, name) for name in names)
        except ValueError as error:
            raise _Wrong(f"{where}: {error}") from None
    return found


def _connections(key: str, value: object) -> dict[str, str]:
    found = _texts(key, value)
    for name, conninfo in found.items():
        if not name.strip() or "=" in name or "/" in name:
            raise _Wrong(f"{key}.{name!r}: a name has no '=' and no '/'")
        _check_conninfo(f"{key}.{name}", conninfo)
    return found


def _check_conninfo(key: str, conninfo: str) -> None:
    # Here and not at the top: it loads libpq, which only saved connections need.
    from pgscope.server.conninfo import target

    try:
        secret = target(conninfo).has_secrets
    except UsageError as error:
        raise _Wrong(f"{key}: {error}") from None
    if secret:
        raise _Wrong(f"{key} holds a password: take it out, ~/.pgpass is the place for it")


_PLAIN: Mapping[str, Callable[[str, object], Any]] = {
    "interval": lambda key, value: _number(key, value, limits.interval),
    "sample_hz": lambda key, value: _number(key, value, limits.sample_hz),
    "budget": lambda key, value: _number(key, value, limits.budget),
    "theme": _text,
    "filter": _filter,
    "redact": _flag,
    "kinds_off": _kinds,
    "keymap": _keymap,
    "columns": _columns,
    "ignored": _texts,
    "connections": _connections,
}
_READERS: Mapping[str, Callable[[str, object], Any]] = {**_PLAIN, "thresholds": _table}


# --- thresholds

BY_APPLICATION = "by_application"


def _thresholds(given: Mapping[str, Any]) -> dict[str, Any]:
    table = dict(_table("thresholds", given.get("thresholds", {})))
    special = _table(f"thresholds.{BY_APPLICATION}", table.pop(BY_APPLICATION, {}))
    names = [field.name for field in fields(Thresholds)]
    known(table, [*names, BY_APPLICATION], "key", "thresholds.")
    default = _changed(Thresholds(), "thresholds", table)
    own = {}
    for application, values in special.items():
        where = f"thresholds.{BY_APPLICATION}.{application}"
        known(_table(where, values), names, "key", where + ".")
        own[application] = _changed(default, where, values)
    return {"thresholds": default, "by_application": own}


def _changed(base: Thresholds, where: str, values: Mapping[str, object]) -> Thresholds:
    changes: dict[str, Any] = {}
    for name, value in values.items():
        number = _number(f"{where}.{name}", value, limits.not_negative)
        changes[name] = int(number) if isinstance(getattr(base, name), int) else number
    return replace(base, **changes)

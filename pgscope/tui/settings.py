"""What of the configuration only the screen can judge: its filter, its themes, and the ids of its keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import _character_to_key
from textual.theme import BUILTIN_THEMES

from pgscope.analysis.filter import Filter, FilterError
from pgscope.config import Config, ConfigError, config_path
from pgscope.config.read import known
from pgscope.errors import UsageError
from pgscope.tui.columns.tables import TABLES

_KEY = re.compile(r"\S|((ctrl|shift|alt|super|meta|hyper)\+)*[a-z0-9_]+|[A-Z][a-z0-9]*")


def check(config: Config) -> None:
    """Raise UsageError (ConfigError where the file is to blame) for what the screen cannot use."""
    try:
        Filter.parse(config.filter)
    except FilterError as error:
        raise UsageError(f"filter: {error}") from None
    try:
        if config.theme:
            known([config.theme], BUILTIN_THEMES, "theme")
        known(config.keymap, sorted(binding_ids()), "action", "keymap.")
        known(config.columns, TABLES, "table", "columns.")
        for table, chosen in config.columns.items():
            keys_of = list(dict.fromkeys(column.key for column in TABLES[table]))
            known([choice.key for choice in chosen], keys_of, "column", f"columns.{table}: ")
        for name, keys in config.keymap.items():
            for key in keys.split(","):
                if not _KEY.fullmatch(key.strip()):
                    raise ValueError(f"keymap.{name}: {key.strip()!r} is not a key; such as x, f5 or ctrl+x")
        _refuse_clash(config.keymap)
    except ValueError as error:
        raise ConfigError(f"{config_path()}: {error}") from None


_DIALOGUES = frozenset({"ask", "help", "notices", "filter", "analyze", "parameters", "save", "columns"})
"""Screens and lines that take all keys while they are there."""
_EVERYWHERE = ("view.", "app.", "frame.", "table.")


def _refuse_clash(keymap: Mapping[str, str]) -> None:
    """Raise ValueError for a key that would do nothing, or take another's, on some screen."""
    bindings = {name: key for name, key in _bindings().items() if name.split(".")[0] not in _DIALOGUES}
    keys = {name: _keys(keymap.get(name, key)) for name, key in bindings.items()}
    for name in keymap.keys() & keys.keys():
        for other, taken in keys.items():
            both = keys[name] & taken
            if other != name and both and (name.startswith(_EVERYWHERE) or other.startswith(_EVERYWHERE)):
                key = min(both)
                raise ValueError(f"keymap.{name}: {key!r} is the key of {other}: give that another one, too")


def _keys(text: str) -> set[str]:
    return {_character_to_key(key) if len(key) == 1 else key for key in map(str.strip, text.split(","))}


def binding_ids() -> frozenset[str]:
    """The ids of all keys of pgscope, whichever screen they are on."""
    return frozenset(_bindings())


def _bindings() -> dict[str, str]:
    """The keys of pgscope by their ids."""
    # The app knows every view, and the views every screen that they open.
    from pgscope.tui import app

    assert app
    return {
        binding.id: binding.key
        for cls in _subclasses(DOMNode)
        if cls.__module__.startswith("pgscope.")
        for binding in cls.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id
    }


def _subclasses(cls: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)

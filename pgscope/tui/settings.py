"""What of the configuration only the screen can judge: its filter, its themes, and the ids of its keys."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import chain

from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_ALIASES, KEY_NAME_REPLACEMENTS, Keys, _character_to_key, key_to_character
from textual.theme import BUILTIN_THEMES

from pgscope import tui
from pgscope.analysis.filter import Filter, FilterError
from pgscope.config import Config, ConfigError, config_path
from pgscope.config.read import known
from pgscope.errors import UsageError

_KEY = re.compile(r"\S|((ctrl|shift|alt|super|meta|hyper)\+)*[a-z0-9_]+")


def check(config: Config) -> None:
    """Raise UsageError (ConfigError where the file is to blame) for what the screen cannot use."""
    try:
        Filter.parse(config.filter)
    except FilterError as error:
        raise UsageError(f"filter: {error}") from None
    try:
        if config.theme:
            known([config.theme], BUILTIN_THEMES, "theme")
        if config.columns:
            _check_columns(config)
        if config.keymap:
            _check_keymap(config.keymap)
    except ValueError as error:
        raise ConfigError(f"{config_path()}: {error}") from None


def _check_columns(config: Config) -> None:
    from pgscope.tui.columns.tables import TABLES

    known(config.columns, TABLES, "table", "columns.")
    for table, chosen in config.columns.items():
        keys_of = list(dict.fromkeys(column.key for column in TABLES[table]))
        known([choice.key for choice in chosen], keys_of, "column", f"columns.{table}: ")


def _check_keymap(keymap: Mapping[str, str]) -> None:
    known(keymap, sorted(binding_ids()), "action", "keymap.")
    for name, keys in keymap.items():
        for key in keys.split(","):
            if not (_KEY.fullmatch(key.strip()) and _is_known(key.strip())):
                raise ValueError(f"keymap.{name}: {key.strip()!r} is not a key; {_hint(key.strip())}")
    _refuse_clash(keymap)


def _hint(key: str) -> str:
    from difflib import get_close_matches  # for who mistyped only

    modifiers, plus, base = key.rpartition("+")
    near = get_close_matches(base, [name for name in _NAMES if name.isidentifier()], 1)
    return f"did you mean {modifiers + plus + near[0]!r}?" if near else "such as x, f5 or ctrl+x"


def _is_known(key: str) -> bool:
    """Whether a terminal can send such a key, by the names that Textual gives them."""
    base = key.rpartition("+")[2]
    if len(key) == 1 or base in _NAMES:
        return True
    character = key_to_character(base)
    return character is not None and base in (character, _character_to_key(character))


_NAMES = frozenset(
    [
        name.rpartition("+")[2]
        for name in (*(key.value for key in Keys), *chain.from_iterable(KEY_ALIASES.values()))
    ]
    + [*FUNCTIONAL_KEYS.values(), *KEY_NAME_REPLACEMENTS.values()]
)


_DIALOGUES = frozenset(
    {"ask", "ignore", "help", "notices", "filter", "analyze", "parameters", "save", "columns"}
)
"""Screens and lines that take all keys while they are there."""
_EVERYWHERE = ("view.", "app.", "frame.", "table.")


def _refuse_clash(keymap: Mapping[str, str]) -> None:
    """Raise ValueError for a key that would do nothing, or take another's, on some screen."""
    bindings = {name: key for name, key in _bindings().items() if name.split(".")[0] not in _DIALOGUES}
    keys = {name: _keys(keymap.get(name, key)) for name, key in bindings.items()}
    for name in sorted(keymap.keys() & keys.keys()):
        for other, taken in sorted(keys.items()):
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
    # Screens are imported when they are first opened; here all of them are asked for.
    for module in pkgutil.walk_packages(tui.__path__, f"{tui.__name__}."):
        import_module(module.name)
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

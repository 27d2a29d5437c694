"""Names of keys as other programs spell them: `F5`, `PgDn`, `C-x`, `<c-x>`, `^x`, `Ctrl-X` and so on."""

from __future__ import annotations

import re

_MODIFIER = re.compile(r"(ctrl|control|c|alt|a|m|meta|shift|s|super|cmd|hyper)[+-](?=.)", re.IGNORECASE)
_MODIFIERS = {"control": "ctrl", "c": "ctrl", "a": "alt", "m": "alt", "s": "shift", "cmd": "super"}
_NAMES = {
    "pageup": "pageup",
    "pagedown": "pagedown",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "pgdown": "pagedown",
    "esc": "escape",
    "return": "enter",
    "cr": "enter",
    "del": "delete",
    "ins": "insert",
    "bs": "backspace",
    "spacebar": "space",
    "backtab": "shift+tab",
}


def key_name(text: str) -> str:
    """The name that the screen has for a key; what is not known here stays as it is."""
    key = text.strip()
    if len(key) > 2 and key[0] + key[-1] == "<>":
        key = key[1:-1]
    if len(key) == 2 and key[0] == "^":
        key = f"ctrl+{key[1]}"
    modifiers = set()
    while found := _MODIFIER.match(key):
        name = found[1].lower()
        modifiers.add(_MODIFIERS.get(name, name))
        key = key[found.end() :]
    if len(key) > 1:
        key = key.lower()
        key = _NAMES.get(re.sub("[ _-]", "", key), key)
    elif modifiers == {"shift"} and key.isalpha():
        return key.upper()
    elif modifiers and key.isupper():
        if "ctrl" not in modifiers:  # with which a terminal sends the same for both
            modifiers.add("shift")
        key = key.lower()
    return "+".join([*sorted(modifiers), key])

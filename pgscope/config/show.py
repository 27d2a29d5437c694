"""All settings as TOML: those that are set, and as comments those that are not, with what holds then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pgscope.analysis.findings import Thresholds
from pgscope.config.model import Config

_COMMENTS = {
    "interval": "seconds between polls",
    "sample_hz": "looks of the sampler each second; 0: none",
    "budget": "what pgscope may cost the server, in percent of one core",
    "theme": "a theme of Textual's; empty: one that fits the terminal",
    "filter": "the filter at the start",
    "redact": "take the constants of statements out of recordings",
    "kinds_off": "kinds of findings never shown",
}
_TABLES = {
    "keymap": ("keys by the id of an action, such as", '"view.findings" = "5,f5"'),
    "columns": (
        "columns by table, in their order, with a width if you like; such as",
        'sessions = ["pid", "app:24", "query"]',
    ),
    "ignored": ("findings ignored for good, with a note, by fingerprint", ""),
    "connections": ("CONNINFO without a password by name, such as", 'prod = "host=db1 dbname=shop"'),
}


def shown(config: Config) -> str:
    """The settings as a file that can be read back."""
    default = Config()
    lines = []
    for name, comment in _COMMENTS.items():
        value = getattr(config, name)
        lines.append(_setting(name, value, value == getattr(default, name), comment))
    lines += ["", "[thresholds]", *_thresholds(config.thresholds, Thresholds())]
    for application, own in config.by_application.items():
        lines += ["", f"[thresholds.by_application.{_quoted(application)}]"]
        lines += _thresholds(own, config.thresholds, changed_only=True)
    for name, (comment, example) in _TABLES.items():
        values: Mapping[str, object] = getattr(config, name)
        lines += ["", f"[{name}]  # {comment}" + (f" {example}" if example else "")]
        lines += [f"{_quoted(key)} = {_toml(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _thresholds(own: Thresholds, base: Thresholds, *, changed_only: bool = False) -> list[str]:
    before = asdict(base)
    return [
        _setting(name, value, value == before[name])
        for name, value in asdict(own).items()
        if not changed_only or value != before[name]
    ]


def _setting(name: str, value: Any, is_default: bool, comment: str = "") -> str:
    line = f"{name} = {_toml(value)}"
    if comment:
        line = f"{line:<24}  # {comment}"
    return f"# {line}" if is_default else line


def _quoted(key: str) -> str:
    return key if key and key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _toml(key)


def _toml(value: Any) -> str:
    import tomlkit

    if isinstance(value, tuple):
        value = [str(one) for one in value]
    text: str = tomlkit.item(value).as_string()
    return text

"""Explain a topic: views, keys, filter, findings, configuration, privileges and more."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from pgscope.cli.streams import write_stdout

DESCRIPTION = "Print what the documentation says on a topic; without one, the list of topics."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the topic."""
    parser.add_argument("topic", nargs="?", default="", metavar="TOPIC", help="what to explain")


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope help`; raises UsageError for a topic that there is not."""
    topic = arguments.topic.lower().removesuffix(".md")
    if not topic:
        write_stdout("\n".join(_list()) + "\n")
        return 0
    if topic in _MADE:
        write_stdout(_MADE[topic][1]() + "\n")
        return 0
    files = _files()
    if topic in files:
        write_stdout(_rendered(files[topic].read_text(encoding="utf-8")))
        return 0
    return _unknown(topic, [*_MADE, *files])


_WIDEST = 100
"""Columns that a text has at the most: longer lines are hard to read."""


def _rendered(text: str) -> str:
    """A document for reading where it is printed: as wide as the terminal, in colours if it is one.

    Links are their words alone, and what was measured is left out: it is evidence, and no help.
    """
    import io
    import re
    import shutil
    import sys

    from rich.console import Console
    from rich.markdown import Markdown

    kept = re.sub(r"(?ms)^## Measured$.*?(?=^## |\Z)", "", text)
    words = re.sub(r"\[([^\]\n]*(?:\n[^\]\n]+)?)\]\((?!https?:)[^)\s]*\)", r"\1", kept)
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((_WIDEST, 24)).columns if terminal else _WIDEST
    # Not standard output itself: it is written, and fails, at one place only.
    file = io.TextIOWrapper(io.BytesIO(), sys.stdout.encoding or "utf-8", "replace")
    console = Console(width=max(20, min(width, _WIDEST)), file=file, force_terminal=terminal)
    with console.capture() as captured:
        console.print(Markdown(words, hyperlinks=False))
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())


def _unknown(topic: str, topics: list[str]) -> int:
    import difflib

    from pgscope.errors import UsageError

    near = difflib.get_close_matches(topic, topics, 1, 0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(sorted(topics))}"
    raise UsageError(f"no topic {topic!r}: {hint}")


def _list() -> Iterator[str]:
    yield "pgscope help TOPIC explains:"
    yield ""
    said = {name: summary for name, (summary, _) in _MADE.items()}
    for name, file in _files().items():
        with file.open(encoding="utf-8") as lines:
            said[name] = next(lines).lstrip("# ").strip()
    width = max(map(len, said))
    for name in sorted(said):
        yield f"  {name:<{width}}  {said[name]}"
    yield ""
    yield "`pgscope COMMAND --help` says what a command takes."


def _files() -> dict[str, Path]:
    """The documents by topic: beside the package where it is installed, or in the clone it runs from."""
    package = Path(__file__).parent.parent
    for folder in (package / "docs", package.parent / "docs"):
        if folder.is_dir():
            return {file.stem: file for file in sorted(folder.glob("*.md"))}
    return {}


def _keys() -> str:
    """Every key of every view, with the id that the configuration knows it by."""
    from pgscope.tui.keylist import sections

    lines = ["Keys, and the ids by which [keymap] in the configuration remaps them", ""]
    for title, keys in sections():
        lines += [title, ""]
        lines += [f"  {key:<18} {tooltip}  [{name}]" for key, tooltip, name in keys]
        lines.append("")
    return "\n".join(lines[:-1])


def _filter() -> str:
    from pgscope.analysis import filter as language

    lines = ["The filter: in every view (/), and on the command line (--filter)", ""]
    lines += [
        "Terms stand side by side and must all hold.",
        "",
        "  word               anywhere in a row",
        '  "two words"        with the space',
        "  a|b                either",
        "  !term              not",
        "  field:text         contains; field=text is exactly that",
        "  field>5s           a number: >, >=, <, <=, =; with s, ms, min, h, k, M, MB, % where it fits",
        "",
    ]
    for name, field in language.FIELDS.items():
        example = f"{name}>5" if field.kind == language.NUMBER and name != "pid" else f"{name}:"
        lines.append(f"  {example:<18} {field.help}")
    lines += ["", "A field that a view does not have is left out there, and the view says so."]
    return "\n".join(lines)


_MADE = {
    "keys": ("Every key of every view, with its id for [keymap]", _keys),
    "filter": ("The filter language", _filter),
}

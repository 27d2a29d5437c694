"""Print what completes pgscope's options in a shell, and the names that it completes."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator

from pgscope.cli.streams import write_stdout

SHELLS = ("bash", "zsh", "fish")
NAMES = "names"
DESCRIPTION = (
    "Print a completion script. bash: `source <(pgscope completion bash)` in ~/.bashrc; zsh: into a file "
    "_pgscope in a folder of $fpath; fish: into ~/.config/fish/completions/pgscope.fish. The scripts ask "
    "`pgscope completion names` for the saved connections."
)
_BASH = """
_pgscope_names() {
  local name
  while IFS= read -r name; do
    [[ $name == "$1"* ]] && printf '%q\\n' "$name"
  done < <(command pgscope completion names 2>/dev/null)
}
_pgscope_names_and_files() {
  compopt -o filenames 2>/dev/null
  _pgscope_names "$1"
  compgen -f -- "$1"
}
"""
_ZSH = """
_pgscope_names() {
  local -a names
  names=("${(@f)$(command pgscope completion names 2>/dev/null)}")
  compadd -- ${names:#}
}
_pgscope_names_and_files() {
  _pgscope_names
  _files
}
"""
_CONNECTIONS = {
    "bash": "_pgscope_names",
    "zsh": "_pgscope_names",
    "fish": "(command pgscope completion names 2>/dev/null)",
    "preamble": {"bash": _BASH, "zsh": _ZSH},
}
_CONNECTIONS_AND_FILES = {
    **_CONNECTIONS,
    "bash": "_pgscope_names_and_files",
    "zsh": "_pgscope_names_and_files",
    "fish": "(command pgscope completion names 2>/dev/null; __fish_complete_path (commandline -ct))",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the shell."""
    parser.add_argument(
        "shell", choices=(*SHELLS, NAMES), help="the shell to complete in; names: the saved connections"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope completion`."""
    if arguments.shell == NAMES:
        write_stdout("".join(f"{name}\n" for name in saved_names()))
        return 0
    import shtab

    from pgscope.cli.parser import build_parser

    parser = build_parser()
    for command, action in _actions(parser):
        if action.dest == "words" and command == "record":
            action.complete = _CONNECTIONS_AND_FILES  # type: ignore[attr-defined]
        elif action.dest in ("conninfo", "words", "explain_conninfo"):
            action.complete = _CONNECTIONS  # type: ignore[attr-defined]
        elif action.metavar in ("FILE", "F"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    script = shtab.complete(parser, arguments.shell)
    if arguments.shell == "zsh":
        # Where several words may stand, each is completed, and not only the first.
        script = re.sub(r'"\(\*\)::?', '"*:', script)
    write_stdout(f"{script}\n")
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command, sub in action.choices.items():
                yield from ((command, one) for one in sub._actions)


def saved_names() -> list[str]:
    """The saved connections' names, with no more of the file understood than that: a Tab must be quick.

    Of a file that cannot be read there are none.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    from pgscope.config_path import config_path, config_text
    from pgscope.text import clean

    try:
        connections = tomllib.loads(config_text(config_path())).get("connections", {})
    except (OSError, ValueError, RecursionError):
        return []
    names = connections if isinstance(connections, dict) else {}
    return sorted(name for name in names if name and clean(name, lines=False) == name)

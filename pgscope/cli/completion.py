"""Print what completes pgscope's options in a shell."""

from __future__ import annotations

import argparse

SHELLS = ("bash", "zsh", "fish")
DESCRIPTION = (
    "Print a completion script. bash: `source <(pgscope completion bash)` in ~/.bashrc; zsh: into a file "
    "_pgscope in a folder of $fpath; fish: into ~/.config/fish/completions/pgscope.fish."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the shell."""
    parser.add_argument("shell", choices=SHELLS, help="the shell to complete in")


def run(arguments: argparse.Namespace) -> int:
    """Run `pgscope completion`."""
    import shtab

    from pgscope.cli.parser import build_parser

    print(shtab.complete(build_parser(), arguments.shell))
    return 0

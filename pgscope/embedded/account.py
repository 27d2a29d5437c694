"""The account a server runs as: our own, or a powerless one when we are root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from pgscope.dataclass import dataclass
from pgscope.embedded.binaries import Binaries
from pgscope.embedded.errors import EmbeddedError

# initdb looks the user id up, so the account needs a name.
_CANDIDATES = ("nobody", "postgres", "daemon")


@dataclass(frozen=True)
class Account:
    """A user of this machine that is not root."""

    name: str
    uid: int
    gid: int

    def reaches(self, program: Path) -> bool:
        """Whether this account may run ``program``, every folder above it included."""
        try:
            ended = subprocess.run(
                [program, "--version"],
                user=self.uid,
                group=self.gid,
                extra_groups=[],
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=30,
                check=False,
            )
        except PermissionError:
            return False
        except (OSError, subprocess.SubprocessError):
            return False
        return ended.returncode == 0


def server_account() -> Account | None:
    """The account to run a server as, or None for our own.

    Raises EmbeddedError if we are root and may become nobody else.
    """
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        account = Account(name, entry.pw_uid, entry.pw_gid)
        if account.uid != 0 and account.reaches(Path("/bin/ls")):
            return account
    raise EmbeddedError(
        f"PostgreSQL refuses to run as root, and none of the accounts {', '.join(_CANDIDATES)} can be used: "
        "run pgscope as an ordinary user"
    )


def within_reach(binaries: Binaries, account: Account | None, folder: Path) -> Binaries:
    """``binaries``, copied below ``folder`` if the account cannot get at them where they are.

    Programs in a virtual environment below a home of mode 0700 are such a case.
    """
    if account is None or all(account.reaches(binaries.program(name)) for name in ("initdb", "postgres")):
        return binaries
    tree = folder / "binaries" / binaries.tree.parent.name / binaries.tree.name
    shutil.copytree(
        binaries.tree, tree, symlinks=True, ignore=shutil.ignore_patterns("include", "doc", "man", "*.a")
    )
    for libraries in binaries.libraries:
        # The programs look for these at ../../../NAME, seen from bin.
        shutil.copytree(libraries, folder / "binaries" / libraries.name)
    paths = []
    for number, path in enumerate(binaries.library_path):
        paths.append(folder / "binaries" / f"path-{number}")
        shutil.copytree(path, paths[-1])
    moved = tree / binaries.bin.relative_to(binaries.tree)
    return replace(binaries, bin=moved, tree=tree, library_path=tuple(paths))

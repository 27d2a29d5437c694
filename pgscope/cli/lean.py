"""The imports of a watch that lasts for days, without what takes 8 MB of memory for nothing.

Who speaks TLS to a server is libpq, with the OpenSSL that it was linked with. In the standard library asyncio
and hashlib import another one where they can, and do without where Python was built without it
(https://docs.python.org/3/library/ssl.html); psycopg imports it for what OpenSSL before 1.1 needed.

psycopg imports importlib.metadata to say which version it is, and with that readers of mail and of archives.

pglast imports the names and values of all that a tree of SQL may hold. A watch asks for fingerprints, tokens
and trees as JSON; who explains, or lays SQL out, asks for trees.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from pgscope.cli.late import import_late

_HASHES = ("_md5", "_sha1", "_sha3", "_blake2")
_HASHES_OF_TWO = ("_sha2", "_sha256")
"""SHA-2 by its name from Python 3.12 on, and before."""


_OF_TREES = ("pglast.ast", "pglast.enums")


def import_lean() -> None:
    """Import asyncio, hashlib and psycopg without these; whoever imports them afterwards gets them.

    What pglast needs for trees is there when the first one is made.

    For this process asyncio's own TLS streams and `hashlib.scrypt` are not to be had, and psycopg does not
    know its version; nobody here uses them.

    Call it before anything imports asyncio: what is there already stays.
    """
    if "ssl" in sys.modules or "asyncio" in sys.modules:
        return
    import_late(*_OF_TREES)
    hide: dict[str, ModuleType | None] = {"ssl": None}
    if all(map(find_spec, _HASHES)) and any(map(find_spec, _HASHES_OF_TWO)) and "_hashlib" not in sys.modules:
        # Else Python was built with OpenSSL's hashes alone.
        hide["_hashlib"] = None
    if "importlib.metadata" not in sys.modules:
        hide["importlib.metadata"] = _without_metadata()
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]  # None: not to be had
    modules.update(hide)
    try:
        import_module("asyncio")
        import_module("hashlib")
        modules["ssl"] = ModuleType("ssl")
        import_module("psycopg")
    finally:
        for name in hide:
            del modules[name]


def _without_metadata() -> ModuleType:
    """Stands for importlib.metadata where no package has any."""

    class PackageNotFoundError(ModuleNotFoundError):
        pass

    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    made = ModuleType("importlib.metadata")
    vars(made).update(PackageNotFoundError=PackageNotFoundError, version=version)
    return made

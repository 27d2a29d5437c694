"""Changing the file: comments and order stay, it is replaced whole, and nobody else can read it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pgscope.config.columns import ColumnChoice
from pgscope.config.read import ConfigError, parse
from pgscope.config_path import config_path, config_text
from pgscope.text import clean

_HEADER = (
    "# Settings of pgscope. `pgscope config show` prints all of them, `pgscope config check` checks them.\n"
)


def keep_ignored(fingerprint: str, note: str | None, path: Path | None = None) -> None:
    """Keep a finding ignored, with a note; or, with None, no longer. Raises ConfigError."""
    _keep("ignored", fingerprint, note, path)


def keep_columns(table: str, chosen: Sequence[ColumnChoice] | None, path: Path | None = None) -> None:
    """Keep which columns a table shows; with None, that it shows its own. Raises ConfigError."""
    _keep("columns", table, None if chosen is None else [str(one) for one in chosen], path)


def _keep(section: str, key: str, value: str | list[str] | None, path: Path | None) -> None:
    file = config_path() if path is None else path
    try:
        if value is None and not file.exists():
            return
        # A link (into a folder of dot files) stays a link: what it leads to is replaced.
        file = file.resolve()
        with _locked(file.parent):
            text = config_text(file) if file.exists() else _HEADER
            changed = _with(text, section, key, value)
            if changed != text:
                _replace(file, changed)
    except OSError as error:
        raise ConfigError(f"cannot write {_shown(file)}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"cannot change {_shown(file)}: {error}") from None


def _with(text: str, section: str, key: str, value: str | list[str] | None) -> str:
    import tomlkit
    from tomlkit.items import Comment, Table

    parse(text)  # what cannot be read is told as everywhere
    document = tomlkit.parse(text)
    table = document.get(section)
    if table is None and value is None:
        return text
    if table is None:
        table = document[section] = tomlkit.table()
    if not isinstance(table, Table):
        raise ValueError(f"{section} is a table: write [{section}] above its keys")
    if value is not None:
        table[key] = value
    elif key in table:
        del table[key]
        if not table and not any(isinstance(item, Comment) for _, item in table.value.body):
            del document[section]
    changed = tomlkit.dumps(document)
    parse(changed)
    return changed


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Make the folder (0700 if it is new) and keep other pgscopes from changing what is in it meanwhile."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(ImportError):
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(file: Path, text: str) -> None:
    """Put a new file (0600) in the place of the old one; a crash in between leaves the old one."""
    descriptor, name = tempfile.mkstemp(prefix=".config-", suffix=".toml", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _shown(path: Path) -> str:
    return clean(str(path), lines=False)

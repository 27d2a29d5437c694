"""Plans kept in the state folder: a few for each statement, without literals unless asked for."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import platformdirs
from pglast import parser

from pgscope.dataclass import dataclass

_PER_STATEMENT = 20
_IN_ALL = 1000
_LARGEST = 64 << 20
"""Bytes of a file that is read."""
_LATEST = 2.0**37
"""Seconds since the epoch that every calendar can name."""
_LITERAL = re.compile(r"E?'(?:[^']|'')*'|(?<![\w$.\"])-?\d+(?:\.\d+)?(?![\w.])")
_EXPRESSIONS = frozenset(
    (
        *("Filter", "Join Filter", "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "TID Cond"),
        *("One-Time Filter", "Output", "Sort Key", "Group Key", "Presorted Key", "Cache Key", "Order By"),
        *("Function Call", "Conflict Filter", "Run Condition", "Remote SQL", "Table Function Call"),
        *("Sampling Parameters", "Repeatable Seed", "Params Evaluated", "Grouping Sets", "Group Keys"),
    )
)


@dataclass(frozen=True)
class StoredPlan:
    """A plan of a statement as it was made. `at` in seconds since the epoch."""

    at: float
    server: str
    database: str
    queryid: int | None
    text: str
    analyzed: bool
    document: object
    block_size: int = 8192
    """Bytes."""

    @property
    def address(self) -> str:
        """The host and port of its server, without the version: that may have been upgraded since."""
        return self.server.partition(", PostgreSQL ")[0]


class PlanStore:
    """The folder of plans. Its files are only their owner's; what cannot be read there is passed over."""

    def __init__(self, folder: Path | None = None, *, literals: bool = False) -> None:
        """Use this folder, or the user's state folder; `literals` keeps values in texts and conditions."""
        self.folder = folder or Path(platformdirs.user_state_dir("pgscope")) / "plans"
        self._literals = literals

    def save(self, plan: StoredPlan) -> Path:
        """Keep a plan, and forget the oldest beyond the bounds. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.folder.is_symlink():
            raise OSError(f"{self.folder} is a symbolic link: remove it")
        self.folder.chmod(0o700)
        entry = asdict(plan)
        if not self._literals:
            entry["text"] = without_literals(plan.text)
            entry["document"] = redacted(plan.document)
        path = self.folder / f"{_key(plan)}-{int(plan.at * 1000):015d}.json"
        # mkstemp makes the file anew, for its owner only; the rename replaces a link, it does not follow it.
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(entry, file)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._trim(_key(plan))
        return path

    def plans(self, server: str, database: str, queryid: int | None, text: str) -> tuple[StoredPlan, ...]:
        """The plans of a statement, the newest first."""
        key = _key(StoredPlan(0, server, database, queryid, text, False, None))
        found = [_read(path) for path in sorted(self.folder.glob(f"{key}-*.json"), reverse=True)]
        return tuple(plan for plan in found if plan is not None)

    def everything(self) -> tuple[StoredPlan, ...]:
        """All plans, the newest first."""
        found = [plan for path in self.folder.glob("*-*.json") if (plan := _read(path)) is not None]
        return tuple(sorted(found, key=lambda plan: -plan.at))

    def _trim(self, key: str) -> None:
        own = sorted(self.folder.glob(f"{key}-*.json"))
        for path in own[:-_PER_STATEMENT]:
            path.unlink(missing_ok=True)
        rest = sorted(self.folder.glob("*-*.json"), key=lambda path: path.stem.rpartition("-")[2])
        for path in rest[:-_IN_ALL]:
            path.unlink(missing_ok=True)


def _key(plan: StoredPlan) -> str:
    statement = str(plan.queryid) if plan.queryid is not None else without_literals(plan.text)
    return hashlib.sha256(f"{plan.server}\0{plan.database}\0{statement}".encode()).hexdigest()[:24]


def _read(path: Path) -> StoredPlan | None:
    try:
        if path.is_symlink():
            return None
        if path.stat().st_size > _LARGEST:
            return None
        entry = json.loads(path.read_text(encoding="utf-8"))
        plan = StoredPlan(**entry)
        return plan if _possible(plan) else None
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _possible(plan: StoredPlan) -> bool:
    """Whether its fields are what they should be: somebody may have written in the file."""
    texts = (plan.server, plan.database, plan.text)
    numbers = (plan.at, plan.block_size, 0 if plan.queryid is None else plan.queryid)
    return (
        all(isinstance(one, str) for one in texts)
        and all(isinstance(one, (int, float)) for one in numbers)
        and 0 <= plan.at < _LATEST
    )


def without_literals(text: str) -> str:
    """A statement with `$n` for its literals; nothing of a text that does not parse."""
    try:
        return parser.normalize(text)
    except parser.ParseError:
        return ""


def redacted(document: object) -> object:
    """The JSON of a plan with `?` for the literals of its expressions."""
    if isinstance(document, list):
        return [redacted(item) for item in document]
    if not isinstance(document, Mapping):
        return document
    found: dict[str, object] = {}
    for key, value in document.items():
        if key in _EXPRESSIONS:
            found[key] = _hide(value)
        else:
            found[key] = redacted(value)
    return found


def _hide(value: object) -> object:
    if isinstance(value, str):
        return _hidden(value)
    if isinstance(value, list):
        return [_hide(item) for item in value]
    return redacted(value)


def _hidden(expression: str) -> str:
    """Literals as `?`; the numbers of InitPlans and SubPlans stay, since the tree refers to them."""
    pieces = re.split(r"((?:Init|Sub)Plan \d+)", expression)
    return "".join(piece if place % 2 else _LITERAL.sub("?", piece) for place, piece in enumerate(pieces))

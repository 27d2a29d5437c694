"""What is asked for, what comes back, and why it may be refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import TypeAlias

from pgscope.dataclass import dataclass
from pgscope.errors import EXIT_REFUSED, PgscopeError

Value: TypeAlias = "str | tuple[str | None, ...] | None"
"""A parameter's value as text; None is NULL; several are the elements of a list that was merged into one."""


class Lift(Enum):
    """What makes an obstacle go away."""

    FUNCTIONS = "--allow-functions"
    SUPERUSER = "--allow-superuser-analyze"
    ELSEWHERE = "--explain-conninfo"


class Pick(Enum):
    """Which value of a column's statistics stands in for a parameter."""

    COMMON = "most common"
    TYPICAL = "typical"
    RARE = "rare"


@dataclass(frozen=True)
class Obstacle:
    """One thing that stands in the way: the reason, its place in the text, and what would lift it."""

    reason: str
    position: int | None = None
    """Characters from the start of the text, from 0; None where no place in the text can be named."""
    lifts: frozenset[Lift] = frozenset()
    """All of these together lift it; none of them if empty."""


class Refused(PgscopeError):
    """The statement will not be sent; `obstacles` say why, the first of them in the message."""

    status = EXIT_REFUSED
    text = ""
    """The statement that `position` is a place in, where it is known."""

    def __init__(self, obstacles: tuple[Obstacle, ...]) -> None:
        """Refuse for these reasons, at least one."""
        self.obstacles = obstacles
        first = obstacles[0]
        where = f" (at character {first.position + 1})" if first.position is not None else ""
        lifts = " with ".join(sorted(lift.value for lift in first.lifts))
        super().__init__(f"refused: {first.reason}{where}" + (f"; {lifts} allows it" if lifts else ""))

    @property
    def reason(self) -> str:
        """The first reason."""
        return self.obstacles[0].reason

    @property
    def position(self) -> int | None:
        """Where in the text, from 0."""
        return self.obstacles[0].position


class ExplainFailed(PgscopeError):
    """The server could not plan or run it; the message says why and what to do."""

    status = EXIT_REFUSED
    text = ""
    """The statement that `position` is a place in, where it is known."""

    def __init__(self, message: str, sqlstate: str = "", position: int | None = None) -> None:
        """With the server's SQLSTATE and the place in the text, from 0."""
        self.sqlstate = sqlstate
        self.position = position
        super().__init__(message)


@dataclass(frozen=True)
class ExplainRequest:
    """A statement to explain. Times in ms."""

    text: str
    database: str | None = None
    """The session's database; None keeps that of the connection."""
    user: str | None = None
    """Whose statement it is: its role and search_path are taken where that is allowed."""
    queryid: int | None = None
    analyze: bool = False
    values: Mapping[int, Value] = field(default_factory=dict)
    """Values for `$n`, which win over those of `pick`."""
    pick: Pick | None = None
    """Take values that are not given from pg_stats."""
    search_path: str | None = None
    """Instead of the role's own."""
    text_limit: int | None = None
    """track_activity_query_size, for a text of pg_stat_activity: one as long as that was cut off."""
    allow_functions: bool = False
    allow_superuser_analyze: bool = False
    elsewhere: bool = False
    """The target is another server, named for the purpose by the person: writes may run there."""
    timeout_ms: int = 30_000
    lock_timeout_ms: int = 1_000
    list_length: int = 10
    """How many elements stand for a list that the server merged into one parameter."""


@dataclass(frozen=True)
class Origin:
    """A value used for a parameter, and where it came from."""

    value: str | None
    source: str


@dataclass(frozen=True)
class ExplainResult:
    """A plan as the server made it, and the circumstances. Times in ms."""

    document: object
    """What json.loads makes of EXPLAIN (FORMAT JSON)."""
    text: str
    """The text that was planned: the one asked for, or rewritten where the server could not take it."""
    server: str
    """Which server made it: host, port, version."""
    elsewhere: bool
    database: str
    role: str
    search_path: str
    analyzed: bool
    generic: bool
    """Whether it is a generic plan: parameters without values."""
    block_size: int
    """Bytes, of that server."""
    identifier: int | None
    """The Query Identifier that the server gave it."""
    same_statement: bool | None
    """Whether that equals the one asked about; None where either is unknown. Unequal proves nothing."""
    parameters: Mapping[int, Origin] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    elapsed_ms: float = 0.0

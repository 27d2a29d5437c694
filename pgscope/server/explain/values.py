"""Values for parameters from pg_stats: the most common (the worst case), a typical one, a rare one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pglast import ast
from psycopg.rows import dict_row

from pgscope.dataclass import dataclass
from pgscope.server.connection import Connection
from pgscope.server.explain.columns import Compared, compared
from pgscope.server.explain.reach import walk
from pgscope.server.explain.request import Origin, Pick
from pgscope.server.queries import query
from pgscope.text import clean

_ELEMENTS = 10
"""Of an array that is not known, as the planner has it."""


@dataclass(frozen=True)
class ColumnStatistics:
    """What pg_stats holds of a column, as text."""

    common: tuple[str, ...]
    frequencies: tuple[float, ...]
    histogram: tuple[str, ...]


async def choices(
    connection: Connection, document: object, tree: object, lists: Mapping[int, Sequence[int]]
) -> dict[int, dict[Pick, Origin]]:
    """What pg_stats offers for each parameter of a generic plan. The search_path must be pg_catalog."""
    columns = compared(document)
    statistics = await _read(connection, columns)
    followers = {number: place for numbers in lists.values() for place, number in enumerate(numbers)}
    found: dict[int, dict[Pick, Origin]] = {}
    used: Counter[Compared] = Counter()
    for number, column in sorted(columns.items()):
        if column in statistics and column.many:
            found[number] = _several(column, statistics[column])
        elif column in statistics:
            # Of IN ($1, $2) each is another value.
            place = followers.get(number, used[column])
            used[column] += 1
            found[number] = offered(column, statistics[column], place)
    for number, (value, source) in _limits(tree).items():
        found.setdefault(number, dict.fromkeys(Pick, Origin(value, source)))
    return {number: picks for number, picks in found.items() if picks}


def offered(column: Compared, statistics: ColumnStatistics, place: int = 0) -> dict[Pick, Origin]:
    """The three values of a column; `place` counts the elements of a list, which should differ."""
    name = clean(f"{column.table}.{column.column}", lines=False)
    common, histogram = statistics.common, statistics.histogram
    found: dict[Pick, Origin] = {}
    if column.operator in ("<", ">", "<=", ">=") and histogram:
        for pick, share in ((Pick.COMMON, 0.9), (Pick.TYPICAL, 0.5), (Pick.RARE, 0.02)):
            # How much of the table the comparison should let through.
            at = share if column.operator.startswith("<") else 1 - share
            value = histogram[min(int(at * (len(histogram) - 1) + 0.5), len(histogram) - 1)]
            found[pick] = Origin(
                value, f"{name} {column.operator} it for about {share:.0%} of rows (pg_stats)"
            )
        return found
    if common:
        most = min(place, len(common) - 1)
        found[Pick.COMMON] = Origin(
            common[most],
            f"{_ordinal(most)}most common value of {name}, {_share(statistics, most)} (pg_stats)",
        )
    if histogram:
        middle = (len(histogram) // 2 + place) % len(histogram)
        found[Pick.TYPICAL] = Origin(
            histogram[middle], f"a typical value of {name}: none of the common (pg_stats)"
        )
        rare = (len(histogram) // 4 + place) % len(histogram)
        found[Pick.RARE] = Origin(histogram[rare], f"a rare value of {name} (pg_stats)")
        found.setdefault(Pick.COMMON, Origin(histogram[middle], f"no value of {name} is common (pg_stats)"))
    elif common:
        middle = (len(common) // 2 + place) % len(common)
        last = max(len(common) - 1 - place, 0)
        found[Pick.TYPICAL] = Origin(
            common[middle], f"a typical value of {name}, {_share(statistics, middle)} (pg_stats)"
        )
        found[Pick.RARE] = Origin(
            common[last], f"a rare value of {name}, {_share(statistics, last)} (pg_stats)"
        )
    return found


def _several(column: Compared, statistics: ColumnStatistics) -> dict[Pick, Origin]:
    """Values of a column as an array, as many different ones as the planner takes for one not known."""
    each = [offered(column, statistics, place) for place in range(_ELEMENTS)]
    found: dict[Pick, Origin] = {}
    for pick, first in each[0].items():
        values = list(dict.fromkeys(str(one[pick].value) for one in each if pick in one))
        quoted = (value.replace("\\", r"\\").replace('"', r"\"") for value in values)
        listed = "{" + ",".join(f'"{value}"' for value in quoted) + "}"
        found[pick] = Origin(listed, f"{len(values)} values; the first: {first.source}")
    return found


def _ordinal(place: int) -> str:
    return "" if place == 0 else f"{place + 1}. "


def _share(statistics: ColumnStatistics, place: int) -> str:
    frequency = statistics.frequencies[place] if place < len(statistics.frequencies) else 0.0
    return f"{frequency:.1%} of rows"


async def _read(connection: Connection, columns: Mapping[int, Compared]) -> dict[Compared, ColumnStatistics]:
    wanted = list(dict.fromkeys(columns.values()))
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            query("explain_statistics", 14),
            {
                "n": list(range(len(wanted))),
                "schemas": [column.schema for column in wanted],
                "tables": [column.table for column in wanted],
                "columns": [column.column for column in wanted],
            },
        )
        rows = await cursor.fetchall()
    found: dict[Compared, ColumnStatistics] = {}
    for row in rows:
        statistics = ColumnStatistics(
            tuple(row["common"] or ()), tuple(row["frequencies"] or ()), tuple(row["histogram"] or ())
        )
        found.setdefault(wanted[row["n"]], statistics)
    return found


def _limits(tree: object) -> dict[int, tuple[str, str]]:
    found: dict[int, tuple[str, str]] = {}
    for node in walk(tree):
        if isinstance(node, ast.SelectStmt):
            if isinstance(node.limitCount, ast.ParamRef):
                found[node.limitCount.number or 0] = ("10", "LIMIT, a guess")
            if isinstance(node.limitOffset, ast.ParamRef):
                found[node.limitOffset.number or 0] = ("0", "OFFSET, a guess")
    return found

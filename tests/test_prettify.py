"""Laying out SQL: what parses is laid out and still the same, what does not stays as it is."""

from __future__ import annotations

import pytest
from pglast import parser

from pgscope.analysis.prettify import LONGEST, prettify


def test_lays_out_and_keeps_comments() -> None:
    sql = "/*app='shop'*/ select a.id, b.name from a join b on b.id = a.b_id where a.x = $1 and b.y in ($2)"
    laid_out = prettify(sql)
    assert laid_out.count("\n") >= 2
    assert "app='shop'" in laid_out
    assert parser.fingerprint(laid_out) == parser.fingerprint(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "selec",
        "SELECT 'cut off",
        "SELECT " + "(" * 3000 + "1",
        "SELECT " + "x, " * LONGEST + "1",
        "\u2400 not sql \u241b[31m",
        "SELECT \ud800",
    ],
)
def test_leaves_what_does_not_parse(sql: str) -> None:
    assert prettify(sql) == sql

"""Tags in comments, in both forms, from anybody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgscope.analysis.tags import NO_TAGS, Tags, tags_of

TRACE = "00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01"


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (
            "SELECT * FROM t /*action='%2Fparam*d',controller='index',framework='spring',"
            f"traceparent='{TRACE}',tracestate='congo%3Dt61rcWkgMzE'*/",
            Tags(
                action="/param*d",
                controller="index",
                framework="spring",
                traceparent=TRACE,
                others={"tracestate": "congo=t61rcWkgMzE"},
            ),
        ),
        (
            "/*application:Shop,controller:orders,action:index*/ SELECT 1",
            Tags(application="Shop", controller="orders", action="index"),
        ),
        ("select 1 /*route='^users/(%3FP%3Cid%3E%5Cd%2B)$'*/", Tags(route="^users/(?P<id>\\d+)$")),
        ("select 1 /* app='x' , route='y' */", Tags(application="x", route="y")),
        (
            "select 1 /*name='DROP%20TABLE%20FOO',v='it\\'s'*/",
            Tags(others={"name": "DROP TABLE FOO", "v": "it's"}),
        ),
        ("select '/*route=''no''*/', $$/*route='no'*/$$ -- /*route='no'*/", NO_TAGS),
        ("select 1 /* just a remark */", NO_TAGS),
        ("select 1 /* see http://example.org, it says: so */", NO_TAGS),
        ("select 1 /*route='a',action='cut of", Tags(route="a")),
        ("select 1 /*route='cut of", NO_TAGS),
        ("select 1 /*traceparent='nonsense',route='a'*/", Tags(route="a")),
        ("select 1 /*+ IndexScan(t) */ /*route='a'*/", Tags(route="a")),
        ("select 1 /* outer /*route='a'*/ */", NO_TAGS),
        ("select 1", NO_TAGS),
        ("", NO_TAGS),
    ],
)
def test_tags(text: str, tags: Tags) -> None:
    assert tags_of(text) == tags


def test_place() -> None:
    assert tags_of("/*controller:orders,action:index*/ select 1").place == "orders#index"
    assert tags_of("/*route='/orders',action='index'*/ select 1").place == "/orders"
    assert not NO_TAGS


def test_what_a_terminal_would_obey_is_gone() -> None:
    tags = tags_of("select 1 /*route='%1B%5B31m%E2%80%AE',application='%00'*/")
    assert "\x1b" not in tags.route
    assert "\u202e" not in tags.route
    assert tags.application == "\u2400"


@pytest.mark.parametrize(
    "piece", ["/*", "/*a='", "'", "$$", "/*a='b',", "a:b,", "\\'", "/*" + "a=" * 50, "''"]
)
def test_hostile_repetition_is_quick(piece: str) -> None:
    for end in ("", "*/", "'*/", "x"):
        tags_of(piece * 20_000 + end)


@given(st.text(alphabet="/*'=:,%\\$\"-ab \n"))
def test_never_fails(text: str) -> None:
    tags = tags_of(text)
    assert all(value.isprintable() for value in (tags.route, *tags.others.values()))

"""Hostile text in every view of a real terminal: only printable text and pgscope's own sequences come out."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from textual.screen import Screen

import pgscope.tui
from pgscope.text import clean

CHILD = Path(__file__).with_name("hostile_child.py")
PATIENCE = 90.0
ESC = "\x1b"
KEYS = {
    # Each view and each detail that there is; with the load graph, the columns, questions and notices.
    "one": (
        *("g", "b", "\r", "g", "\t", "G", ESC, "2", "\r", "f", ESC, "C", "j", ESC, "3", "\r", "f", "y", ESC),
        *("4", "\t", "\r", ESC, "\t", "5", "\r", "f", "y", ESC, "i", ESC, "I", ESC, "6", "?", ESC, "n", ESC),
    ),
    "fleet": (
        *(
            "G",
            "\t",
            "G",
            "0",
            "\t",
            "\r",
            ESC,
            "0",
            "\r",
            "D",
            "j",
            "j",
            "\r",
            ESC,
            "G",
            ESC,
            "2",
            "c",
            ESC,
            "4",
            "R",
            ESC,
        ),
        *("6", "\r", "b", "\t", "\t", "a", "i", ESC, "c", "G", ESC, "3", "E", ESC, "e", ESC, "n", ESC),
    ),
    "uncounted": (
        "3",
        "g",
        "\r",
        "f",
        ESC,
        "G",
        "\r",
        "f",
        ESC,
        "j",
        "\r",
        ESC,
        "m",
        "i",
        "1",
        "\r",
        ESC,
        "n",
        ESC,
    ),
    "replay": (
        "2",
        "\r",
        ESC,
        "3",
        "\r",
        ESC,
        "4",
        "\t",
        "\r",
        ESC,
        "[",
        ",",
        ".",
        ")",
        "(",
        "@",
        "x",
        "\r",
        ESC,
        "5",
        "\r",
        ESC,
    ),
}
SCREENS = {
    *(
        "ApplicationsView",
        "SessionsView",
        "StatementsView",
        "LocksView",
        "FindingsView",
        "PlansView",
        "FleetView",
    ),
    *(
        "GroupScreen",
        "SessionScreen",
        "StatementScreen",
        "LiveStatementScreen",
        "FindingScreen",
        "IgnoredScreen",
    ),
    *("PlanScreen", "CompareScreen", "AskAnalyze", "DoctorScreen", "AskScreen", "ColumnsScreen"),
    *("NoticesScreen", "HelpScreen", "JumpScreen", "IgnoreScreen", "ItemScreen", "WaitScreen"),
}
"""All that there are: a new one must be led through too."""
SHOWN = "[/x][@click=app.quit]h0stile"
SEQUENCE = re.compile(
    r"\x1b(?:\[([<-?]?)[0-9;:]*([ -/]*[@-~])|([\]P_^X])(\d*)[^\x07\x1b]*(?:\x07|\x1b\\)|([ -/]*[0-~]))"
)

nasty = st.sampled_from(
    [
        "\x1b]52;c;eA==\x07",
        "\x1b]0;t\x07",
        "\x1bP+q544e\x1b\\",
        "\x1b[2J",
        "\x1b[6n",
        "\x9b31m",
        "\x9d0;t\x9c",
        "\x07\x08\r\x0e",
        "\u202e\u2066",
        "\u200b\u200d\ufeff\u00ad",
        "e" + "\u0301" * 40,
        "\U0001f468\u200d\U0001f469",
        "[red]b[/red][/]",
        "[@click=app.quit]x",
        "\U000e0041\u2028\u2029",
        "\x00",
        "\ta\nb\t",
        "\uff21\u3042",
    ]
)
hostile = st.lists(
    st.one_of(nasty, st.text(st.characters(codec="utf-8"), max_size=8)), min_size=1, max_size=6
).map("".join)


def written(texts: Sequence[str], file: Path, mode: str) -> str:
    """All that pgscope writes to a terminal while it is led through its views."""
    file.write_text(json.dumps(texts), encoding="utf-8")
    environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    child = pexpect.spawn(
        sys.executable, [str(CHILD), str(file), mode], dimensions=(30, 120), env=environment, timeout=PATIENCE
    )
    screen = pyte.Screen(120, 30)
    stream = pyte.ByteStream(screen)
    raw = b""
    deadline = time.monotonic() + PATIENCE

    def read(quiet: float) -> bool:
        """Take in what comes until nothing does for so long; whether it still runs."""
        nonlocal raw
        while True:
            assert time.monotonic() < deadline, "it does not end"
            try:
                got: bytes = child.read_nonblocking(65536, timeout=quiet)  # type: ignore[assignment]
            except pexpect.TIMEOUT:
                return True
            except pexpect.EOF:
                return False
            raw += got

    fed = 0
    while "Applications" not in "\n".join(screen.display):
        assert read(0.1), "it ended"
        new, fed = raw[fed:], len(raw)
        stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\[[0-9;]* q", b"", new))
    read(1.0)
    for key in KEYS[mode]:
        child.send(key)
        assert read(0.2), f"it ended at {key!r}"
    child.send("\x11")
    while read(0.3):
        pass
    child.close()
    assert child.exitstatus == 0
    return raw.decode("utf-8")


def kinds(output: str) -> set[str]:
    """Which control sequences are in an output, without their numbers."""
    return {"".join(part or "" for part in match.groups()) for match in SEQUENCE.finditer(output)}


def check(output: str, own: set[str]) -> None:
    assert kinds(output) <= own
    rest = SEQUENCE.sub("", output)
    controls = {char for char in rest if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0}
    assert controls <= {"\r", "\n", "\x0f"}, controls
    for line in re.split("[\r\n\x0f]+", rest):
        assert clean(line, lines=False) == line, line[:300]


def every_screen() -> set[str]:
    """The names of all screens of pgscope."""
    for module in pkgutil.walk_packages(pgscope.tui.__path__, "pgscope.tui."):
        importlib.import_module(module.name)
    found: set[type[Screen[Any]]] = set()
    unseen: list[type[Screen[Any]]] = [Screen]
    while unseen:
        children = [one for one in unseen.pop().__subclasses__() if one not in found]
        found |= set(children)
        unseen += children
    names = {one.__name__ for one in found if one.__module__.startswith("pgscope.")}
    return names - {"Frame", "SessionFrame"}


def test_each_view_and_detail_is_led_through() -> None:
    assert every_screen() == SCREENS


@pytest.fixture(scope="module")
def seen() -> Iterator[set[str]]:
    """The screens that were up in any mode."""
    names: set[str] = set()
    yield names
    # Where only some of the modes were run nothing can be said.
    assert not names >= set(KEYS) or names >= SCREENS, f"never up: {SCREENS - names}"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The control sequences that come out where nothing is hostile."""
    found = kinds(written(["select"], tmp_path_factory.mktemp("own") / "texts.json", "one"))
    assert {"m", "H"} & found
    return found


@pytest.mark.parametrize("mode", KEYS)
def test_only_what_is_pgscopes_own_reaches_the_terminal(
    mode: str, tmp_path: Path, own: set[str], seen: set[str]
) -> None:
    file = tmp_path / "texts.json"

    @settings(
        max_examples=1,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(hostile, min_size=100, max_size=120, unique=True))
    def fuzz(texts: list[str]) -> None:
        output = written([SHOWN, *(f"h0stile{one}" for one in texts)], file, mode)
        assert "h0stile" in output
        check(output, own)
        seen.add(mode)
        seen.update(json.loads(file.with_name("texts.json.screens").read_text()))

    fuzz()

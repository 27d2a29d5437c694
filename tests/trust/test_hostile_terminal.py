"""Hostile text in every view of a real terminal: only printable text and pgscope's own sequences come out."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pexpect
import pyte
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pgscope.text import clean

CHILD = Path(__file__).with_name("hostile_child.py")
PATIENCE = 90.0
KEYS = ("\r", "\x1b", "2", "\r", "\x1b", "3", "\r", "\x1b", "4", "\t", "5", "6", "?", "\x1b", "n", "\x1b")
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
        "\uff21\u3042",
    ]
)
hostile = st.lists(
    st.one_of(nasty, st.text(st.characters(codec="utf-8"), max_size=8)), min_size=1, max_size=6
).map("".join)


def written(texts: Sequence[str], file: Path) -> str:
    """All that pgscope writes to a terminal while it is led through its views."""
    file.write_text(json.dumps(texts), encoding="utf-8")
    environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    child = pexpect.spawn(
        sys.executable, [str(CHILD), str(file)], dimensions=(30, 120), env=environment, timeout=PATIENCE
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
            stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\[[0-9;]* q", b"", got))

    while "1 Applications" not in "\n".join(screen.display):
        assert read(0.1), "it ended"
    for key in KEYS:
        child.send(key)
        assert read(0.15), f"it ended at {key!r}"
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


def test_only_what_is_pgscopes_own_reaches_the_terminal(tmp_path: Path) -> None:
    own = kinds(written(["select"], tmp_path / "texts.json"))
    assert {"m", "H"} & own

    @settings(
        max_examples=1,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(hostile, min_size=100, max_size=120, unique=True))
    def fuzz(texts: list[str]) -> None:
        output = written([SHOWN, *texts], tmp_path / "texts.json")
        assert SHOWN in output
        check(output, own)

    fuzz()

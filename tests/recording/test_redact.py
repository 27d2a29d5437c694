"""--redact: no constant of a statement is in the file; a password never is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pgscope.capture.recording.file import Bounds, RecordingFile
from pgscope.capture.recording.redact import UNREADABLE, Redactor, redacted
from pgscope.cli import main
from pgscope.packed import Texts
from pgscope.sample import Disconnected, Poll, StatementTexts
from tests.recording.streams import later, shop
from tests.recording.test_format import decompressed
from tests.tui.recorded import changed
from tests.tui.samples import read, recorded

SECRET = "xyzzy-4711-plugh"
NUMBER = "8675309123"
TEXTS = [
    f"SELECT * FROM t WHERE name = '{SECRET}' AND id = {NUMBER}",
    f"SELECT '{SECRET}",
    f"SELECT * FROM t WHERE name = '{SECRET}' AND (",
    f"SELECT 1 /* {SECRET} */ -- {NUMBER}",
    f"SELECT $tag${SECRET}$tag$, E'\\n{SECRET}', U&'{SECRET}', B'0', {NUMBER}.5e3",
    f"ALTER ROLE bob PASSWORD '{SECRET}'",
    f"alter role bob pasword {SECRET}",
    f"SELECT dblink_connect('host=h user=u password={SECRET}')",
    f"CREATE SUBSCRIPTION s CONNECTION 'postgresql://u:{SECRET}@h/db' PUBLICATION p",
    f"DO $$ BEGIN PERFORM f('{SECRET}'); END $$",
    f"COPY t FROM STDIN; {SECRET} it's",
    f"INSERT INTO t VALUES ('{SECRET}', {NUMBER}), ('ä{SECRET}', -{NUMBER})",
    f"/* {'/*' * 50} {SECRET}",
]


@pytest.mark.parametrize("text", TEXTS)
def test_no_constant_is_in_the_file(text: str, tmp_path: Path) -> None:
    stream = [*changed(shop(), lambda _: text, str), *later(changed(shop(), lambda old: old, str), 200)]
    recorded(tmp_path / "a", stream, redact=True)
    written = decompressed((tmp_path / "a").read_bytes())
    assert SECRET.encode() not in written
    assert NUMBER.encode() not in written
    recorded(tmp_path / "b", stream)
    assert b"FROM" in decompressed((tmp_path / "b").read_bytes()), "the search finds what is there"


def test_what_was_live_is_as_in_pg_stat_statements() -> None:
    assert redacted("SELECT a FROM t WHERE b = 'x' AND c > -1.5 LIMIT 10 -- y") == (
        "SELECT a FROM t WHERE b = $1 AND c > -$2 LIMIT $3"
    )
    assert redacted("SELECT $1, 5") == "SELECT $1, $2"
    assert redacted("SELECT 'cut o") == UNREADABLE
    assert redacted("<insufficient privilege>") == "<insufficient privilege>"
    assert redacted("") == ""


def test_statements_without_constants_stay_readable(tmp_path: Path) -> None:
    recorded(tmp_path / "a", shop(), redact=True)
    texts = [
        text for one in read(tmp_path / "a") if isinstance(one, StatementTexts) for text in one.texts.values()
    ]
    assert len(texts) > 20
    assert sum(text != UNREADABLE for text in texts) > 0.9 * len(texts)


@pytest.mark.parametrize("text", [text for text in TEXTS if "ssword" in text.lower() or "://" in text])
def test_passwords_are_never_written(text: str, tmp_path: Path) -> None:
    stream = changed(shop(), lambda _: text, str)
    poll = next(one for one in stream if isinstance(one, Poll))
    stream.append(Disconnected(poll.at, poll.mono, f"bad: postgresql://u:{SECRET}@h/d password={SECRET} x"))
    recorded(tmp_path / "a", stream)
    assert SECRET.encode() not in decompressed((tmp_path / "a").read_bytes())


def test_what_is_written_as_it_is_is_kept_once() -> None:
    long = ", ".join(f"column_{n}" for n in range(1_000))
    texts = Texts(
        {(1, 1): f"select {long} from t", (1, 2): f"select {long} from t where password = 'hunter2'"}
    )
    written = Redactor(constants=False).sample(StatementTexts(1.0, 1.0, texts))
    assert isinstance(written, StatementTexts)
    assert isinstance(written.texts, Texts)
    assert written.texts.packed[(1, 1)] is texts.packed[(1, 1)]
    assert "hunter2" in texts[(1, 2)]
    assert "hunter2" not in written.texts[(1, 2)]


ALL = "constants of statements were taken out when it was recorded"
SOME = "constants of statements were taken out of a part of it only"


@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ((True, True), ALL),
        ((True, False), SOME),
        ((False, True), SOME),
        ((False, True, False), SOME),
        ((False, False), ""),
    ],
)
def test_it_is_said_of_all_only_if_it_holds_for_all(
    runs: tuple[bool, ...], said: str, rotated: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, redact in enumerate(runs):
        # What is recorded long ago is rotated at once where the age is bounded.
        bounds = Bounds() if rotated else Bounds(age=0)
        recorded(tmp_path / "a", later(shop()[:30], 1000.0 * number), redact=redact, bounds=bounds)
    assert (tmp_path / "a.1").exists() == rotated
    assert main(["report", "--from", str(tmp_path / "a"), "--format", "json"]) == 0
    notices = json.loads(capsys.readouterr().out)["notices"]
    assert [one for one in notices if "constants" in one] == ([said] if said else [])


def test_to_go_on_with_another_setting_is_warned_of(tmp_path: Path) -> None:
    told: list[str] = []
    for redact in (False, False, True, True, False):
        file = RecordingFile(tmp_path / "a", redact=redact, bounds=Bounds(age=0), trouble=told.append)
        for one in shop()[:10]:
            file.write(one)
        file.close()
    assert told == [
        f"{tmp_path / 'a'} has constants of statements so far, and they stay: only what is recorded from now"
        " on has none",
        f"{tmp_path / 'a'} was recorded with --redact so far: from now on constants of statements are in it",
    ]

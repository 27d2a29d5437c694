"""`pgscope report --from`: the same report as of a live watch, of a stretch of a recording, in each form."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pgscope.analysis.findings import FindingSettings
from pgscope.analysis.watch import Watch
from pgscope.cli import main
from pgscope.embedded import EmbeddedServer
from pgscope.report.document import document
from pgscope.report.times import clock, epoch, moment, within
from pgscope.sample import Poll
from tests.recording.streams import later, shop
from tests.tui.recorded import changed
from tests.tui.samples import recorded

HOSTILE = "</pre></style><script src=http://evil/x.js>alert(1)</script><img src=x onerror=y> \" ' & \x1b[31m"
LONG = [*shop(), *later(shop(), 200)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    recorded(tmp_path / "a.rec", LONG)
    return tmp_path / "a.rec"


def report(capsys: pytest.CaptureFixture[str], file: Path, *options: str) -> str:
    assert main(["report", "--from", str(file), *options]) == 0
    return capsys.readouterr().out


def test_it_is_the_report_of_the_samples(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(report(capsys, file, "--format", "json"))
    watch = Watch()
    for one in LONG:
        watch.feed(one)
    expected = json.loads(json.dumps(document(watch)))
    assert str(file) in found["notices"][0]
    for part in ("server", "applications", "statements", "lock_waits", "findings"):
        assert rounded(found[part]) == rounded(expected[part]), part
    assert found["lock_waits"] and found["statements"] and found["load"]


def test_read_without_haste_it_comes_to_the_same(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    from pgscope.cli import recorded as reading
    from pgscope.cli.parser import build_parser

    arguments = build_parser().parse_args(["report", "--from", str(file)])
    asked: list[float] = []
    plain = Watch.every

    def every(watch: Watch, seconds: float) -> None:
        asked.append(seconds)
        plain(watch, seconds)

    monkeypatch.setattr(Watch, "every", every)
    hurried = document(reading.watch_recorded(arguments, FindingSettings()).watch)
    assert asked == [0.0]
    monkeypatch.setattr(reading, "_LONG", 60.0)
    unhurried = document(reading.watch_recorded(arguments, FindingSettings()).watch)
    assert asked == [0.0, reading._UNHURRIED, 0.0]
    for part in ("server", "totals", "applications", "statements", "lock_waits", "load"):
        assert unhurried[part] == hurried[part], part
    assert found_in(unhurried) == found_in(hurried) != []


def found_in(content: dict[str, Any]) -> list[tuple[str, Any]]:
    """Kinds of findings and their statements."""
    return sorted(
        (one["kind"], (one["statement"] or {}).get("fingerprint", "")) for one in content["findings"]
    )


def rounded(value: object) -> object:
    """Without what a recording need not keep: digits below 10 ns, and what follows from them."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 1) if isinstance(value, float) else value


def test_a_stretch_of_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = LONG[0].at
    found = json.loads(report(capsys, file, "--format", "json", "--since", "+20s", "--until", "+60s"))
    polls = [one for one in LONG if isinstance(one, Poll) and start + 20 <= one.at <= start + 60]
    assert found["window"]["polls"] == len(polls)
    assert all(one["query"] for one in found["statements"]), "the texts were told before"
    at = datetime.fromtimestamp(start + 60, timezone.utc).isoformat()
    again = json.loads(report(capsys, file, "--format", "json", "--since", "+20s", "--until", at))
    assert again["window"]["polls"] == len(polls)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--since", "soon"], "is not a time"),
        (["--since", "+60s", "--until", "+20s"], "not before"),
        (["--since", "+3d"], "no sample in that time; the recording runs from 20"),
        (["--until", "-3d"], "no sample in that time; the recording runs from 20"),
        (["shop"], "not both"),
    ],
)
def test_what_cannot_be_is_one_line(
    options: list[str], words: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--from", str(file), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_recording_that_begins_later_says_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(report(capsys, file, "--format", "json", "--since", "-3h"))
    assert any("begins later than --since -3h: the recording runs" in one for one in found["notices"])
    assert "begins later" in report(capsys, file, "--since", "-3h")
    assert "begins later" not in report(capsys, file, "--since", "+5s")


@pytest.mark.parametrize("at", ["-3h", "+3h", "2001-01-01 03:10"])
def test_a_replay_from_outside_of_the_recording_is_refused(
    at: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(file), "--at", at]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--at: nothing was recorded then: the recording runs from 20" in line


def test_the_first_minute_may_be_named_without_seconds() -> None:
    assert within(100.0, 130.0, 200.0) == 130.0
    assert within(150.0, 130.0, 200.0) == 150.0
    with pytest.raises(ValueError, match="nothing was recorded"):
        within(60.0, 130.0, 200.0)


def test_since_is_for_recordings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--since", "03:00"]) == 2
    assert "--from" in capsys.readouterr().err


def test_damage_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    found = json.loads(report(capsys, file, "--format", "json"))
    assert any("cut off at byte" in notice for notice in found["notices"])
    assert "cut off at byte" in report(capsys, file)


def test_a_wait_says_when_it_began(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waits = json.loads(report(capsys, file, "--format", "json"))["lock_waits"]
    longest = max(waits, key=lambda one: one["waited_seconds"])
    began = epoch(longest["last_seen"]) - longest["waited_seconds"]
    row = next(line for line in report(capsys, file).splitlines() if f" {longest['pid']} " in line)
    assert row.split()[0] == clock(began, began, began)


def test_a_moment_has_its_day_where_there_are_several() -> None:
    noon = datetime(2026, 11, 22, 12, 0).timestamp()
    assert clock(noon, noon - 60, noon + 60) == "12:00:00"
    assert clock(noon, noon - 86400, noon) == "2026-11-22 12:00:00"
    assert moment(clock(noon, noon - 86400, noon), noon - 86400, noon) == noon


def test_the_gate_holds_for_recordings(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = {one["kind"] for one in json.loads(report(capsys, file, "--format", "json"))["findings"]}
    assert kinds
    arguments = ["report", "--from", str(file), "--fail-on"]
    assert main([*arguments, next(iter(kinds))]) == 1


def test_the_page_needs_nothing_and_obeys_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(tmp_path / "b", changed(LONG, lambda text: text + HOSTILE, lambda name: name + HOSTILE))
    page = report(capsys, tmp_path / "b", "--format", "html")
    reader = _Page()
    reader.feed(page)
    assert not reader.open, "every element is closed"
    assert not {"script", "img", "link", "iframe", "object", "embed", "form", "base"} & reader.tags
    assert not {name for name in reader.attributes if name.startswith("on") or name in ("src", "href")}
    assert not re.search(r"url\(|@import", page[: page.index("</style>")])
    assert "\x1b" not in page
    assert "&lt;script src=http://evil/x.js&gt;" in page
    assert reader.tags >= {"svg", "rect", "table", "figure"}


def test_the_page_has_the_plots(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = report(capsys, file, "--format", "html")
    assert "Active sessions by application over time" in page
    assert "Waits for locks over time" in page
    assert "Remedy:" in page
    found = json.loads(report(capsys, file, "--format", "json"))
    for one in found["findings"]:
        assert one["evidence"][0]["text"].split("<")[0].split("&")[0].split("'")[0][:30] in page
    names = {name for span in found["load"] for name in span["active"]}
    assert all(f"{name}</li>" in page for name in names if name)


def test_a_live_report_can_be_a_page(
    pg: EmbeddedServer, pg_major: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", pg.conninfo, "--duration", "0.5", "--format", "html"]) == 0
    page = capsys.readouterr().out
    reader = _Page()
    reader.feed(page)
    assert not reader.open
    assert f"PostgreSQL {pg_major}." in page


def test_times_as_people_type_them() -> None:
    end = datetime(2026, 11, 22, 6, 0).astimezone().timestamp()
    start = end - 43200.0
    assert moment("-10m", start, end) == end - 600
    assert moment("+90", start, end) == start + 90
    assert moment("05:30", start, end) == end - 1800
    assert moment("23:00:30", start, end) == end - 7 * 3600 + 30, "the evening before"
    assert moment("2026-11-22 05:00", start, end) == end - 3600
    assert (
        moment("2026-11-22T05:00:00Z", start, end)
        == datetime(2026, 11, 22, 5, tzinfo=timezone.utc).timestamp()
    )
    for wrong in ("", "25:00", "now", "12"):
        with pytest.raises(ValueError, match="is not a time"):
            moment(wrong, start, end)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time of Berlin, by its rule: needs no files of zones."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


def utc(written: str) -> float:
    return datetime.fromisoformat(written + "+00:00").timestamp()


@pytest.mark.parametrize(
    ("end", "text", "meant"),
    [
        # 2026-10-25: after 02:59 CEST comes 02:00 CET.
        ("2026-10-25 05:00", "03:30", "2026-10-25 02:30"),
        ("2026-10-25 05:00", "01:30", "2026-10-24 23:30"),
        ("2026-10-25 05:00", "02:30", "2026-10-25 01:30"),
        ("2026-10-25 01:10", "02:30", "2026-10-25 00:30"),
        ("2026-10-25 00:10", "02:30", "2026-10-24 00:30"),
        ("2026-10-25 05:00", "07:00", "2026-10-24 05:00"),
        ("2026-10-25 05:00", "2026-10-25 02:30", "2026-10-25 01:30"),
        ("2026-10-25 01:10", "2026-10-25 02:30", "2026-10-25 00:30"),
        # 2026-03-29: after 01:59 CET comes 03:00 CEST.
        ("2026-03-29 05:00", "01:30", "2026-03-29 00:30"),
        ("2026-03-29 05:00", "03:30", "2026-03-29 01:30"),
        ("2026-03-29 05:00", "08:00", "2026-03-28 07:00"),
        ("2026-03-29 05:00", "2026-03-29 01:30", "2026-03-29 00:30"),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_times_around_a_change_of_the_clocks(end: str, text: str, meant: str) -> None:
    assert moment(text, utc(end) - 2 * 86400.0, utc(end)) == utc(meant)


class _Page(HTMLParser):
    """The tags and attributes of a page, and which tags are still open."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

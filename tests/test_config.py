"""The configuration: what is refused and how, what beats what, and that changing it keeps what was there."""

from __future__ import annotations

import argparse
import os
import stat
import threading
from pathlib import Path

import pytest

from pgscope.analysis.findings import Thresholds
from pgscope.capture.recording.file import Bounds
from pgscope.cli.options import live_source, target_of
from pgscope.cli.parser import build_parser
from pgscope.cli.screen import settle
from pgscope.config import Config, ConfigError, config_path, keep_ignored, load
from pgscope.config.read import parse
from pgscope.config.show import shown
from pgscope.demo.folders import own_folders
from pgscope.errors import UsageError
from pgscope.server.conninfo import target
from pgscope.tui.settings import _KEY, _bindings, _is_known, binding_ids, check
from tests.test_cli import pgscope, ran

FULL = """
interval = 2          # slow link
sample_hz = 5.5
budget = 0.5
theme = "nord"
filter = "!app:cron age>1s"
kinds_off = ["no_application_name"]
redact = true

[keymap]
"view.findings" = "5,f5"

[thresholds]
slow_ms = 100
[thresholds.by_application."batch jobs"]
calls_per_s = 50
xmin_age = 5

[ignored]
0123456789ab = "N+1 of shop"

[connections]
prod = "postgresql://ann@db1/shop"
"""


def write(text: str) -> Path:
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def typed(*arguments: str) -> argparse.Namespace:
    return build_parser().parse_args(arguments)


def test_every_key_is_read() -> None:
    config = parse(FULL)
    assert (config.interval, config.sample_hz, config.budget) == (2.0, 5.5, 0.5)
    assert (config.theme, config.filter) == ("nord", "!app:cron age>1s")
    assert config.redact
    assert config.thresholds == Thresholds(slow_ms=100.0)
    batch = config.by_application["batch jobs"]
    assert batch == Thresholds(slow_ms=100.0, calls_per_s=50.0, xmin_age=5), "the rest is as for all others"
    settings = config.findings
    assert settings.ignored == {"0123456789ab"}
    assert settings.kinds_off == {"no_application_name"}
    assert settings.of(("web", "batch jobs")) == batch
    check(config)


def test_what_is_shown_can_be_read_back() -> None:
    for text in ("", FULL):
        config = parse(text)
        assert parse(shown(config)) == config
    assert "# interval = 1.0" in shown(Config())


def test_without_a_file_the_defaults_hold() -> None:
    assert load() == Config()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("intervall = 1", "unknown key 'intervall': did you mean 'interval'?"),
        ("xyzzy = 1", "unknown key 'xyzzy': one of: interval, "),
        ("[thresholds]\nslow_sm = 1", "unknown key thresholds.'slow_sm': did you mean 'slow_ms'?"),
        ("[thresholds.by_application.a]\nslow = 1", "thresholds.by_application.a.'slow'"),
        ("[thresholds]\nslow_ms = -1", "thresholds.slow_ms = -1: out of range"),
        ("interval = 0", "interval = 0: out of range: 0.1 to 3600"),
        ("interval = true", "interval wants a number"),
        ("interval = 'fast'", "interval wants a number"),
        ("budget = nan", "budget = nan: out of range"),
        ("theme = 3", "theme wants text"),
        ("filter = 'ap:x'", "filter: no field ap: did you mean app:?"),
        ("kinds_off = ['overfech']", "did you mean 'overfetch'?"),
        ("kinds_off = 'overfetch'", "wants a list"),
        ("redact = 1", "redact wants true or false, not 1"),
        ("ignored = ['a']", "ignored is a table"),
        ("[ignored]\na = 1", "ignored.a wants text"),
        ("[keymap]\n'view.findings' = '5,'", "keymap.view.findings wants a key"),
        ("[connections]\np = 'host=x password=geheim'", "connections.p holds a password"),
        ("[connections]\np = 'postgresql://u:geheim@x/'", "connections.p holds a password"),
        ("[connections]\np = 'bogus=1'", "connections.p: cannot read the CONNINFO"),
        ("interval = ", "Invalid value"),
        ("interval = 1\ninterval = 2", "overwrite"),
        ("a = '\x1b[31m'", "column"),
        (f"interval = 1{'0' * 400}", "interval = 1000000000000000000000000000000000000000...: out of range"),
        (f"[thresholds]\nslow_ms = -1{'0' * 400}", "out of range: 0 or more"),
        (f"kinds_off = {'[' * 3000}{']' * 3000}", "nested too deeply"),
    ],
)
def test_a_broken_file_is_one_clear_line_and_status_2(text: str, words: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError) as raised:
        load()
    line = str(raised.value)
    assert line.startswith(f"{path}: ")
    assert words in line
    assert "\n" not in line
    assert "\x1b" not in line
    assert "geheim" not in line
    assert raised.value.status == 2


@pytest.mark.parametrize(
    ("spelt", "name"),
    [
        ("F5, f6", "f5,f6"),
        ("PgDown, pgdn, Page_Down, <pageup>", "pagedown,pagedown,pagedown,pageup"),
        ("Esc,Return,Del,<Space>,Home", "escape,enter,delete,space,home"),
        ("Ctrl+X,ctrl-x,C-x,<c-x>,^x", "ctrl+x,ctrl+x,ctrl+x,ctrl+x,ctrl+x"),
        ("M-x,Alt-X,S-Tab,Shift+F5,shift+x", "alt+x,alt+shift+x,shift+tab,shift+f5,X"),
        ("ctrl+alt+x,<,-,+,^", "alt+ctrl+x,<,-,+,^"),
        ("x,X,question_mark,ctrl+page_up", "x,X,question_mark,ctrl+pageup"),
    ],
)
def test_keys_may_be_spelt_as_elsewhere(spelt: str, name: str) -> None:
    config = parse(f"[keymap]\n'view.findings' = '{spelt}'")
    assert config.keymap == {"view.findings": name}
    for key in name.split(","):
        assert _KEY.fullmatch(key), key
        assert _is_known(key), key


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("theme = 'nrod'", "unknown theme 'nrod': did you mean 'nord'?"),
        ("[keymap]\n'view.finding' = 'x'", "did you mean 'view.findings'?"),
        ("[keymap]\n'view.findings' = 'not a key'", "'not a key' is not a key"),
        ("[keymap]\n'view.findings' = 'nosuchkey'", "'nosuchkey' is not a key"),
        ("[keymap]\n'view.findings' = 'ctrl+nosuchkey'", "'ctrl\\+nosuchkey' is not a key"),
        ("[keymap]\n'view.findings' = 'ctrl+pagedwn'", "did you mean 'ctrl\\+pagedown'?"),
    ],
)
def test_the_screen_checks_its_part(text: str, words: str) -> None:
    write(text)
    with pytest.raises(UsageError, match=words.replace("?", r"\?")):
        check(load())


def test_keys_that_there_are_are_taken() -> None:
    keys_typed = "f9 ctrl+f12 pageup shift+insert alt+x full_stop ctrl+underscore é ctrl+at @ +"
    assert not [key for key in keys_typed.split() if not _is_known(key)]
    assert not any(map(_is_known, ("nosuchkey", "F5", "f99", "pgdown", "ctrl+latin_small_letter_a")))
    for name, keys in _bindings().items():
        assert all(_is_known(key.strip()) for key in keys.split(",")), name


def test_a_file_with_a_mark_before_it_is_read_and_can_be_changed() -> None:
    path = write("\ufeffinterval = 2\n[connections]\nprod = ''\n")
    assert load().interval == 2
    assert ran("completion", "names").stdout == "prod\n"
    keep_ignored("0123456789ab", "a note")
    assert load().interval == 2 and load().ignored
    assert path.read_text().startswith("interval")


def test_what_is_no_file_is_not_waited_for() -> None:
    path = config_path()
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    ended = ran("config", "check")
    assert (ended.returncode, ended.stderr) == (2, f"pgscope: cannot read {path}: it is not a file\n")
    assert ran("completion", "names").returncode == 0
    with pytest.raises(ConfigError, match="it is not a file"):
        keep_ignored("0123456789ab", "a note")


def test_every_command_refuses_a_broken_file(tmp_path: Path) -> None:
    path = write("intervall = 1")
    for arguments in (["config", "check"], ["config", "show"], ["report", "-d", "x"], ["connect"], ["demo"]):
        ended = (pgscope if arguments == ["connect"] else ran)(*arguments)
        assert ended.returncode == 2, arguments
        (line,) = ended.stderr.splitlines()
        assert line == f"pgscope: {path}: unknown key 'intervall': did you mean 'interval'?"
        assert ended.stdout == ""


def test_the_config_command() -> None:
    path = ran("config", "path").stdout.strip()
    assert path == str(config_path())
    assert "defaults hold" in ran("config", "check").stdout
    write(FULL)
    assert "can be read" in ran("config", "check").stdout
    assert parse(ran("config", "show").stdout) == parse(FULL)
    write("[keymap]\nnosuch = 'x'")
    assert ran("config", "check").returncode == 2


def test_an_option_beats_the_file_only_if_it_was_typed() -> None:
    config = parse("interval = 2\nbudget = 3")
    server = target("shop")
    assert live_source(server, typed("report"), config).interval == 2
    assert live_source(server, typed("report", "--interval", "1"), config).interval == 1
    assert live_source(server, typed("report"), Config()).interval == 1
    for words, budget in ((), 0.03), (("--budget", "1%"), 0.01):
        rhythm = live_source(server, typed("report", *words), config)._rhythm
        assert rhythm.budget == pytest.approx(budget)


def test_the_screen_records_as_record_does() -> None:
    config = parse("redact = true")
    assert settle(config, None, typed("connect").redact).redact
    assert not settle(config, None, typed("connect", "--no-redact").redact).redact
    assert settle(Config(), None, typed("demo", "--redact").redact).redact
    bounds = typed("record", "a")
    assert Bounds() == Bounds(bounds.max_size, bounds.max_age, bounds.keep, bounds.keep_age)


def test_a_bare_word_is_a_saved_connection_or_a_database() -> None:
    config = parse("[connections]\nprod = 'host=db1 dbname=shop user=ann'")
    assert str(target_of(typed("report", "prod"), config)) == "host=db1 dbname=shop user=ann"
    assert str(target_of(typed("report", "prod", "-U", "bob"), config)) == "host=db1 dbname=shop user=bob"
    assert str(target_of(typed("report", "other"), config)) == "dbname=other"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_of_ours_is_for_us_alone() -> None:
    path = config_path()
    keep_ignored("0123456789ab", 'with "quotes" and \u001b')
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert load().ignored == {"0123456789ab": 'with "quotes" and \u001b'}
    keep_ignored("0123456789ab", None)
    assert load() == Config()
    assert [one.name for one in path.parent.iterdir()] == ["config.toml"]


def test_comments_and_order_survive_a_change() -> None:
    path = write(FULL)
    keep_ignored("ba9876543210", "overfetch")
    text = path.read_text()
    assert load().ignored == {"0123456789ab": "N+1 of shop", "ba9876543210": "overfetch"}
    keep_ignored("ba9876543210", None)
    assert path.read_text() == FULL
    assert "# slow link" in text
    assert mode(path) == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("interval = 2\n")
    path = config_path()
    path.parent.mkdir(parents=True)
    path.symlink_to(real)
    keep_ignored("0123456789ab", "a note")
    assert path.is_symlink()
    assert load().ignored
    assert "interval = 2" in real.read_text()


def test_changes_at_the_same_time_are_all_kept() -> None:
    names = [f"{number:012x}" for number in range(12)]
    threads = [threading.Thread(target=keep_ignored, args=(name, "note")) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(load().ignored) == set(names)


def test_a_broken_file_is_never_written_over() -> None:
    path = write("interval = \n")
    with pytest.raises(ConfigError, match="cannot change"):
        keep_ignored("0123456789ab", "a note")
    assert path.read_text() == "interval = \n"


def test_every_key_of_the_screen_has_an_id() -> None:
    assert {"view.findings", "table.down", "findings.ignore", "finding.copy", "app.quit"} <= binding_ids()


def test_the_example_in_the_documentation_is_a_configuration() -> None:
    text = (Path(__file__).parent.parent / "docs" / "configuration.md").read_text(encoding="utf-8")
    config = parse(text.partition("```toml\n")[2].partition("```")[0])
    check(config)
    assert config.thresholds == Thresholds()
    assert set(config.by_application) == {"nightly import"}


def test_a_table_goes_with_its_last_key_unless_someone_wrote_in_it() -> None:
    write('interval = 2\n\n[ignored]\n0123456789ab = "a"\n')
    keep_ignored("0123456789ab", None)
    assert config_path().read_text() == "interval = 2\n\n"
    before = 'interval = 2\n\n[ignored]\n# mine\n0123456789ab = "a"\n'
    write(before)
    keep_ignored("0123456789ab", None)
    assert "# mine" in config_path().read_text()


def test_nothing_is_written_where_nothing_changes() -> None:
    keep_ignored("0123456789ab", None)
    assert not config_path().exists()


def test_the_demo_keeps_what_is_set_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    mine = config_path()
    with own_folders() as folder:
        keep_ignored("0123456789ab", "a note")
        assert config_path().is_relative_to(folder) and load().ignored
    assert config_path() == mine and not mine.exists() and not folder.exists()
    assert "XDG_STATE_HOME" not in os.environ

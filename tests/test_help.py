"""`pgscope help` and `pgscope completion`: every topic is there, and each shell takes its script."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from pgscope.config_path import config_path
from tests.test_cli import only_line, pgscope, ran


def test_the_list_names_topics_and_each_can_be_read() -> None:
    listed = pgscope("help")
    assert listed.returncode == 0
    topics = [line.split()[0] for line in listed.stdout.splitlines() if line.startswith("  ")]
    assert {"views", "keys", "filter", "findings", "configuration", "privileges", "cost"} <= set(topics)
    for topic in topics:
        told = ran("help", topic)
        assert told.returncode == 0, told.stderr
        assert len(told.stdout.splitlines()) > 8, topic


def test_keys_and_fields_are_those_of_the_program() -> None:
    keys = ran("help", "keys").stdout
    assert "[view.applications]" in keys
    assert "[frame.columns]" in keys
    assert not re.search(
        r"[a-z]_(bracket|sign|stop|parenthesis|mark|at)\b", re.sub(r"\[[a-z_.]+\]", "", keys)
    )
    assert all(f"\n  {key} " in keys for key in ("?", ",", ".", "[", "<", "(", "@"))
    assert "age>5" in ran("help", "filter").stdout


@pytest.mark.parametrize("topic", ["views", "findings", "configuration", "attribution"])
def test_a_topic_is_laid_out_for_reading(topic: str) -> None:
    text = ran("help", topic).stdout
    assert max(map(len, text.splitlines())) <= 100
    assert "](" not in text and "**" not in text and "\n## " not in text and "\x1b" not in text
    assert "Measured" not in text


def test_a_topic_that_there_is_not_is_refused_with_the_nearest() -> None:
    told = ran("help", "filtr")
    assert told.returncode == 2
    assert "did you mean 'filter'" in only_line(told.stderr)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_knows_commands_and_options(shell: str) -> None:
    made = ran("completion", shell)
    assert made.returncode == 0, made.stderr
    for word in ("connect", "sample-hz", "fail-on", "doctor"):
        assert word in made.stdout
    if shutil.which(shell):
        checked = subprocess.run(
            [shell, "-n"], input=made.stdout, capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stderr


def test_bash_completes_with_it() -> None:
    script = ran("completion", "bash").stdout
    asked = script + (
        '\nCOMP_WORDS=(pgscope doc); COMP_CWORD=1; _shtab_pgscope; printf "%s\\n" "${COMPREPLY[@]}"'
        "\nCOMP_WORDS=(pgscope report --fo); COMP_CWORD=2; COMPREPLY=(); _shtab_pgscope;"
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    answered = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=False)
    assert answered.stdout.split() == ["doctor", "--format"], answered.stderr


@pytest.fixture
def saved() -> list[str]:
    """Saved connections, as a shell is to offer them; `pgscope` is on the path."""
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    names = 'prod-db1 = "host=db1"\n"prod two$(id)" = "host=x"\nstaging = ""\n'
    path.write_text(f'interval = "wrong"\n[connections]\n{names}')
    return ["prod two$(id)", "prod-db1", "staging"]


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def test_names_are_told_without_slow_imports(saved: list[str]) -> None:
    told = pgscope("completion", "names")
    assert told.stdout.splitlines() == saved
    code = (
        "import sys; from pgscope.cli import main; main(['completion', 'names']);"
        "slow = ('psycopg', 'pglast', 'textual', 'shtab', 'pgscope.config');"
        "print([one for one in slow if one in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_a_broken_configuration_completes_nothing() -> None:
    for text in ("[connections", "connections = 1", '[connections]\n"a\\u001b" = 1'):
        config_path().parent.mkdir(parents=True, exist_ok=True)
        config_path().write_text(text)
        told = ran("completion", "names")
        assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


BY_COMMAND = [
    ("connect", "prod-"),
    ("connect staging", "prod-"),
    ("record", "prod-"),
    ("report", "prod-"),
    ("explain", "prod-"),
    ("doctor", "prod-"),
    ("connect --explain-conninfo", "prod-"),
]


@pytest.mark.parametrize(("command", "word"), BY_COMMAND)
def test_bash_completes_saved_connections(
    saved: list[str], environment: dict[str, str], command: str, word: str
) -> None:
    words = ["pgscope", *command.split(), word]
    script = ran("completion", "bash").stdout
    asked = (
        f"{script}\nCOMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1};"
        ' COMPREPLY=(); _shtab_pgscope; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    answered = subprocess.run(
        ["bash", "-c", asked], capture_output=True, text=True, check=False, env=environment
    )
    assert answered.stdout.splitlines() == ["prod-db1"], answered.stderr


def test_what_bash_offers_runs_nothing(saved: list[str], environment: dict[str, str]) -> None:
    asked = (
        f"{pgscope('completion', 'bash').stdout}\nCOMP_WORDS=(pgscope connect pr); COMP_CWORD=2;"
        ' COMPREPLY=(); _shtab_pgscope; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    answered = subprocess.run(
        ["bash", "-c", asked], capture_output=True, text=True, check=False, env=environment
    )
    assert answered.stdout.splitlines() == ["prod\\ two\\$\\(id\\)", "prod-db1"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_saved_connections(
    saved: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    script = tmp_path / "pgscope.fish"
    script.write_text(ran("completion", "fish").stdout)
    for command, word in BY_COMMAND:
        asked = f"source {script}; complete -C 'pgscope {command} {word}'"
        answered = subprocess.run(
            ["fish", "--no-config", "-c", asked], capture_output=True, text=True, check=False, env=environment
        )
        assert [line.split("\t")[0] for line in answered.stdout.splitlines()] == ["prod-db1"], answered.stderr


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_saved_connections(
    saved: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "_pgscope").write_text(ran("completion", "zsh").stdout)
    child = pexpect.spawn(
        "zsh",
        ["-f", "-i"],
        env={**environment, "TERM": "dumb", "PS1": "ready> "},
        dimensions=(24, 200),
        timeout=60,
    )
    child.expect("ready> ")
    child.sendline(f"fpath=({tmp_path} $fpath); autoload -Uz compinit && compinit -u -D")
    child.expect("ready> ")
    for command, word in BY_COMMAND:
        child.send(f"pgscope {command} {word}\t")
        child.expect_exact(f"{word}db1")
        child.send("\x15")
    child.close(force=True)

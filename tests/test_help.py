"""`pgscope help` and `pgscope completion`: every topic is there, and each shell takes its script."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.test_cli import only_line, pgscope


def test_the_list_names_topics_and_each_can_be_read() -> None:
    listed = pgscope("help")
    assert listed.returncode == 0
    topics = [line.split()[0] for line in listed.stdout.splitlines() if line.startswith("  ")]
    assert {"views", "keys", "filter", "findings", "configuration", "privileges", "cost"} <= set(topics)
    for topic in topics:
        told = pgscope("help", topic)
        assert told.returncode == 0, told.stderr
        assert len(told.stdout.splitlines()) > 8, topic


def test_keys_and_fields_are_those_of_the_program() -> None:
    keys = pgscope("help", "keys").stdout
    assert "[view.applications]" in keys
    assert "[frame.columns]" in keys
    assert "age>5" in pgscope("help", "filter").stdout


def test_a_topic_that_there_is_not_is_refused_with_the_nearest() -> None:
    told = pgscope("help", "filtr")
    assert told.returncode == 2
    assert "did you mean 'filter'" in only_line(told.stderr)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_knows_commands_and_options(shell: str) -> None:
    made = pgscope("completion", shell)
    assert made.returncode == 0, made.stderr
    for word in ("connect", "sample-hz", "fail-on", "doctor"):
        assert word in made.stdout
    if shutil.which(shell):
        checked = subprocess.run(
            [shell, "-n"], input=made.stdout, capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stderr


def test_bash_completes_with_it() -> None:
    script = pgscope("completion", "bash").stdout
    asked = script + (
        '\nCOMP_WORDS=(pgscope doc); COMP_CWORD=1; _shtab_pgscope; printf "%s\\n" "${COMPREPLY[@]}"'
        "\nCOMP_WORDS=(pgscope report --fo); COMP_CWORD=2; COMPREPLY=(); _shtab_pgscope;"
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    answered = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=False)
    assert answered.stdout.split() == ["doctor", "--format"], answered.stderr

"""The walls between the parts: who may import whom, and what must start without heavy imports."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_WORDS = "select insert update delete set explain with".split()  # noqa: SIM905
_SQL = re.compile(rf"""["'](?:{"|".join([*_WORDS, *map(str.upper, _WORDS)])})\s""")


def test_imports_run_one_way() -> None:
    """The contracts are in pyproject.toml."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as c; c()",
        "--no-cache",
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("module", ["pgscope.analysis.watch", "pgscope.capture.live", "pgscope.report.html"])
def test_what_is_behind_the_screen_starts_without_textual(module: str) -> None:
    assert "textual" not in _loaded(f"import {module}")


def test_the_first_screen_starts_without_what_it_does_not_show() -> None:
    """They took half of the start: the parser, highlighting, explaining, reports, and the other screens."""
    loaded = _loaded("import pgscope.cli.screen, pgscope.tui.app, pgscope.tui.views.applications")
    assert "pgscope.tui.frame" in loaded
    later = (
        "pglast",
        "pygments.lexer",
        "pgscope.server.explain",
        "pgscope.report.html",
        "pgscope.tui.details",
    )
    assert not {name for name in loaded if name.startswith(later)}


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_import_neither_textual_nor_psycopg(argument: str) -> None:
    code = f"""
import pgscope.cli
try:
    pgscope.cli.main([{argument!r}])
except SystemExit:
    pass
"""
    assert not {"textual", "psycopg", "pglast", "rich"} & _loaded(code)


def test_the_first_rows_wait_for_nothing_that_they_do_not_need() -> None:
    code = """
from pgscope.cli.parser import build_parser
build_parser("connect")
import pgscope.cli.screen, pgscope.tui.app, pgscope.tui.views.applications
from pgscope.analysis.watch import Watch
Watch().snapshot()
"""
    later = {
        "hashlib",
        "pglast",
        "pgscope.analysis.attribution.attribution",
        "pgscope.analysis.findings.fold",
        "pgscope.capture.recording",
        "pgscope.cli.demo",
        "pgscope.playback",
        "pgscope.tui.fleet",
        "pgscope.tui.help",
        "pgscope.tui.views.sessions",
        "textual.widgets._footer",
    }
    assert not later & _loaded(code)


@pytest.mark.parametrize("package", ["tui", "report"])
def test_faces_hold_no_sql(package: str) -> None:
    """A statement that a face would send; SQL shown as advice comes from analysis."""
    for path in (ROOT / "pgscope" / package).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "execute(" not in text, path
        assert not _SQL.search(text), path


def _loaded(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint('MODULES', *sorted(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return set(ended.stdout.rsplit("MODULES", 1)[1].split())

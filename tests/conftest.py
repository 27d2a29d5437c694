"""Real servers of every major for the tests, and walls between them and the developer's machine."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pgscope.embedded import EmbeddedServer
from tests.servers import MAJORS, ServerMissingError, Servers

_SERVERS = pytest.StashKey[Servers]()
_ENVIRONMENT = dict(os.environ)
_LONGEST = (
    "test_pythons",
    "test_hostile_terminal",
    "test_adversarial",
    "test_plans_live",
    "test_screen_recorded",
    "test_garbled",
    "test_terminal",
    "test_hostile_file",
    "test_pgbouncer",
    "test_cost",
    "test_embedded",
    "test_server_changes",
    "test_locks_live",
    "test_normalised",
    "test_clock_live",
    "test_demo",
    "test_findings_view",
    "test_network",
    "test_screen_live",
)
"""Modules that last half a minute and longer."""

FreshServer = Callable[..., EmbeddedServer]
NewDatabase = Callable[[EmbeddedServer], str]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--majors",
        default=",".join(map(str, MAJORS)),
        help="PostgreSQL majors to run on, such as 14,18 (default: all)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SERVERS] = Servers()
    config.addinivalue_line(
        "markers", "one_major(why): runs on the newest major only, though its fixtures are of each"
    )
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False
    # A run in the background ignores these, and so would the programs whose end by them is tested.
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)
    # Workers have these set, and a program on a terminal of another size would believe them.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    # Images for containers set it: each program that a test starts would compile all that it imports anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers take the files that last longest first, or at the end one would be left alone with them."""
    if hasattr(config, "workerinput"):
        order = {name: place for place, name in enumerate(_LONGEST)}
        items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """What `-n logical` is: tests wait for servers and screens half of their time, so two for each core."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else 2 * (os.cpu_count() or 1)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_SERVERS].stop()


def _majors(config: pytest.Config) -> tuple[int, ...]:
    words = re.findall(r"\d+", config.getoption("majors"))
    chosen = tuple(major for major in MAJORS if str(major) in words)
    if not chosen:
        raise pytest.UsageError(f"--majors wants some of {', '.join(map(str, MAJORS))}")
    return chosen


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "pg_major" in metafunc.fixturenames:
        one = metafunc.definition.get_closest_marker("one_major")
        assert one is None or len(one.args) == 1, "say why"
        metafunc.parametrize(
            "pg_major",
            _majors(metafunc.config) if one is None else (MAJORS[-1],),
            ids=lambda major: f"pg{major}",
            scope="session",
            indirect=True,
        )


def _start(servers: Servers, major: int, settings: Mapping[str, str] | None = None) -> EmbeddedServer:
    """The shared server, or a fresh one if settings are given (an empty mapping too)."""
    try:
        return servers.server(major) if settings is None else servers.fresh(major, settings)
    except ServerMissingError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    """The running servers, for tests that choose their majors themselves."""
    return pytestconfig.stash[_SERVERS]


@pytest.fixture(scope="session")
def pg_majors(pytestconfig: pytest.Config) -> tuple[int, ...]:
    """The majors that this run is for."""
    return _majors(pytestconfig)


@pytest.fixture(scope="session")
def pg_major(request: pytest.FixtureRequest) -> int:
    """The major that this round of the test is for."""
    # A fixture, for pytest keeps together the tests of one value of a fixture, but not those of an argument.
    major: int = request.param
    return major


@pytest.fixture(scope="session")
def pg(servers: Servers, pg_major: int) -> EmbeddedServer:
    """A shared running server; the test runs once on each major. Leave it as it was found."""
    return _start(servers, pg_major)


@pytest.fixture(scope="session")
def pg18(servers: Servers) -> EmbeddedServer:
    """The shared running server of major 18, whatever --majors says."""
    return _start(servers, 18)


@pytest.fixture
def fresh_pg(servers: Servers) -> Iterator[FreshServer]:
    """Makes servers of the test's own, to restart, crash or configure: ``fresh_pg(18, {"jit": "off"})``."""
    started: list[EmbeddedServer] = []

    def start(major: int = 18, settings: Mapping[str, str] | None = None) -> EmbeddedServer:
        server = _start(servers, major, settings or {})
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop("immediate")


@pytest.fixture
def new_database(request: pytest.FixtureRequest) -> Iterator[NewDatabase]:
    """Makes an empty database named for the test; returns its conninfo. Dropped after the test."""
    made: list[tuple[EmbeddedServer, str]] = []

    def make(server: EmbeddedServer) -> str:
        name = re.sub(r"\W+", "_", request.node.name)[:50] + f"_{len(made)}"
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made.append((server, name))
        return server.conninfo_for(name)

    yield make
    for server, name in made:
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def pg_database(pg: EmbeddedServer, new_database: NewDatabase) -> str:
    """The conninfo of an empty database of the test's own, on each major."""
    return new_database(pg)


@pytest.fixture
def pg18_database(pg18: EmbeddedServer, new_database: NewDatabase) -> str:
    """The conninfo of an empty database of the test's own, on major 18."""
    return new_database(pg18)


@pytest.fixture
def developers_environment() -> Mapping[str, str]:
    """The environment as it was before the tests, for what must find the developer's caches."""
    return _ENVIRONMENT


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hides the developer's own configuration, caches, passwords and PG* variables."""
    for name in list(os.environ):
        if name.startswith("PG") or name in ("NO_COLOR", "COLORTERM"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "CACHE", "DATA", "STATE"):
        folder = home / f".{name.lower()}"
        folder.mkdir(parents=True)
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder))

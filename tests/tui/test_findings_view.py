"""The Findings view, on a real server with a program that asks once for each row."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from pgscope.capture.explaining import Explaining
from pgscope.capture.live import LiveSource
from pgscope.config import Config, config_path, load
from pgscope.server.conninfo import target
from pgscope.tui.app import PgscopeApp
from pgscope.tui.details.finding import FindingScreen
from pgscope.tui.details.ignored import IgnoredScreen
from pgscope.tui.details.statement import StatementScreen
from pgscope.tui.plans.screen import PlanScreen
from pgscope.tui.views.findings import FindingsView
from tests.tui.driving import cells, shown, table, until


class Base(DeclarativeBase):
    pass


class Question(Base):
    __tablename__ = "question"
    id: Mapped[int] = mapped_column(primary_key=True)
    choices: Mapped[list[Choice]] = relationship()


class Choice(Base):
    __tablename__ = "choice"
    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), index=True)


class Polls:
    """A program that shows pages of questions and loads the choices of each one by one."""

    def __init__(self, conninfo: str) -> None:
        url = "postgresql+psycopg://"
        arguments = psycopg.conninfo.conninfo_to_dict(conninfo) | {"application_name": "polls[/b]"}
        self._engine = create_engine(url, connect_args=dict(arguments))
        with psycopg.connect(conninfo, autocommit=True) as admin:
            admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        Base.metadata.create_all(self._engine)
        with Session(self._engine) as session:
            session.add_all(Question(choices=[Choice(), Choice()]) for _ in range(200))
            session.commit()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        chance = random.Random(1)
        while not self._stop.wait(0.15):
            with Session(self._engine) as session:
                for question in session.scalars(select(Question).limit(chance.randint(3, 40))):
                    len(question.choices)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._engine.dispose()


@pytest.fixture
def polls(pg18_database: str) -> Iterator[Polls]:
    program = Polls(pg18_database)
    yield program
    program.stop()


def app_for(conninfo: str, config: Config | None = None) -> PgscopeApp:
    where = target(conninfo)
    source = LiveSource(where, interval=0.5, budget=1.0)
    return PgscopeApp(source, title="test", config=config, explaining=lambda: Explaining(where))


def rows_of(app: PgscopeApp, word: str) -> list[str]:
    return [row for row in cells(app) if word in row]


async def test_an_n_plus_one_is_found_shown_and_explained(
    polls: Polls, pg18_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgscope.analysis.findings.fold.GRACE", 5.0)
    app = app_for(pg18_database)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: any("N+1" in row for row in rows_of(app, "polls[/b]")), "the flag")
        await pilot.press("3")
        await until(
            pilot, lambda: any("N+1" in row for row in rows_of(app, "FROM choice")), "the statement's flag"
        )

        await pilot.press("5")
        assert isinstance(app.screen, FindingsView)
        await until(pilot, lambda: rows_of(app, "N+1 | confirmed | polls[/b]"), "a confirmed finding")
        await pilot.press("slash", *"kind:n+1 app:polls", "enter")
        await until(pilot, lambda: len(cells(app)) == 1, "the filter")
        assert "choice is asked for once for each row of question" in cells(app)[0]

        await pilot.press("enter")
        assert isinstance(app.screen, FindingScreen)
        await until(pilot, lambda: "Evidence" in shown(app), "the evidence")
        await until(pilot, lambda: "choice.question_id" in shown(app), "the relationship")
        await pilot.press("pagedown")
        await until(pilot, lambda: "parent rows in a window" in shown(app), "the plot")
        await pilot.press("G")
        await until(pilot, lambda: "FROM question" in shown(app), "the parent, at the end")
        assert "parent rows in" not in shown(app), "it scrolls"
        await pilot.press("y")
        assert "= ANY" in app.clipboard
        await pilot.press("Y")
        assert "ANY" not in app.clipboard
        assert "choice.question_id" in app.clipboard
        await pilot.press("t")
        assert isinstance(app.screen, StatementScreen)
        await pilot.press("escape", "e")
        await until(pilot, lambda: " on choice" in shown(app), "the child's plan")
        assert isinstance(app.screen, PlanScreen)
        await pilot.press("escape", "escape", "e")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen), "its plan from the list of findings")
        await pilot.press("escape")
        assert isinstance(app.screen, FindingsView)

        polls.stop()
        table(app).move_to_key(table(app).rows[0].key)
        await until(pilot, lambda: "ended" in cells(app)[0], "it is shown as ended")


@pytest.fixture
def nameless(pg18_database: str) -> Iterator[psycopg.Connection]:
    """A session without an application_name, which is a finding at once."""
    with psycopg.connect(pg18_database, autocommit=True) as connection:
        yield connection


async def test_an_ignored_finding_stays_ignored_after_a_restart(
    nameless: psycopg.Connection, pg18_database: str
) -> None:
    def shows_it() -> bool:
        return any("no name" in row and pg18_database.split("dbname=")[1] in row for row in cells(app))

    app = app_for(pg18_database, load())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await until(pilot, shows_it, "the finding")
        await pilot.press("i", "escape")
        assert not app.ignored, "it was asked, and not answered"
        await pilot.press("i", "s")
        await until(pilot, lambda: not shows_it(), "it is ignored for this run")
        await pilot.press("u")
        await until(pilot, shows_it, "the undo")
        assert not config_path().exists(), "nothing of that is kept"
        await pilot.press("i")
        await until(pilot, lambda: "config.toml" in shown(app), "where it is kept")
        await pilot.press("y")
        await until(pilot, lambda: not shows_it(), "it is ignored")
        await until(pilot, config_path().exists, "it is kept")
        await pilot.press("u")
        await until(pilot, shows_it, "the undo")
        await until(pilot, lambda: not load().ignored, "the undo is kept")
        assert "[ignored]" not in config_path().read_text()
        await pilot.press("enter")
        assert isinstance(app.screen, FindingScreen)
        await pilot.press("i", "y")
        await until(
            pilot, lambda: isinstance(app.screen, FindingsView) and not shows_it(), "back, and ignored"
        )
        await until(pilot, lambda: load().ignored, "it is kept")

    app = app_for(pg18_database, load())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: "1 ignored" in shown(app), "that something is ignored")
        polled = app.snapshot.at
        await until(pilot, lambda: polled and app.snapshot.at > polled + 3, "some polls")
        assert not shows_it()
        await pilot.press("I")
        assert isinstance(app.screen, IgnoredScreen)
        await until(pilot, lambda: len(cells(app)) == 1, "the list")
        assert "no name of (no name)" in cells(app)[0]
        await pilot.press("x")
        await until(pilot, lambda: not cells(app) and not load().ignored, "it is revoked")
        await pilot.press("escape")
        await until(pilot, shows_it, "the finding is back")


async def test_ignoring_goes_on_when_the_file_cannot_be_written(
    nameless: psycopg.Connection, pg18_database: str
) -> None:
    app = app_for(pg18_database, load())
    config_path().parent.write_text("in the way")
    async with app.run_test(size=(100, 24), notifications=True) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: any("no name" in row for row in cells(app)), "the finding")
        table(app).move_to_key(
            next(row.key for row in table(app).rows if "no_application_name" in str(row.key))
        )
        await pilot.press("i", "y")
        await until(pilot, lambda: "Not kept for the next time" in shown(app), "why it is not kept")
        assert len(app.ignored) == 1


async def test_keys_filter_and_theme_come_from_the_configuration(pg18_database: str) -> None:
    config = Config(
        keymap={"view.findings": "f6", "findings.ignored": "Z"}, filter="app:nobody", theme="nord"
    )
    app = app_for(pg18_database, config)
    async with app.run_test(size=(120, 60)) as pilot:
        assert app.theme == "nord"
        await until(pilot, lambda: "app:nobody" in shown(app), "the filter")
        await pilot.press("5")
        assert not isinstance(app.screen, FindingsView), "the key was moved"
        await pilot.press("f6")
        assert isinstance(app.screen, FindingsView)
        await pilot.press("question_mark")
        await until(pilot, lambda: "Z             List the findings" in shown(app), "its key in the help")
        await pilot.press("escape", "Z")
        assert isinstance(app.screen, IgnoredScreen)

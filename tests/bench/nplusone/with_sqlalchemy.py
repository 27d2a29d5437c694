"""Workloads in SQLAlchemy 2: lazy loads, eager loads and bulk writes, as its manual has them."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from types import SimpleNamespace

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL, BigInteger, ForeignKey, create_engine, func, insert, select
from sqlalchemy.ext.asyncio import AsyncAttrs, async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
)

from tests.bench.nplusone.labels import Label
from tests.bench.nplusone.pacing import Pacing, ready


def models(prefix: str) -> SimpleNamespace:
    """The classes for one workload's tables."""

    class Base(AsyncAttrs, DeclarativeBase):
        type_annotation_map = {int: BigInteger}  # noqa: RUF012

    class Author(Base):
        __tablename__ = f"{prefix}_author"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        email: Mapped[str]

    class Question(Base):
        __tablename__ = f"{prefix}_question"
        id: Mapped[int] = mapped_column(primary_key=True)
        question_text: Mapped[str]
        published_at: Mapped[datetime.datetime]
        author_id: Mapped[int] = mapped_column(ForeignKey(f"{prefix}_author.id"))
        author = relationship(Author)
        choices = relationship("Choice", order_by="Choice.id")

    class Choice(Base):
        __tablename__ = f"{prefix}_choice"
        id: Mapped[int] = mapped_column(primary_key=True)
        question_id: Mapped[int] = mapped_column(ForeignKey(f"{prefix}_question.id"))
        choice_text: Mapped[str]
        votes: Mapped[int]
        given = relationship("Vote")

    class Vote(Base):
        __tablename__ = f"{prefix}_vote"
        id: Mapped[int] = mapped_column(primary_key=True)
        choice_id: Mapped[int] = mapped_column(ForeignKey(f"{prefix}_choice.id"))
        who: Mapped[str]

    return SimpleNamespace(Author=Author, Question=Question, Choice=Choice, Vote=Vote)


def _url(conninfo: str) -> URL:
    words = {key: str(value) for key, value in conninfo_to_dict(conninfo).items()}
    return URL.create("postgresql+psycopg", query=words)


def prepare(label: Label, conninfo: str, pacing: Pacing) -> Callable[[], None]:
    """A workload, to be called in a thread of its own; it never returns."""
    m, program, options = models(label.prefix), label.program, label.options
    if program == "async_collection":
        return lambda: asyncio.run(_async_collection(conninfo, m, pacing))
    engine = create_engine(_url(conninfo), pool_size=2)
    page: Callable[[Session, SimpleNamespace, Pacing, dict[str, int]], None] = globals()[program]

    def one() -> None:
        with Session(engine) as session:
            page(session, m, pacing, options)

    return lambda: pacing.run(one)


def _page(m: SimpleNamespace, pacing: Pacing, size: int = 0):  # type: ignore[no-untyped-def]
    Question = m.Question
    return select(Question).order_by(Question.id).offset(pacing.offset).limit(size or pacing.size)


def lazy_collection(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    for question in session.scalars(_page(m, pacing)):
        [choice.choice_text for choice in question.choices]


def lazy_reference(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    size = pacing.random.randint(8, 40)
    [question.author.name for question in session.scalars(_page(m, pacing, size))]


def nested(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    for question in session.scalars(_page(m, pacing, pacing.random.randint(3, 10))):
        for choice in question.choices:
            [vote.who for vote in choice.given]


def count_per_row(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    for question in session.scalars(_page(m, pacing)):
        counted = select(func.count()).select_from(m.Choice).where(m.Choice.question_id == question.id)
        session.scalar(counted)


def expired(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    """Rows read before a commit are read again one by one after it."""
    questions = session.scalars(_page(m, pacing)).all()
    session.commit()
    [question.question_text for question in questions]


def flush_each(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    for number in range(pacing.size):
        session.add(m.Choice(question_id=1 + number, choice_text="new", votes=0))
        session.flush()
    session.commit()


def selectin(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    load = _page(m, pacing).options(selectinload(m.Question.choices), selectinload(m.Question.author))
    [len(question.choices) for question in session.scalars(load)]


def joined(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    load = _page(m, pacing, options.get("size", 0)).options(joinedload(m.Question.author))
    [question.author.name for question in session.scalars(load)]


def subquery(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    load = _page(m, pacing).options(subqueryload(m.Question.choices))
    [len(question.choices) for question in session.scalars(load)]


def keyset(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    last = pacing.offset
    for _ in range(5):
        Question = m.Question
        rows = session.scalars(
            select(Question).where(Question.id > last).order_by(Question.id).limit(pacing.size)
        ).all()
        last = rows[-1].id if rows else 0


def bulk_insert(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    rows = [{"question_id": 1 + n, "choice_text": "bulk", "votes": 0} for n in range(100)]
    session.execute(insert(m.Choice), rows)
    session.commit()


def direct_lookups(session: Session, m: SimpleNamespace, pacing: Pacing, options: dict[str, int]) -> None:
    question = session.get(m.Question, pacing.random.randint(1, 2000))
    if question is not None:
        [choice.choice_text for choice in question.choices]


async def _async_collection(conninfo: str, m: SimpleNamespace, pacing: Pacing) -> None:
    engine = create_async_engine(_url(conninfo))
    sessions = async_sessionmaker(engine)
    first = True
    while True:
        async with sessions() as session:
            for question in await session.scalars(_page(m, pacing)):
                [choice.choice_text for choice in await question.awaitable_attrs.choices]
        if first:
            ready(pacing.name)
            first = False
        await asyncio.sleep(pacing.wait())

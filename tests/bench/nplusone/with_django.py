"""Workloads in Django 5: query sets as views and templates use them, without a web server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from tests.bench.nplusone.labels import Label
from tests.bench.nplusone.pacing import Pacing


def start(places: Mapping[str, str]) -> None:
    """Configure Django for workloads and their conninfos: a database alias for each."""
    databases: dict[str, Any] = {"default": {}}
    for name, conninfo in places.items():
        words: dict[str, Any] = {key: str(value) for key, value in conninfo_to_dict(conninfo).items()}
        databases[name] = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": words["dbname"],
            "USER": words.get("user", ""),
            "HOST": words.get("host", ""),
            "PORT": words.get("port", ""),
            "OPTIONS": {"application_name": words["application_name"]},
        }
    settings.configure(
        DATABASES=databases,
        DATABASE_ROUTERS=["tests.bench.nplusone.with_django.Router"],
        INSTALLED_APPS=[],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()


class Router:
    """Each workload's models live in its own database alias."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return str(model._meta.app_label)

    db_for_write = db_for_read


def prepare(label: Label, conninfo: str, pacing: Pacing) -> Callable[[], None]:
    """A workload, to be called in a thread of its own; it never returns."""
    m = _models(label)
    page: Callable[[SimpleNamespace, Pacing], None] = globals()[label.program]
    return lambda: pacing.run(lambda: page(m, pacing))


@cache
def _models(label: Label) -> SimpleNamespace:
    from django.db import models

    def meta(table: str) -> type:
        return type("Meta", (), {"app_label": label.name, "db_table": f"{label.prefix}_{table}"})

    class Author(models.Model):
        name = models.TextField()
        email = models.TextField()
        Meta = meta("author")

    class Question(models.Model):
        question_text = models.TextField()
        published_at = models.DateTimeField()
        author = models.ForeignKey(Author, models.CASCADE)
        Meta = meta("question")

    class Choice(models.Model):
        question = models.ForeignKey(Question, models.CASCADE)
        choice_text = models.TextField()
        votes = models.IntegerField()
        Meta = meta("choice")

    return SimpleNamespace(Author=Author, Question=Question, Choice=Choice)


def _page(m: SimpleNamespace, pacing: Pacing, size: int = 0) -> Any:
    start = pacing.offset
    return m.Question.objects.order_by("id")[start : start + (size or pacing.size)]


def reference(m: SimpleNamespace, pacing: Pacing) -> None:
    [question.author.name for question in _page(m, pacing)]


def reverse_set(m: SimpleNamespace, pacing: Pacing) -> None:
    for question in _page(m, pacing):
        [choice.choice_text for choice in question.choice_set.all()]


def reverse_set_atomic(m: SimpleNamespace, pacing: Pacing) -> None:
    from django.db import transaction

    with transaction.atomic(using=pacing.name):
        reverse_set(m, pacing)


def reverse_set_same_size(m: SimpleNamespace, pacing: Pacing) -> None:
    for question in m.Question.objects.order_by("id")[:20]:
        [choice.choice_text for choice in question.choice_set.all()]


def template_loop(m: SimpleNamespace, pacing: Pacing) -> None:
    from django.template import Context, Engine

    template = Engine().from_string(
        "{% for question in questions %}<li>{{ question }} {{ question.author.name }}{% endfor %}"
    )
    template.render(Context({"questions": _page(m, pacing)}))


def count_per_row(m: SimpleNamespace, pacing: Pacing) -> None:
    [question.choice_set.count() for question in _page(m, pacing)]


def two_per_row(m: SimpleNamespace, pacing: Pacing) -> None:
    for question in _page(m, pacing):
        question.choice_set.filter(votes=0).count()
        question.choice_set.filter(votes=1).count()


def save_each(m: SimpleNamespace, pacing: Pacing) -> None:
    for question in _page(m, pacing):
        question.question_text += "!"
        question.question_text = question.question_text[:40]
        question.save()


def len_all(m: SimpleNamespace, pacing: Pacing) -> None:
    len(m.Question.objects.all())


def prefetch(m: SimpleNamespace, pacing: Pacing) -> None:
    for question in _page(m, pacing).prefetch_related("choice_set"):
        [choice.choice_text for choice in question.choice_set.all()]


def select_related(m: SimpleNamespace, pacing: Pacing) -> None:
    [question.author.name for question in _page(m, pacing).select_related("author")]


def session_and_user(m: SimpleNamespace, pacing: Pacing) -> None:
    """Each request looks up its session and its user; one in six shows a list, one in six an own page."""
    who = pacing.random.randint(1, 2000)
    m.Choice.objects.filter(id=who).first()
    m.Author.objects.filter(id=1 + who % 200).first()
    kind = pacing.random.randint(0, 5)
    if kind == 0:
        [question.author.name for question in _page(m, pacing).select_related("author")]
    elif kind == 1:
        list(_page(m, pacing))


def bulk_create(m: SimpleNamespace, pacing: Pacing) -> None:
    m.Choice.objects.bulk_create(
        m.Choice(question_id=1 + n, choice_text="bulk", votes=0) for n in range(pacing.size)
    )

"""The shop as Django sees it. Import ``configure`` first, the models only after it has run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models

from pgscope.demo.sqlcommenter import comment


class Customer(models.Model):  # type: ignore[misc]
    """Who buys."""

    name = models.TextField()
    email = models.TextField()

    class Meta:
        app_label = "shop"
        db_table = "customers"
        managed = False


class Order(models.Model):  # type: ignore[misc]
    """A purchase."""

    customer = models.ForeignKey(Customer, models.CASCADE)
    placed_at = models.DateTimeField()
    status = models.TextField()

    class Meta:
        app_label = "shop"
        db_table = "orders"
        managed = False


class OrderItem(models.Model):  # type: ignore[misc]
    """One line of a purchase."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="items")
    product_id = models.IntegerField()
    quantity = models.IntegerField()
    unit_price_cents = models.IntegerField()

    class Meta:
        app_label = "shop"
        db_table = "order_items"
        managed = False


class Question(models.Model):  # type: ignore[misc]
    """What buyers of a product are asked."""

    question_text = models.TextField()
    pub_date = models.DateTimeField()

    class Meta:
        app_label = "shop"
        db_table = "questions"
        managed = False


class Choice(models.Model):  # type: ignore[misc]
    """One answer to a question."""

    question = models.ForeignKey(Question, models.CASCADE)
    choice_text = models.TextField()
    votes = models.IntegerField()

    class Meta:
        app_label = "shop"
        db_table = "choices"
        managed = False


def tagged(route: str) -> Callable[..., Any]:
    """A wrapper for ``connection.execute_wrapper`` that appends the route to each statement."""
    tag = comment(framework="django", route=route)

    def append(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        # With parameters the driver reads % as the start of a placeholder.
        return execute(sql + (tag.replace("%", "%%") if params else tag), params, many, context)

    return append

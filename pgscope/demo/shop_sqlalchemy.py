"""The shop as SQLAlchemy sees it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import Engine, ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from pgscope.demo.sqlcommenter import comment


class Base(DeclarativeBase):
    """Parent of the tables."""


class Customer(Base):
    """Who buys."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]


class Product(Base):
    """What is sold."""

    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price_cents: Mapped[int]
    stock: Mapped[int]
    description: Mapped[str]


class Order(Base):
    """A purchase."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    placed_at: Mapped[datetime]
    status: Mapped[str]
    items: Mapped[list[OrderItem]] = relationship()


class OrderItem(Base):
    """One line of a purchase."""

    __tablename__ = "order_items"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int]
    unit_price_cents: Mapped[int]


def engine(conninfo: str, route: str | None = None) -> Engine:
    """An engine with one connection; ``route`` goes into a comment on each of its statements."""
    made = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), pool_size=1, max_overflow=0
    )
    if route is not None:
        tag = comment(framework="sqlalchemy", route=route)

        @event.listens_for(made, "before_cursor_execute", retval=True)
        def _append(
            _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
        ) -> tuple[str, Any]:
            # The driver reads % as the start of a placeholder.
            return statement + tag.replace("%", "%%"), parameters

    return made

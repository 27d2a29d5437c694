"""A scene in a database of the test's own, on each major."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.locks.scene import Scene


@pytest.fixture
async def scene(pg_database: str) -> AsyncIterator[Scene]:
    """A scene with a table `orders` of ten rows."""
    async with Scene(pg_database) as made:
        made.client("setup").run(
            "create table orders (id int primary key, n int)",
            "insert into orders select g, 0 from generate_series(1, 10) g",
        )
        yield made

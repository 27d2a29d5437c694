"""Hundreds of sessions that wait: behind one ALTER TABLE, or for one row."""

from __future__ import annotations

from tests.locks.scene import Scene

SETTINGS = {
    "max_connections": "700",
    # A second after they queue for one row, 500 sessions look for deadlocks, each through the whole queue:
    # for seconds the server's lock table is closed to everyone. Once, and not what is measured here.
    "deadlock_timeout": "1h",
}


class Crowd:
    """A root, idle in a transaction, and many sessions made once and used for several queues."""

    def __init__(self, scene: Scene, many: int) -> None:
        self.scene = scene
        self.root = scene.client("billing")
        self.ddl = scene.client("migrate")
        self.many = [scene.client(f"web{number % 7}") for number in range(many)]

    async def behind_alter(self) -> None:
        """Half of them read and half write behind an ALTER TABLE that waits for the root."""
        self.root.run("begin", "update orders set n = 1 where id = 1")
        self.ddl.send("alter table orders add column if not exists x int")
        await self.scene.waiting(self.ddl)
        for place, client in enumerate(self.many):
            client.send("select * from orders" if place % 2 else "update orders set n = n where id = 2")
        await self._all_wait(len(self.many) + 1)

    async def for_one_row(self) -> None:
        """All update the row that the root holds."""
        self.root.run("begin", "update orders set n = 1 where id = 1")
        for client in self.many:
            client.send("update orders set n = n + 1 where id = 1")
        await self._all_wait(len(self.many))

    async def disperse(self) -> None:
        """The root lets go, and everyone comes to an end."""
        self.root.run("rollback")
        for client in [self.ddl, *self.many]:
            client.finish()

    async def _all_wait(self, many: int) -> None:
        await self.scene.until(
            "select true from pg_locks where not granted having count(*) = %s and"
            " bool_and(waitstart is not null)",
            (many,),
        )

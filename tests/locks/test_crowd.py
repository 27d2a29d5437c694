"""With 200 sessions in one queue the forest is as right as with five, and the server is asked little."""

from __future__ import annotations

from pgscope.analysis.locks import LockForest, build_forest, ddl_notes
from tests.conftest import FreshServer
from tests.locks.crowd import SETTINGS, Crowd
from tests.locks.scene import Scene

MANY = 200


async def server_says(scene: Scene) -> dict[int, set[int]]:
    """What pg_blocking_pids says of everyone."""
    asker = scene.client("asker")
    rows = asker.run("select pid, pg_blocking_pids(pid) from pg_locks where not granted")
    return {int(pid): {int(one) for one in pids.strip("{}").split(",") if one} for pid, pids in rows}


def forest_says(forest: LockForest) -> dict[int, set[int]]:
    return {
        node.key: {*node.hard_blockers, *node.soft_blockers} for node in forest.nodes.values() if node.waits
    }


async def test_two_hundred(fresh_pg: FreshServer, pg_major: int) -> None:
    async with Scene(fresh_pg(pg_major, SETTINGS).conninfo) as scene:
        scene.client("setup").run(
            "create table orders (id int primary key, n int)",
            "insert into orders select g, 0 from generate_series(1, 10) g",
        )
        crowd = Crowd(scene, MANY)
        await crowd.behind_alter()
        poll = await scene.poll()
        forest = build_forest(poll)
        assert forest_says(forest) == await server_says(scene)
        assert forest.waiting == MANY + 1
        assert [(root.key, root.behind) for root in forest.roots] == [(crowd.root.pid, MANY + 1)]
        assert forest.nodes[crowd.ddl.pid].behind == MANY
        assert {node.depth for node in forest.nodes.values()} == {0, 1, 2}
        assert sum(1 for _ in forest.lines()) == MANY + 2
        assert len(poll.blocking) <= 3 * 8
        (note,) = ddl_notes(poll.sessions, forest)
        assert f"{MANY} sessions behind it" in note.sentence
        await crowd.disperse()

        await crowd.for_one_row()
        poll = await scene.poll()
        forest = build_forest(poll)
        truth, ours = await server_says(scene), forest_says(forest)
        assert set(truth) == set(ours)
        # Those not asked are in the order of waitstart, set a moment after a place in the queue is taken.
        since = {lock.pid: lock.waitstart or 0.0 for lock in poll.locks if not lock.granted}
        for pid, blockers in truth.items():
            for other in blockers ^ ours[pid]:
                assert abs(since[pid] - since[other]) < 0.1
        assert [(root.key, root.behind) for root in forest.roots] == [(crowd.root.pid, MANY)]
        assert {node.depth for node in forest.nodes.values()} == {0, 1, 2}
        assert len(poll.blocking) <= 2 * 8
        await crowd.disperse()

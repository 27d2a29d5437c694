"""Tips on what did not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pgscope.analysis.plan.coerce import amount, items, mapping, text
from pgscope.analysis.plan.model import Node, Plan
from pgscope.analysis.plan.tip import Tip, count, memory, where

_TEMP_BLOCKS = 256


def _each_process(node: Node) -> list[Mapping[str, object]]:
    return [node.raw, *(mapping(worker) for worker in items(node.raw.get("Workers")))]


def _spilled(part: Mapping[str, object]) -> float:
    """Kilobytes that a sort put on disk at most at once; an incremental one sorts group after group."""
    if text(part.get("Sort Space Type")) == "Disk":
        return amount(part.get("Sort Space Used"))
    groups = (mapping(part.get(key)) for key in ("Full-sort Groups", "Pre-sorted Groups"))
    return max(amount(mapping(one.get("Sort Space Disk")).get("Peak Sort Space Used")) for one in groups)


def sort_on_disk(plan: Plan) -> Iterator[Tip]:
    """A sort, or an incremental one, that spilled."""
    for node in plan.nodes:
        spilled = max(_spilled(part) for part in _each_process(node))
        if spilled:
            # On disk the rows are packed; in memory each carries its overhead, which about doubles them.
            yield _tip("sort on disk", node, f"sorts on disk: {count(spilled)} kB", memory(spilled * 2.5))


def hash_batches(plan: Plan) -> Iterator[Tip]:
    """A hash table, of a join or an aggregate, that spilled."""
    for node in plan.nodes:
        for part in _each_process(node):
            batches, peak = amount(part.get("Hash Batches")), amount(part.get("Peak Memory Usage"))
            if batches > 1:
                yield _tip(
                    "hash batches", node, f"hashes in {count(batches)} batches", memory(peak * batches)
                )
                break
            batches, disk = amount(part.get("HashAgg Batches")), amount(part.get("Disk Usage"))
            if batches > 1 and disk:
                seen = f"groups in {count(batches)} batches, {count(disk)} kB on disk"
                yield _tip("hash batches", node, seen, memory(peak + disk * 2.5))
                break


def other_temp(plan: Plan) -> Iterator[Tip]:
    """Temporary blocks of nodes that neither sort nor hash."""
    for node in plan.nodes:
        known = any(
            key in part
            for part in _each_process(node)
            for key in ("Sort Space Type", "Full-sort Groups", "Hash Batches", "HashAgg Batches")
        )
        # A hash join writes the batches of its outer side, which the tip on its Hash covers.
        known = known or any("Hash Batches" in child.raw for child in plan.children(node))
        if node.exclusive.temp >= _TEMP_BLOCKS and not known:
            blocks = (node.exclusive.temp_written or node.exclusive.temp_read) / max(node.loops or 1, 1)
            rows = (node.actual_rows or 0.0) + amount(node.raw.get("Rows Removed by Filter"))
            # In memory each row carries its overhead, and up to 16 takes the next power of two.
            size = 2 * blocks * plan.block_size / 1024 + 0.04 * rows
            yield _tip(
                "temporary blocks", node, f"{count(node.exclusive.temp)} temporary blocks", memory(size)
            )


def lossy_bitmap(plan: Plan) -> Iterator[Tip]:
    """A bitmap that had to forget which rows of a page it meant."""
    for node in plan.nodes:
        lossy, exact = (
            sum(amount(part.get(key)) for part in _each_process(node))
            for key in ("Lossy Heap Blocks", "Exact Heap Blocks")
        )
        if lossy > 0:
            # An exact page takes about 100 bytes of the bitmap.
            size = (lossy + exact) * 0.1
            seen = f"{count(lossy)} of {count(lossy + exact)} pages lossy: every row of them checked again"
            yield _tip("lossy bitmap", node, seen, memory(max(size, 1024)))


def _tip(rule: str, node: Node, seen: str, work_mem: str) -> Tip:
    advice = f"SET LOCAL work_mem = '{work_mem}' for this statement (each such node and worker takes as much)"
    return Tip(rule, node.index, seen, where(node), advice, node.exclusive.time)


RULES = (sort_on_disk, hash_batches, other_temp, lossy_bitmap)

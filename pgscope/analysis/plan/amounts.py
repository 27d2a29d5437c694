"""What a node cost: time, blocks and I/O time, as a vector that can be added, subtracted and shared out."""

from __future__ import annotations

from typing import NamedTuple


class Amounts(NamedTuple):
    """Time in ms, blocks of the server's block size, I/O times in ms, WAL in records and bytes."""

    time: float = 0.0
    shared_hit: float = 0.0
    shared_read: float = 0.0
    shared_dirtied: float = 0.0
    shared_written: float = 0.0
    local_hit: float = 0.0
    local_read: float = 0.0
    local_dirtied: float = 0.0
    local_written: float = 0.0
    temp_read: float = 0.0
    temp_written: float = 0.0
    shared_read_time: float = 0.0
    shared_write_time: float = 0.0
    local_read_time: float = 0.0
    local_write_time: float = 0.0
    temp_read_time: float = 0.0
    temp_write_time: float = 0.0
    wal_records: float = 0.0
    wal_bytes: float = 0.0

    def plus(self, other: Amounts) -> Amounts:
        """Both together."""
        return Amounts(*[a + b for a, b in zip(self, other, strict=True)])

    def minus(self, other: Amounts) -> Amounts:
        """The difference, which may be negative."""
        return Amounts(*[a - b for a, b in zip(self, other, strict=True)])

    def floored(self) -> Amounts:
        """The same with nothing below zero."""
        return Amounts(*[max(a, 0.0) for a in self])

    @property
    def shared(self) -> float:
        """Visits to shared blocks: hit and read."""
        return self.shared_hit + self.shared_read

    @property
    def temp(self) -> float:
        """Temporary blocks read and written: what spilled."""
        return self.temp_read + self.temp_written

    @property
    def blocks(self) -> float:
        """Every block visited: shared and local hit and read, temporary read and written."""
        return self.shared + self.local_hit + self.local_read + self.temp

    @property
    def io_time(self) -> float:
        """Time in reads and writes, ms; 0 where track_io_timing is off."""
        return (
            self.shared_read_time
            + self.shared_write_time
            + self.local_read_time
            + self.local_write_time
            + self.temp_read_time
            + self.temp_write_time
        )


NOTHING = Amounts()

BLOCK_FIELDS = tuple(Amounts._fields[1:11])
"""The fields that count blocks: whole numbers, which must add up exactly."""

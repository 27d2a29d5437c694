-- From 1.11 (PostgreSQL 17): I/O times are told apart, and each entry says since when it counts.
-- Only entries that differ from what was read before, by a mark of each at its place: see server/changes.py.
select ordinality, userid::int8, dbid::int8, queryid, toplevel,
       calls, rows, total_exec_time, max_exec_time, total_plan_time,
       shared_blks_hit, shared_blks_read, shared_blks_dirtied, shared_blks_written,
       temp_blks_read, temp_blks_written,
       shared_blk_read_time + local_blk_read_time + temp_blk_read_time,
       shared_blk_write_time + local_blk_write_time + temp_blk_write_time,
       wal_bytes::int8, date_part('epoch', stats_since)
from {schema}.pg_stat_statements(false) with ordinality
where queryid is not null
  and (queryid # (calls << 20) # (userid::int8 << 40) # (dbid::int8 << 8) # toplevel::int::int8)
      is distinct from (%(marks)s::int8[])[ordinality]

-- Counters of pg_stat_statements 1.9 and 1.10, without the texts.
-- Only entries that differ from what was read before, by a mark of each at its place: see server/changes.py.
select ordinality, userid::int8, dbid::int8, queryid, toplevel,
       calls, rows, total_exec_time, max_exec_time, total_plan_time,
       shared_blks_hit, shared_blks_read, shared_blks_dirtied, shared_blks_written,
       temp_blks_read, temp_blks_written, blk_read_time, blk_write_time,
       wal_bytes::int8, null::float8
from {schema}.pg_stat_statements(false) with ordinality
where queryid is not null
  and (queryid # (calls << 20) # (userid::int8 << 40) # (dbid::int8 << 8) # toplevel::int::int8)
      is distinct from (%(marks)s::int8[])[ordinality]

-- Totals of the databases that have sessions (with thousands of databases the whole view is slow), and in the
-- last row, without an oid, the clock. The branches of a UNION ALL run in the order written.
select d.oid::int8,
       pg_catalog.pg_stat_get_db_xact_commit(d.oid),
       pg_catalog.pg_stat_get_db_xact_rollback(d.oid),
       pg_catalog.pg_stat_get_db_blocks_fetched(d.oid) - pg_catalog.pg_stat_get_db_blocks_hit(d.oid),
       pg_catalog.pg_stat_get_db_blocks_hit(d.oid),
       pg_catalog.pg_stat_get_db_temp_bytes(d.oid),
       pg_catalog.pg_stat_get_db_deadlocks(d.oid),
       date_part('epoch', pg_catalog.pg_stat_get_db_stat_reset_time(d.oid))
from unnest(%(datids)s::oid[]) as d(oid)
union all
select null, null, null, null, null, null, null, date_part('epoch', pg_catalog.clock_timestamp())

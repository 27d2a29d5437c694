-- Totals of the databases that have sessions: with thousands of databases the whole view is slow.
select d.oid::int8,
       pg_catalog.pg_stat_get_db_xact_commit(d.oid),
       pg_catalog.pg_stat_get_db_xact_rollback(d.oid),
       pg_catalog.pg_stat_get_db_blocks_fetched(d.oid) - pg_catalog.pg_stat_get_db_blocks_hit(d.oid),
       pg_catalog.pg_stat_get_db_blocks_hit(d.oid),
       pg_catalog.pg_stat_get_db_temp_bytes(d.oid),
       pg_catalog.pg_stat_get_db_deadlocks(d.oid),
       date_part('epoch', pg_catalog.pg_stat_get_db_stat_reset_time(d.oid))
from unnest(%(datids)s::oid[]) as d(oid)

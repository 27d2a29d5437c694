-- Settings that decide what can be seen; one that is not there (extension not loaded) gives no row.
-- reset_val, because pgscope changes some of them for its own session.
select name, coalesce(reset_val, setting)
from pg_catalog.pg_settings
where name = any (array[
    'max_connections', 'block_size', 'track_activities', 'track_activity_query_size', 'track_counts',
    'track_io_timing', 'compute_query_id', 'pg_stat_statements.max', 'pg_stat_statements.track',
    'pg_stat_statements.track_utility', 'deadlock_timeout', 'server_encoding', 'work_mem',
    'superuser_reserved_connections', 'autovacuum_freeze_max_age', 'shared_preload_libraries'
])

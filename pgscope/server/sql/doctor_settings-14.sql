-- Settings that decide what can be observed: as they are for new sessions, and what a change of them takes.
select name, coalesce(reset_val, setting), coalesce(unit, ''), context
from pg_catalog.pg_settings
where name = any (array[
    'shared_preload_libraries', 'pg_stat_statements.max', 'pg_stat_statements.track',
    'pg_stat_statements.track_planning', 'compute_query_id', 'track_activities', 'track_counts',
    'track_io_timing', 'track_activity_query_size', 'log_min_duration_statement', 'log_lock_waits',
    'deadlock_timeout', 'log_line_prefix', 'idle_in_transaction_session_timeout'
])

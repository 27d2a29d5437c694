-- Evictions and resets of pg_stat_statements.
select dealloc, date_part('epoch', stats_reset) from {schema}.pg_stat_statements_info

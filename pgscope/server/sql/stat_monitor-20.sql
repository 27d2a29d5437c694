-- Calls by application of pg_stat_monitor 2.0 and later, in buckets that began at %(since)s (epoch seconds) or later.
-- Its queryid is the server's own; pgsm_query_id is another one.
select date_part('epoch', m.bucket_start_time), m.userid::int8, m.dbid::int8, m.queryid::int8,
       coalesce(m.toplevel, true), m.application_name, sum(m.calls)::int8
from {schema}.pg_stat_monitor m
where m.queryid is not null
  and m.bucket_start_time >= to_timestamp(%(since)s::float8)
group by 1, 2, 3, 4, 5, 6

-- Where pg_stat_monitor is, if it is installed in this database in a version whose view we know.
select n.nspname
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_monitor'
  and split_part(e.extversion, '.', 1)::int4 >= 2

-- Statistics extensions of this database, and whether this role may read them.
select e.extname::text, e.extversion, n.nspname::text,
       pg_catalog.has_schema_privilege(n.oid, 'usage')
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname in ('pg_stat_statements', 'pg_stat_monitor')

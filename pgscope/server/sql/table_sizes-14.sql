-- The larger tables of this database, by pg_class's own estimate; a partitioned table is the sum of its parts.
select n.nspname::text,
       r.relname::text,
       case when r.relkind = 'p' then coalesce(part.reltuples, -1) else r.reltuples end::float8,
       case when r.relkind = 'p' then coalesce(part.relpages, 0) else r.relpages end::int8
from pg_catalog.pg_class r
join pg_catalog.pg_namespace n on n.oid = r.relnamespace
left join lateral (
    select sum(greatest(c.reltuples, 0)) as reltuples, sum(c.relpages) as relpages
      from pg_catalog.pg_partition_tree(r.oid) t
      join pg_catalog.pg_class c on c.oid = t.relid
     where r.relkind = 'p' and t.isleaf
) part on true
where r.relkind in ('r', 'p', 'm') and not r.relispartition
  and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
order by 4 desc
limit %(most)s

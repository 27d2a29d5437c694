-- Primary and unique keys of this database's own tables: whole columns only, no partial index.
select n.nspname::text,
       r.relname::text,
       (select array_agg(a.attname::text order by k.place)
          from unnest(i.indkey::int2[]) with ordinality k (number, place)
          join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
         where k.place <= i.indnkeyatts),
       i.indisprimary
from pg_catalog.pg_index i
join pg_catalog.pg_class r on r.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = r.relnamespace
where i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
  and r.relkind in ('r', 'p') and not r.relispartition
  and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
order by i.indrelid, i.indisprimary desc
limit %(most)s

-- Foreign keys of this database, columns in the key's order; not those that partitions inherit.
select c.conname::text,
       n.nspname::text,
       r.relname::text,
       (select array_agg(a.attname::text order by k.place)
          from unnest(c.conkey) with ordinality k (number, place)
          join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number),
       pn.nspname::text,
       p.relname::text,
       (select array_agg(a.attname::text order by k.place)
          from unnest(c.confkey) with ordinality k (number, place)
          join pg_catalog.pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.number)
from pg_catalog.pg_constraint c
join pg_catalog.pg_class r on r.oid = c.conrelid
join pg_catalog.pg_namespace n on n.oid = r.relnamespace
join pg_catalog.pg_class p on p.oid = c.confrelid
join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
where c.contype = 'f' and c.conparentid = 0
order by c.oid
limit %(most)s

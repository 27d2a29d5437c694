-- Schema and name of relations of the database connected to, by oid.
select c.oid::int8, n.nspname, c.relname
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = any (%(oids)s::oid[])

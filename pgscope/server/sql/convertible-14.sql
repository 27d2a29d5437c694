-- Databases in which texts may be had that cannot be converted to the encoding of this one: SQL_ASCII (0), where
-- nothing is converted, before UTF8 (6), to which all can be that is valid. A template is not to be connected to:
-- nobody could copy it meanwhile.
select d.datname::text, d.encoding
from pg_catalog.pg_database d
join pg_catalog.pg_database own on own.datname = pg_catalog.current_database()
where d.encoding in (0, 6) and d.encoding <> own.encoding
  and d.datallowconn and not d.datistemplate and pg_catalog.has_database_privilege(d.oid, 'connect')
order by d.encoding, d.oid
limit 5

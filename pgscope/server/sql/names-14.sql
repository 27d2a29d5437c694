-- Names of databases and roles; pg_roles, unlike pg_authid, is for everyone.
select 'd', oid::int8, datname::text, pg_catalog.pg_encoding_to_char(encoding)::text
from pg_catalog.pg_database
union all
select 'r', oid::int8, rolname::text, ''
from pg_catalog.pg_roles

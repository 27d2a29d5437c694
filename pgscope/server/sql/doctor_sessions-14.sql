-- Client sessions, those without an application_name, and those whose activity this role may not see.
select count(*)::int8,
       (count(*) filter (where coalesce(application_name, '') = ''))::int8,
       (count(*) filter (where query = '<insufficient privilege>'))::int8
from pg_catalog.pg_stat_get_activity(null)
where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()

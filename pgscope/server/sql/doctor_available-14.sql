-- Whether pg_stat_statements can be created here, and which version of it there is.
select coalesce(default_version, ''), coalesce(installed_version, '')
from pg_catalog.pg_available_extensions
where name = 'pg_stat_statements'

-- Ends a session, if the pid still belongs to the session that was meant: one statement, so that a pid used
-- again is never hit.
select case when a.backend_start is null then 'hidden'
            when abs(date_part('epoch', a.backend_start) - %(start)s::float8) >= 0.000002 then 'gone'
            when pg_catalog.pg_terminate_backend(a.pid) then 'sent'
            else 'failed' end,
       a.state,
       date_part('epoch', a.query_start)
from pg_catalog.pg_stat_get_activity(%(pid)s::int) a
where a.pid = %(pid)s::int

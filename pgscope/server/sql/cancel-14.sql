-- Cancels what a session runs, if the pid still belongs to the session that was meant: one statement, so that
-- a pid used again is never hit. An idle session has nothing to cancel.
select case when a.backend_start is null then 'hidden'
            when abs(date_part('epoch', a.backend_start) - %(start)s::float8) >= 0.000002 then 'gone'
            when a.state like 'idle%%' then 'idle'
            when pg_catalog.pg_cancel_backend(a.pid) then 'sent'
            else 'failed' end,
       a.state,
       date_part('epoch', a.query_start)
from pg_catalog.pg_stat_get_activity(%(pid)s::int) a
where a.pid = %(pid)s::int

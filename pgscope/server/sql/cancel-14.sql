-- Cancels what a session runs, if the pid still belongs to the session that was meant and it still runs what was
-- meant, or the same again: one statement, so that nothing else is ever hit. An idle session has nothing to cancel.
select case when a.backend_start is null then 'hidden'
            when abs(date_part('epoch', a.backend_start) - %(start)s::float8) >= 0.000002 then 'gone'
            when a.state like 'idle%%' then 'idle'
            when abs(date_part('epoch', a.query_start) - %(query_start)s::float8) >= 0.000002
                 and (a.query_id = %(query_id)s::int8) is not true
                 and (a.query = %(query)s::text) is not true then 'other'
            when pg_catalog.pg_cancel_backend(a.pid) then 'sent'
            else 'failed' end,
       a.state,
       date_part('epoch', a.query_start)
from pg_catalog.pg_stat_get_activity(%(pid)s::int) a
where a.pid = %(pid)s::int

-- Ends a session, if the pid still belongs to the session that was meant: one statement, so that a pid used
-- again is never hit. One that waited for a lock, or was in the way of those %(held_up)s, is left alone once it
-- is in another transaction and that is over; locks of sessions (advisory ones, those of VACUUM) outlive theirs.
select case when a.backend_start is null then 'hidden'
            when abs(date_part('epoch', a.backend_start) - %(start)s::float8) >= 0.000002 then 'gone'
            when (%(waiting)s::bool or %(held_up)s::int4[] <> '{}')
                 and abs(coalesce(date_part('epoch', a.xact_start), 0) - coalesce(%(xact_start)s::float8, 0)) >= 0.000002
                 and not (%(waiting)s::bool and cardinality(pg_catalog.pg_blocking_pids(a.pid)) > 0)
                 and not exists (select from unnest(%(held_up)s::int4[]) as w (pid)
                                 where a.pid = any (pg_catalog.pg_blocking_pids(w.pid))) then 'other'
            when pg_catalog.pg_terminate_backend(a.pid) then 'sent'
            else 'failed' end,
       a.state,
       date_part('epoch', a.query_start)
from pg_catalog.pg_stat_get_activity(%(pid)s::int) a
where a.pid = %(pid)s::int

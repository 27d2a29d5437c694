-- Which of these sessions are still there, and what they run.
select a.pid, date_part('epoch', a.backend_start), a.state, date_part('epoch', a.query_start)
from unnest(%(pids)s::int[]) p (pid), pg_catalog.pg_stat_get_activity(p.pid) a

-- One look of a burst probe at one session: some 0.03 ms on the server.
select date_part('epoch', backend_start), datid::int8, usesysid::int8, application_name, state, query_id,
       date_part('epoch', query_start), date_part('epoch', xact_start)
from pg_catalog.pg_stat_get_activity(%(pid)s)

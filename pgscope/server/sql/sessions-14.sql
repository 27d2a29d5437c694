-- Sessions that changed since %(since)s (epoch seconds); before them a row with the clock, whether this is a
-- standby, and the pids of all. The branches of a UNION ALL run in the order written.
-- An idle session that did nothing since the poll before is not sent again: that is most of a large server.
select date_part('epoch', clock_timestamp()) as at,
       pg_is_in_recovery() as in_recovery,
       (select array_agg(pg_stat_get_backend_pid(i.id)) from pg_stat_get_backend_idset() as i(id)) as pids,
       null::int4 as pid, null::float8 as backend_start, null::int8 as datid, null::int8 as usesysid,
       null::text as application_name, null::text as client_addr, null::int4 as client_port,
       null::text as backend_type, null::int4 as leader_pid, null::text as state,
       null::text as wait_event_type, null::text as wait_event, null::float8 as xact_start,
       null::float8 as query_start, null::float8 as state_change, null::int8 as backend_xid,
       null::int4 as xmin_age, null::int8 as query_id, null::text as query
union all
select null, null, null,
       a.pid,
       date_part('epoch', a.backend_start),
       a.datid::int8,
       a.usesysid::int8,
       a.application_name,
       coalesce(host(a.client_addr), ''),
       a.client_port,
       a.backend_type,
       a.leader_pid,
       a.state,
       a.wait_event_type,
       a.wait_event,
       date_part('epoch', a.xact_start),
       date_part('epoch', a.query_start),
       date_part('epoch', a.state_change),
       a.backend_xid::text::int8,
       age(a.backend_xmin),
       a.query_id,
       a.query
-- Both functions read the one picture that a backend takes of the others, and keeps until its transaction ends.
from pg_catalog.pg_stat_get_activity(null) a
where a.state is distinct from 'idle'
   or greatest(a.backend_start, a.state_change) >= to_timestamp(%(since)s::float8)

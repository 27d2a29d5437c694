-- Sessions that changed since %(since)s (epoch seconds), and in the first row the pids of all.
-- An idle session that did nothing since the poll before is not sent again: that is most of a large server.
with a as materialized (
    select * from pg_catalog.pg_stat_get_activity(null)
), changed as (
    select a.*
    from a
    where a.state is distinct from 'idle'
       or greatest(a.backend_start, a.state_change) >= to_timestamp(%(since)s::float8)
)
select case when row_number() over () = 1 then (select array_agg(a.pid) from a) end,
       c.pid,
       date_part('epoch', c.backend_start),
       c.datid::int8,
       c.usesysid::int8,
       c.application_name,
       coalesce(host(c.client_addr), ''),
       c.client_port,
       c.backend_type,
       c.leader_pid,
       c.state,
       c.wait_event_type,
       c.wait_event,
       date_part('epoch', c.xact_start),
       date_part('epoch', c.query_start),
       date_part('epoch', c.state_change),
       c.backend_xid::text::int8,
       age(c.backend_xmin),
       c.query_id,
       c.query
from changed c

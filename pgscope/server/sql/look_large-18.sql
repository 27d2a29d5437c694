-- New in 18: buffers that a session visited (%(pids)s says of which), its fourth branch.
-- One look of the sampler at a large server: sessions that began a statement since %(since)s (epoch seconds),
-- odometers, and the clock before and after. The branches of a UNION ALL run in the order written.
with started as materialized (
    select date_part('epoch', clock_timestamp()) as at
)
select 0 as kind, 0 as pid, at as backend_start, null::int8 as datid, null::int8 as usesysid,
       null::text as application_name, null::text as state, null::text as wait_event_type,
       null::int8 as query_id, null::float8 as query_start, null::float8 as xact_start,
       null::float8 as state_change, null::text as virtualxid, null::int8 as buffers
from started
union all
select 1, a.pid, date_part('epoch', a.backend_start), a.datid::int8, a.usesysid::int8,
       a.application_name, a.state, a.wait_event_type,
       a.query_id, date_part('epoch', a.query_start), date_part('epoch', a.xact_start),
       date_part('epoch', a.state_change), null, null
from pg_stat_get_backend_idset() as i(id),
     lateral pg_stat_get_activity(pg_stat_get_backend_pid(i.id)) a
where pg_stat_get_backend_activity_start(i.id) >= to_timestamp(%(since)s::float8)
  and a.backend_type = 'client backend'
  and a.pid <> all (%(own)s::int4[])
union all
select 2, (l.lock).pid, date_part('epoch', s.at), null, null, null, null, null, null, s.slept, null, null,
       (l.lock).virtualxid, null
from generate_series(1, %(scans)s::int4) as n(scan),
     -- A session is here only while in a transaction: several scans see many more of them than one.
     lateral (
         select d.at, date_part('epoch', d.at - d.began) as slept
         from (
             select c.began, case when n.scan > 1 then pg_sleep(%(gap)s::float8) end, clock_timestamp() as at
             from (select clock_timestamp() as began, n.scan offset 0) c
             offset 0
         ) d
         offset 0
     ) s
     -- Set-returning in the select list, so that each scan reads anew; in FROM it would be read once and kept.
     left join lateral (
         select f.lock
         from (select pg_lock_status() as lock, n.scan, s.at offset 0) f
         where (f.lock).locktype = 'virtualxid' and (f.lock).mode = 'ExclusiveLock' and (f.lock).granted
     ) l on true
union all
select 3, p.pid, null, null, null, null, null, null, null, null, null, null, null, io.buffers
from unnest(%(pids)s::int4[]) as p(pid),
     lateral (
         select (sum(b.hits) + sum(b.read_bytes) / current_setting('block_size')::int8)::int8 as buffers
         from pg_stat_get_backend_io(p.pid) b
         where b.object = 'relation'
     ) io
where io.buffers is not null
union all
select 4, 0, date_part('epoch', clock_timestamp()), null, null, null, null, null, null, null, null, null, null, null

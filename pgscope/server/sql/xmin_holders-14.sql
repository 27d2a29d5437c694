-- What holds back the oldest visible transaction besides sessions; standbys only where they have no slot.
select 'replication slot' as kind,
       s.slot_name::text as name,
       greatest(age(s.xmin), age(s.catalog_xmin)) as xmin_age,
       s.slot_type || case when s.active then ', active' else ', inactive' end as detail
from pg_catalog.pg_replication_slots s
where s.xmin is not null or s.catalog_xmin is not null
union all
select 'prepared transaction', p.gid, age(p.transaction),
       'prepared ' || to_char(p.prepared, 'YYYY-MM-DD HH24:MI:SS') || ' by ' || p.owner || ' in ' || p.database
from pg_catalog.pg_prepared_xacts p
union all
select 'standby', r.application_name, age(r.backend_xmin),
       'hot_standby_feedback from ' || coalesce(host(r.client_addr), 'local')
from pg_catalog.pg_stat_replication r
where r.backend_xmin is not null
order by 3 desc
limit 20

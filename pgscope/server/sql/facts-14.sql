-- What every role may ask at connect.
select current_setting('server_version_num')::int,
       current_setting('server_version'),
       pg_catalog.current_database()::text,
       current_user::text,
       pg_catalog.pg_is_in_recovery(),
       date_part('epoch', pg_catalog.pg_postmaster_start_time()),
       date_part('epoch', pg_catalog.clock_timestamp()),
       r.rolsuper,
       r.rolsuper or pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage'),
       r.rolsuper or pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'usage'),
       pg_catalog.pg_backend_pid(),
       array(select s.oid::int8 from pg_catalog.pg_roles s where s.rolsuper),
       array(
           select m.oid::int8
           from pg_catalog.pg_roles m
           where not r.rolsuper and pg_catalog.pg_has_role(current_user, m.oid, 'usage')
       )
from pg_catalog.pg_roles r
where r.rolname = current_user

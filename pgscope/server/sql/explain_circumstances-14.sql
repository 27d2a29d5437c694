-- Where we are, as whom, and what the owner of the statement would have had set.
SELECT session_user::text AS session_role,
       coalesce((SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = session_user), false) AS superuser,
       pg_catalog.current_database()::text AS database,
       pg_catalog.pg_is_in_recovery() AS standby,
       pg_catalog.current_setting('server_version') AS version,
       pg_catalog.current_setting('server_version_num')::int AS version_num,
       pg_catalog.current_setting('block_size')::int AS block_size,
       pg_catalog.pg_postmaster_start_time()::text || ' ' || pg_catalog.current_setting('port') AS identity,
       coalesce((
           SELECT array_agg(entry ORDER BY d.setrole <> 0, d.setdatabase <> 0)
           FROM pg_catalog.pg_db_role_setting d
           CROSS JOIN LATERAL unnest(d.setconfig) AS entry
           LEFT JOIN pg_catalog.pg_settings s ON s.name = split_part(entry, '=', 1)
           WHERE (d.setdatabase = 0
                  OR d.setdatabase = (SELECT oid FROM pg_catalog.pg_database
                                      WHERE datname = pg_catalog.current_database()))
               AND (d.setrole = 0 OR d.setrole = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = coalesce(%(role)s, session_user)))
               AND s.context = 'user'
               AND (s.name IN ('search_path', 'work_mem', 'hash_mem_multiplier', 'TimeZone', 'DateStyle')
                    OR s.category LIKE 'Query Tuning%%')), '{}') AS settings

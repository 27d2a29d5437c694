-- The text of a session that runs or last ran this statement, literals in place, and how long such texts get.
SELECT a.query, a.usename::text AS role, a.datname::text AS database,
       (SELECT pg_catalog.pg_encoding_to_char(d.encoding)::text FROM pg_catalog.pg_database d WHERE d.oid = a.datid) AS encoding,
       (SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'track_activity_query_size') AS text_limit
FROM pg_catalog.pg_stat_activity a
WHERE a.query_id = %(queryid)s AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type = 'client backend'
ORDER BY a.state = 'active' DESC, a.query_start DESC
LIMIT 1

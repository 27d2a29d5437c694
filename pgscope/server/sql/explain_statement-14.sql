-- A statement of pg_stat_statements by its queryid, with whose it is; the one of %(database)s (by default this) first.
SELECT s.query, r.rolname::text AS role, d.datname::text AS database,
       pg_catalog.pg_encoding_to_char(d.encoding)::text AS encoding, s.calls, s.mean_exec_time, s.max_exec_time
FROM {schema}.pg_stat_statements s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.userid
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
WHERE s.queryid = %(queryid)s
ORDER BY (d.datname = coalesce(%(database)s::text, pg_catalog.current_database())) IS TRUE DESC, s.toplevel DESC, s.calls DESC
LIMIT 1

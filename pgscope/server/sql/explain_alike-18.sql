-- New in 18: the Query Identifier knows a table by its name alone. Which of these names are tables of several
-- schemas, and of which; temporary ones are their sessions' alone.
SELECT c.relname::text AS name, array_agg(n.nspname::text ORDER BY n.nspname) AS schemas
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = ANY (%(names)s::text[]::name[])
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT pg_catalog.starts_with(n.nspname, 'pg_temp_')
GROUP BY c.relname
HAVING count(*) > 1
ORDER BY c.relname

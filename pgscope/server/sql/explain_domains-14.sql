-- The checks of the domains among these types, and of the domains below them.
WITH RECURSIVE domains AS (
    SELECT wanted.n, t.oid, t.typbasetype, t.typname
    FROM unnest(%(n)s::int[], %(schemas)s::text[], %(names)s::text[]) AS wanted (n, schema, name)
    JOIN pg_catalog.pg_type t ON t.typname = wanted.name::name AND t.typtype = 'd'
    JOIN pg_catalog.pg_namespace ns ON ns.oid = t.typnamespace
    WHERE ns.nspname = wanted.schema::name
        OR (wanted.schema = '' AND ns.nspname = ANY (%(path)s::text[]::name[]))
    UNION
    SELECT -1, t.oid, t.typbasetype, t.typname
    FROM pg_catalog.pg_type t
    WHERE t.oid = ANY (%(columns)s::oid[]) AND t.typtype = 'd'
    UNION
    SELECT domains.n, t.oid, t.typbasetype, t.typname
    FROM domains JOIN pg_catalog.pg_type t ON t.oid = domains.typbasetype AND t.typtype = 'd'
)
SELECT domains.n, 'the check of domain ' || domains.typname AS what, 'expression' AS form,
       pg_catalog.pg_get_expr(c.conbin, 0) AS text
FROM domains JOIN pg_catalog.pg_constraint c ON c.contypid = domains.oid AND c.conbin IS NOT NULL

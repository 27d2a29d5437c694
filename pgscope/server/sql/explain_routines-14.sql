-- What stands behind operators, types and casts that are not the server's own: their functions.
-- kind: 'operator', 'type' (input, range subtype difference and canonical form) or 'cast'.
WITH wanted AS (
    SELECT * FROM unnest(%(n)s::int[], %(kinds)s::text[], %(schemas)s::text[], %(names)s::text[])
        AS w (n, kind, schema, name)
), named_types AS (
    SELECT wanted.n, t.oid, t.typelem, t.typbasetype
    FROM wanted
    JOIN pg_catalog.pg_type t ON t.typname = wanted.name::name
    JOIN pg_catalog.pg_namespace ns ON ns.oid = t.typnamespace
    WHERE wanted.kind = 'type'
        AND (ns.nspname = wanted.schema::name
            OR (wanted.schema = '' AND ns.nspname = ANY (%(path)s::text[]::name[])))
), types AS (
    SELECT n, oid FROM named_types
    UNION SELECT n, typelem FROM named_types WHERE typelem <> 0
    UNION SELECT n, typbasetype FROM named_types WHERE typbasetype <> 0
    UNION SELECT -1, unnest(%(columns)s::oid[])
), found AS (
    SELECT wanted.n, 'operator' AS kind, o.oprcode::oid AS function, o.oprname::text AS name
    FROM wanted
    JOIN pg_catalog.pg_operator o ON o.oprname = wanted.name::name AND o.oid >= 16384
    JOIN pg_catalog.pg_namespace ns ON ns.oid = o.oprnamespace
    WHERE wanted.kind = 'operator'
        AND (ns.nspname = wanted.schema::name
            OR (wanted.schema = '' AND ns.nspname = ANY (%(path)s::text[]::name[])))
    UNION ALL
    SELECT types.n, 'type', functions.f, t.typname::text
    FROM types
    JOIN pg_catalog.pg_type t ON t.oid = types.oid AND t.oid >= 16384
    LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
    CROSS JOIN LATERAL (VALUES (t.typinput::oid), (r.rngcanonical::oid), (r.rngsubdiff::oid)) AS functions (f)
    WHERE functions.f >= 16384
    UNION ALL
    SELECT coalesce((SELECT max(types.n) FROM types WHERE types.oid IN (c.castsource, c.casttarget)), -1), 'cast',
        c.castfunc, pg_catalog.format_type(c.castsource, NULL) || ' to ' || pg_catalog.format_type(c.casttarget, NULL)
    FROM pg_catalog.pg_cast c
    WHERE c.castfunc >= 16384
        AND ((c.castcontext <> 'e' AND c.castsource < 16384 AND c.casttarget < 16384)
            OR c.casttarget IN (SELECT oid FROM types)
            OR (c.castcontext <> 'e' AND c.castsource IN (SELECT oid FROM types)))
)
SELECT found.n, p.oid, ns.nspname::text, p.proname::text, pg_catalog.oidvectortypes(p.proargtypes) AS arguments,
       p.provolatile::text AS volatility, l.lanname::text AS language, p.oid < 16384 AS builtin,
       coalesce(e.extname::text, '') AS extension, found.kind, found.name
FROM found
JOIN pg_catalog.pg_proc p ON p.oid = found.function
JOIN pg_catalog.pg_namespace ns ON ns.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_depend d
    ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    AND d.refclassid = 'pg_catalog.pg_extension'::regclass
LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid

-- What stands behind operators, types, casts and operator classes that are not the server's own: their functions.
-- kind: 'operator', 'type' (input, range subtype difference and canonical form), 'cast' or 'operator class' (its
-- operators and support functions, with which rows are sorted, grouped, hashed and looked up).
WITH RECURSIVE wanted AS (
    SELECT * FROM unnest(%(n)s::int[], %(kinds)s::text[], %(schemas)s::text[], %(names)s::text[])
        AS w (n, kind, schema, name)
), named_types AS (
    SELECT wanted.n, t.oid
    FROM wanted
    JOIN pg_catalog.pg_type t ON t.typname = wanted.name::name
    JOIN pg_catalog.pg_namespace ns ON ns.oid = t.typnamespace
    WHERE wanted.kind = 'type'
        AND (ns.nspname = wanted.schema::name
            OR (wanted.schema = '' AND ns.nspname = ANY (%(path)s::text[]::name[])))
), types AS (
    (SELECT n, oid FROM named_types UNION SELECT -1, unnest(%(columns)s::oid[]))
    UNION
    SELECT types.n, part.oid
    FROM types
    JOIN pg_catalog.pg_type t ON t.oid = types.oid
    CROSS JOIN LATERAL (
        SELECT t.typelem UNION ALL SELECT t.typbasetype
        UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0
    ) AS part (oid)
    WHERE part.oid <> 0
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
    UNION ALL
    SELECT coalesce((SELECT max(types.n) FROM types WHERE types.oid = c.opcintype), -1), 'operator class',
        functions.f, c.opcname::text
    FROM pg_catalog.pg_opclass c
    CROSS JOIN LATERAL (
        SELECT p.amproc::oid FROM pg_catalog.pg_amproc p WHERE p.amprocfamily = c.opcfamily
        UNION
        SELECT o.oprcode::oid
        FROM pg_catalog.pg_amop a JOIN pg_catalog.pg_operator o ON o.oid = a.amopopr
        WHERE a.amopfamily = c.opcfamily
    ) AS functions (f)
    WHERE c.oid >= 16384 AND functions.f >= 16384
        AND (c.oid = ANY (%(classes)s::oid[]) OR (c.opcdefault AND c.opcintype IN (SELECT oid FROM types)))
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

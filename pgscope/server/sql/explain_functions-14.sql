-- The functions that calls by these names may reach: name and count of arguments, in these schemas.
-- args: -1 not known; row_only: only those that take a row or anything (attribute notation on a row).
-- language is 'sql' for an aggregate that has a part in neither C nor the server itself.
SELECT wanted.n, p.oid, ns.nspname::text, p.proname::text,
       pg_catalog.oidvectortypes(p.proargtypes) AS arguments, p.provolatile::text AS volatility,
       CASE WHEN p.prokind = 'a' AND parts.foreign_part THEN 'sql' ELSE l.lanname::text END AS language,
       p.oid < 16384 AS builtin, coalesce(e.extname::text, '') AS extension
FROM unnest(%(n)s::int[], %(schemas)s::text[], %(names)s::text[], %(args)s::int[], %(row_only)s::bool[])
         AS wanted (n, schema, name, args, row_only)
JOIN pg_catalog.pg_proc p ON p.proname = wanted.name::name
JOIN pg_catalog.pg_namespace ns ON ns.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_depend d
    ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    AND d.refclassid = 'pg_catalog.pg_extension'::regclass
LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
LEFT JOIN LATERAL (
    SELECT bool_or(pl.lanname NOT IN ('c', 'internal')) AS foreign_part
    FROM pg_catalog.pg_aggregate a
    JOIN pg_catalog.pg_proc part ON part.oid IN (
        a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn,
        a.aggmfinalfn)
    JOIN pg_catalog.pg_language pl ON pl.oid = part.prolang
    WHERE a.aggfnoid = p.oid) parts ON true
WHERE (ns.nspname = wanted.schema::name OR (wanted.schema = '' AND ns.nspname = ANY (%(path)s::text[]::name[])))
    AND (wanted.args < 0
        OR (wanted.args >= p.pronargs - p.pronargdefaults AND (wanted.args <= p.pronargs OR p.provariadic <> 0)))
    AND (NOT wanted.row_only OR EXISTS (
        SELECT FROM pg_catalog.pg_type t
        WHERE t.oid = p.proargtypes[0]
            AND (t.typtype = 'c' OR t.typname IN ('record', 'any', 'anyelement', 'anynonarray', 'anycompatible',
                'anycompatiblenonarray'))))

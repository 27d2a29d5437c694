-- The relations that these names may mean, with their children, and the SQL that stands behind each of them.
-- form: 'query' (a view), 'expression' (policy, default, generated column, index, check, statistics, partition
-- key), 'rule', or 'none' (the relation itself); types are those of its columns that are not the server's own,
-- classes the operator classes that are not, which sorting, grouping, hashing and looking up may take.
WITH RECURSIVE family AS (
    SELECT wanted.n, c.oid
    FROM unnest(%(n)s::int[], %(schemas)s::text[], %(names)s::text[]) AS wanted (n, schema, name)
    JOIN pg_catalog.pg_class c ON c.relname = wanted.name::name
    JOIN pg_catalog.pg_namespace ns ON ns.oid = c.relnamespace
    WHERE ns.nspname = wanted.schema::name
        OR (wanted.schema = '' AND ns.nspname = ANY (%(path)s::text[]::name[]))
    UNION
    SELECT family.n, i.inhrelid FROM family JOIN pg_catalog.pg_inherits i ON i.inhparent = family.oid
), members AS (
    SELECT family.n, c.oid, c.relkind, c.relrowsecurity,
        pg_catalog.quote_ident(ns.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name
    FROM family
    JOIN pg_catalog.pg_class c ON c.oid = family.oid
    JOIN pg_catalog.pg_namespace ns ON ns.oid = c.relnamespace
), behind AS (
    SELECT n, 'view ' || name AS what, 'query' AS form, pg_catalog.pg_get_viewdef(oid) AS text
    FROM members WHERE relkind = 'v'
    UNION
    SELECT m.n, 'a policy of ' || m.name, 'expression', e.text
    FROM members m
    JOIN pg_catalog.pg_policy p ON p.polrelid = m.oid
    CROSS JOIN LATERAL (VALUES (pg_catalog.pg_get_expr(p.polqual, p.polrelid)),
        (pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))) AS e (text)
    WHERE m.relrowsecurity AND e.text IS NOT NULL
    UNION
    SELECT m.n, CASE WHEN a.attgenerated = '' THEN 'a default of ' ELSE 'a generated column of ' END || m.name,
        'expression', pg_catalog.pg_get_expr(d.adbin, d.adrelid)
    FROM members m
    JOIN pg_catalog.pg_attrdef d ON d.adrelid = m.oid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE %(writes)s OR a.attgenerated = 'v'
    UNION
    SELECT m.n, 'an index of ' || m.name, 'expression', e.text
    FROM members m
    JOIN pg_catalog.pg_index i ON i.indrelid = m.oid
    CROSS JOIN LATERAL (VALUES (pg_catalog.pg_get_expr(i.indexprs, i.indrelid)),
        (pg_catalog.pg_get_expr(i.indpred, i.indrelid))) AS e (text)
    WHERE e.text IS NOT NULL
    UNION
    SELECT m.n, 'a check of ' || m.name, 'expression', pg_catalog.pg_get_expr(c.conbin, c.conrelid)
    FROM members m JOIN pg_catalog.pg_constraint c ON c.conrelid = m.oid AND c.contype = 'c'
    UNION
    SELECT m.n, 'the statistics of ' || m.name, 'expression', e.text
    FROM members m
    JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = m.oid AND s.stxexprs IS NOT NULL
    CROSS JOIN LATERAL unnest(pg_catalog.pg_get_statisticsobjdef_expressions(s.oid)) AS e (text)
    UNION
    SELECT m.n, 'the partition key of ' || m.name, 'expression', pg_catalog.pg_get_expr(p.partexprs, p.partrelid)
    FROM members m JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = m.oid AND p.partexprs IS NOT NULL
    UNION
    SELECT m.n, 'a rule of ' || m.name, 'rule', pg_catalog.pg_get_ruledef(r.oid)
    FROM members m JOIN pg_catalog.pg_rewrite r ON r.ev_class = m.oid AND r.ev_type <> '1'
    WHERE %(writes)s
)
SELECT m.n, m.oid, m.relkind::text AS relkind, m.name, coalesce(f.fdwname::text, '') AS wrapper,
       coalesce(ft.ftoptions::text LIKE '%%program=%%', false) AS program,
       coalesce((
           SELECT array_agg(DISTINCT a.atttypid) FROM pg_catalog.pg_attribute a
           WHERE a.attrelid = m.oid AND a.attnum > 0 AND a.atttypid >= 16384), '{}')::oid[] AS types,
       coalesce((
           SELECT array_agg(c.oid) FROM pg_catalog.pg_opclass c
           WHERE c.oid >= 16384
               AND (c.oid IN (SELECT unnest(i.indclass) FROM pg_catalog.pg_index i WHERE i.indrelid = m.oid)
                   OR c.oid IN (SELECT unnest(p.partclass) FROM pg_catalog.pg_partitioned_table p
                                WHERE p.partrelid = m.oid)
                   OR (c.opcdefault AND c.opcintype IN (
                       SELECT a.atttypid FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid = m.oid AND a.attnum > 0)))), '{}')::oid[] AS classes,
       '' AS what, 'none' AS form, '' AS text
FROM members m
LEFT JOIN pg_catalog.pg_foreign_table ft ON ft.ftrelid = m.oid
LEFT JOIN pg_catalog.pg_foreign_server fs ON fs.oid = ft.ftserver
LEFT JOIN pg_catalog.pg_foreign_data_wrapper f ON f.oid = fs.srvfdw
UNION ALL
SELECT DISTINCT ON (text, form) n, 0::oid, '', '', '', false, '{}'::oid[], '{}'::oid[], what, form, text FROM behind

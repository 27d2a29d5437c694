-- What pg_stats holds of these columns: common values with their frequencies, and the histogram.
SELECT wanted.n, s.null_frac::float8, s.most_common_vals::text::text[] AS common,
       s.most_common_freqs::float8[] AS frequencies, s.histogram_bounds::text::text[] AS histogram
FROM unnest(%(n)s::int[], %(schemas)s::text[], %(tables)s::text[], %(columns)s::text[])
    AS wanted (n, schema, tablename, columnname)
JOIN pg_catalog.pg_stats s
    ON s.schemaname = wanted.schema::name AND s.tablename = wanted.tablename::name
    AND s.attname = wanted.columnname::name
ORDER BY s.inherited DESC

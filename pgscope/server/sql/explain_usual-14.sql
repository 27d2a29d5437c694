-- The settings that planning depends on as they are without pgscope's, what the server has built in, and whether
-- they are of the role connected as alone. All names are qualified: the search_path is still any.
SELECT s.name, s.setting, s.boot_val,
       s.source OPERATOR(pg_catalog.=) ANY ('{user,"database user"}'::pg_catalog.text[]) AS own
FROM pg_catalog.pg_settings s
WHERE s.context OPERATOR(pg_catalog.=) 'user'
    AND (s.name OPERATOR(pg_catalog.=)
            ANY ('{search_path,work_mem,hash_mem_multiplier,TimeZone,DateStyle}'::pg_catalog.text[])
        OR s.category OPERATOR(pg_catalog.~~) 'Query Tuning%')

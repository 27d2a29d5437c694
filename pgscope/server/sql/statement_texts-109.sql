-- Texts of entries not seen before. Reads the whole text file, so it runs seldom.
select dbid::int8, queryid, query
from {schema}.pg_stat_statements(true)
where queryid = any(%(queryids)s)

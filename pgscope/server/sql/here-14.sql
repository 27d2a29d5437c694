-- Which database this connection is in, its encoding, and the clock.
select d.oid::int8, pg_catalog.pg_encoding_to_char(d.encoding)::text,
       date_part('epoch', pg_catalog.clock_timestamp())
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()

-- A database in which strangers left traps: functions that write, and every way to call one without its name.
CREATE ROLE app_owner NOLOGIN;
CREATE ROLE reader LOGIN;
CREATE ROLE stranger LOGIN;
GRANT app_owner TO reader;
CREATE SCHEMA app AUTHORIZATION app_owner;
CREATE SCHEMA trap AUTHORIZATION stranger;
GRANT USAGE ON SCHEMA app, trap TO PUBLIC;
ALTER ROLE app_owner SET search_path = app, public;
ALTER ROLE app_owner SET work_mem = '7MB';
CREATE EXTENSION citext;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION file_fdw;
-- Where the library cannot be loaded (it wants a newer libpq than the system's), functions of these names.
DO $$ BEGIN CREATE EXTENSION dblink; EXCEPTION WHEN undefined_file THEN
    CREATE FUNCTION dblink_exec(text, text) RETURNS text LANGUAGE plpgsql AS
    'BEGIN EXECUTE $2; RETURN $2; END';
    CREATE FUNCTION dblink_send_query(text, text) RETURNS int LANGUAGE plpgsql AS
    'BEGIN EXECUTE $2; RETURN 1; END';
    CREATE FUNCTION dblink(text, text) RETURNS SETOF record LANGUAGE plpgsql AS
    'BEGIN RETURN QUERY EXECUTE $2; END';
END $$;

CREATE TABLE app.orders (
    id int PRIMARY KEY, customer int NOT NULL, status text NOT NULL, total numeric NOT NULL, made date NOT NULL,
    email citext);
INSERT INTO app.orders
SELECT i, i % 100, CASE WHEN i % 10 = 0 THEN 'open' ELSE 'paid' END, i % 50, date '2026-01-01' + i % 300, 'u' || i
FROM generate_series(1, 5000) i;
CREATE INDEX ON app.orders (customer);
CREATE TABLE app.log (id bigserial PRIMARY KEY, note text);
CREATE SEQUENCE app.numbers;

-- Falsely marked immutable: planning alone would run it.
CREATE FUNCTION trap.write_down(text) RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER AS
$$ INSERT INTO app.log (note) VALUES ($1) $$;
CREATE FUNCTION trap.innocent(text) RETURNS int LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER AS
$$ BEGIN PERFORM trap.write_down($1); RETURN 1; END $$;
CREATE FUNCTION trap.innocent(int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT trap.innocent($1::text) $$;
CREATE FUNCTION trap.of_row(app.orders) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT trap.innocent('row') $$;
CREATE FUNCTION trap.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT trap.innocent('lower')::text || $1 $$;
CREATE FUNCTION trap.same(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS
$$ SELECT trap.innocent('operator') = 1 AND $1 OPERATOR(pg_catalog.=) $2 $$;
CREATE OPERATOR trap.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = trap.same);
-- In a schema of its own: where it is in the path, every statement may call it.
CREATE SCHEMA shadow AUTHORIZATION stranger;
GRANT USAGE ON SCHEMA shadow TO PUBLIC;
CREATE OPERATOR shadow.= (LEFTARG = int, RIGHTARG = int, FUNCTION = trap.same);
CREATE FUNCTION trap.step(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT trap.innocent('aggregate') + $1 + $2 $$;
CREATE AGGREGATE trap.total (int) (SFUNC = trap.step, STYPE = int, INITCOND = '0');
CREATE DOMAIN trap.positive AS int CHECK (trap.innocent(VALUE) = 1);
CREATE DOMAIN trap.more_positive AS trap.positive;
CREATE TYPE trap.cents AS (n int);
CREATE FUNCTION trap.to_cents(int) RETURNS trap.cents LANGUAGE sql IMMUTABLE AS
$$ SELECT row(trap.innocent('cast'))::trap.cents $$;
CREATE CAST (int AS trap.cents) WITH FUNCTION trap.to_cents(int);
CREATE VIEW app.plain AS SELECT id, customer FROM app.orders;
CREATE VIEW app.numbered AS SELECT nextval('app.numbers') AS n, id FROM app.orders;
CREATE VIEW app.hidden AS SELECT id, trap.innocent(status) AS x FROM app.orders;
CREATE VIEW app.hidden_deeper AS SELECT * FROM app.hidden WHERE id > 0;
CREATE VIEW app.napping AS SELECT pg_sleep(0.01) IS NULL AS x FROM app.orders;
CREATE VIEW app.by_operator AS SELECT id FROM app.orders WHERE id OPERATOR(trap.===) 3;
CREATE VIEW app.by_row AS SELECT trap.of_row(o) FROM app.orders o;
CREATE TABLE app.guarded (id int PRIMARY KEY, n int);
INSERT INTO app.guarded SELECT i, i FROM generate_series(1, 10) i;
ALTER TABLE app.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY peek ON app.guarded USING (trap.innocent(n) = 1);
CREATE TABLE app.defaulted (id int PRIMARY KEY, n int DEFAULT trap.innocent('default'));
CREATE TABLE app.indexed (id int, n int);
INSERT INTO app.indexed SELECT i, i FROM generate_series(1, 10) i;
CREATE INDEX ON app.indexed (id) WHERE trap.innocent('index') = 1;
CREATE TABLE app.checked (id int, CHECK (trap.innocent(id) = 1));
CREATE TABLE app.parent (id int);
CREATE TABLE app.child (CHECK (trap.innocent('child') = 1)) INHERITS (app.parent);
CREATE TABLE app.ruled (id int);
CREATE RULE also AS ON INSERT TO app.ruled DO ALSO SELECT trap.innocent('rule');
-- Sorting, grouping and looking up call what no text names.
CREATE TYPE trap.pair AS (a int, b int);
CREATE FUNCTION trap.compare(trap.pair, trap.pair) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT trap.innocent('class') * ($1.a - $2.a) $$;
CREATE FUNCTION trap.less(trap.pair, trap.pair) RETURNS bool LANGUAGE sql IMMUTABLE AS
$$ SELECT trap.compare($1, $2) < 0 $$;
CREATE OPERATOR trap.<<< (LEFTARG = trap.pair, RIGHTARG = trap.pair, FUNCTION = trap.less);
CREATE OPERATOR CLASS trap.pair_ops DEFAULT FOR TYPE trap.pair USING btree AS
    OPERATOR 1 trap.<<<, FUNCTION 1 trap.compare(trap.pair, trap.pair);
CREATE TYPE trap.nested AS (p trap.pair);
CREATE FUNCTION trap.compare_ints(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT trap.innocent('class') * ($1 - $2) $$;
CREATE OPERATOR CLASS trap.int_ops FOR TYPE int USING btree AS
    OPERATOR 1 pg_catalog.<, OPERATOR 3 pg_catalog.=, OPERATOR 5 pg_catalog.>, FUNCTION 1 trap.compare_ints(int, int);
CREATE TABLE app.pairs (p trap.pair, n int);
CREATE TABLE app.by_class (n int);
CREATE INDEX ON app.by_class (n trap.int_ops);
CREATE TABLE app.divided (n int) PARTITION BY RANGE (n trap.int_ops);
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE app.major (major text) SERVER files OPTIONS (filename 'PG_VERSION');
CREATE FOREIGN TABLE app.command (line text) SERVER files OPTIONS (program 'echo run');
GRANT ALL ON ALL TABLES IN SCHEMA app TO app_owner, reader;
GRANT ALL ON ALL SEQUENCES IN SCHEMA app TO app_owner, reader;
TRUNCATE app.log RESTART IDENTITY;

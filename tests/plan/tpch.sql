-- The TPC-H schema with a small generated data set: same tables and columns, about a two-hundredth of scale 1.
CREATE TABLE region (r_regionkey int PRIMARY KEY, r_name text NOT NULL, r_comment text);
CREATE TABLE nation (
    n_nationkey int PRIMARY KEY, n_name text NOT NULL, n_regionkey int NOT NULL REFERENCES region, n_comment text);
CREATE TABLE supplier (
    s_suppkey int PRIMARY KEY, s_name text NOT NULL, s_address text NOT NULL,
    s_nationkey int NOT NULL REFERENCES nation, s_phone text NOT NULL, s_acctbal numeric(15, 2) NOT NULL,
    s_comment text NOT NULL);
CREATE TABLE part (
    p_partkey int PRIMARY KEY, p_name text NOT NULL, p_mfgr text NOT NULL, p_brand text NOT NULL,
    p_type text NOT NULL, p_size int NOT NULL, p_container text NOT NULL, p_retailprice numeric(15, 2) NOT NULL,
    p_comment text NOT NULL);
CREATE TABLE partsupp (
    ps_partkey int NOT NULL REFERENCES part, ps_suppkey int NOT NULL REFERENCES supplier,
    ps_availqty int NOT NULL, ps_supplycost numeric(15, 2) NOT NULL, ps_comment text NOT NULL,
    PRIMARY KEY (ps_partkey, ps_suppkey));
CREATE TABLE customer (
    c_custkey int PRIMARY KEY, c_name text NOT NULL, c_address text NOT NULL,
    c_nationkey int NOT NULL REFERENCES nation, c_phone text NOT NULL, c_acctbal numeric(15, 2) NOT NULL,
    c_mktsegment text NOT NULL, c_comment text NOT NULL);
CREATE TABLE orders (
    o_orderkey int PRIMARY KEY, o_custkey int NOT NULL REFERENCES customer, o_orderstatus text NOT NULL,
    o_totalprice numeric(15, 2) NOT NULL, o_orderdate date NOT NULL, o_orderpriority text NOT NULL,
    o_clerk text NOT NULL, o_shippriority int NOT NULL, o_comment text NOT NULL);
CREATE TABLE lineitem (
    l_orderkey int NOT NULL REFERENCES orders, l_partkey int NOT NULL, l_suppkey int NOT NULL,
    l_linenumber int NOT NULL, l_quantity numeric(15, 2) NOT NULL, l_extendedprice numeric(15, 2) NOT NULL,
    l_discount numeric(15, 2) NOT NULL, l_tax numeric(15, 2) NOT NULL, l_returnflag text NOT NULL,
    l_linestatus text NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
    l_shipinstruct text NOT NULL, l_shipmode text NOT NULL, l_comment text NOT NULL,
    PRIMARY KEY (l_orderkey, l_linenumber));

INSERT INTO region
SELECT i, (ARRAY['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'])[i + 1], '' FROM generate_series(0, 4) i;
INSERT INTO nation
SELECT i, (ARRAY['ALGERIA', 'ARGENTINA', 'BRAZIL', 'CANADA', 'EGYPT', 'ETHIOPIA', 'FRANCE', 'GERMANY', 'INDIA',
    'INDONESIA', 'IRAN', 'IRAQ', 'JAPAN', 'JORDAN', 'KENYA', 'MOROCCO', 'MOZAMBIQUE', 'PERU', 'CHINA', 'ROMANIA',
    'SAUDI ARABIA', 'VIETNAM', 'RUSSIA', 'UNITED KINGDOM', 'UNITED STATES'])[i + 1],
    (ARRAY[0, 1, 1, 1, 4, 0, 3, 3, 2, 2, 4, 4, 2, 4, 0, 0, 0, 1, 2, 3, 4, 2, 3, 3, 1])[i + 1], ''
FROM generate_series(0, 24) i;
INSERT INTO supplier
SELECT i, 'Supplier#' || i, 'address ' || i, i % 25, (10 + i % 25) || '-555-' || i, (i * 7919 % 11000) - 1000,
    CASE WHEN i % 40 = 0 THEN 'Customer unhappy Complaints' ELSE 'fine' END
FROM generate_series(1, 100) i;
INSERT INTO part
SELECT i, (ARRAY['forest', 'green', 'almond', 'azure', 'blush'])[i % 5 + 1] || ' part ' || i, 'Manufacturer#' || i % 5 + 1,
    'Brand#' || i % 5 + 1 || i / 5 % 5 + 1,
    (ARRAY['STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO'])[i % 6 + 1] || ' '
        || (ARRAY['ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED'])[i / 6 % 5 + 1] || ' '
        || (ARRAY['TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'])[i / 30 % 5 + 1],
    i % 50 + 1, (ARRAY['SM CASE', 'SM BOX', 'MED BAG', 'MED BOX', 'LG CASE', 'JUMBO PKG'])[i % 6 + 1],
    900 + i % 1000, ''
FROM generate_series(1, 1000) i;
INSERT INTO partsupp
SELECT i, (i * 13 + j * 25) % 100 + 1, (i * 31 + j) % 9999, (i * 17 + j * 7) % 1000 + 1, ''
FROM generate_series(1, 1000) i, generate_series(0, 3) j;
INSERT INTO customer
SELECT i, 'Customer#' || i, 'address ' || i, i * 7 % 25, (10 + i * 7 % 25) || '-555-' || i, (i * 6007 % 11000) - 1000,
    (ARRAY['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD'])[i % 5 + 1], ''
FROM generate_series(1, 750) i;
INSERT INTO orders
SELECT i, (i * 31 % 500) + 1, CASE WHEN i % 2 = 0 THEN 'F' ELSE 'O' END, 1000 + i * 97 % 400000,
    date '1992-01-01' + (i * 1237 % 2400), (ARRAY['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT', '5-LOW'])[i % 5 + 1],
    'Clerk#' || i % 50, 0, CASE WHEN i % 30 = 0 THEN 'special deposit requests' ELSE 'plain' END
FROM generate_series(1, 7500) i;
INSERT INTO lineitem
SELECT o, (o * 37 + n * 11) % 1000 + 1, ((o * 37 + n * 11) % 1000 * 13 + 13 + n % 4 * 25) % 100 + 1, n,
    (o * 7 + n * 3) % 50 + 1, 900 + (o * 3 + n * 7) % 50000, ((o + n) % 11) / 100.0, ((o + n) % 9) / 100.0,
    (ARRAY['R', 'A', 'N'])[(o + n) % 3 + 1], CASE WHEN o % 2 = 0 THEN 'F' ELSE 'O' END,
    date '1992-01-01' + (o * 1237 % 2400) + n * 9, date '1992-01-01' + (o * 1237 % 2400) + 40 + n % 3,
    date '1992-01-01' + (o * 1237 % 2400) + n * 9 + (o + n) % 30,
    (ARRAY['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'])[(o + n) % 4 + 1],
    (ARRAY['MAIL', 'SHIP', 'AIR', 'AIR REG', 'TRUCK', 'RAIL', 'FOB'])[(o + n) % 7 + 1], ''
FROM generate_series(1, 7500) o, generate_series(1, 4) n;
CREATE INDEX ON orders (o_custkey);
CREATE INDEX ON lineitem (l_partkey, l_suppkey);

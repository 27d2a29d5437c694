-- The shop: loaded bare, indexed and constrained afterwards, because that is ten times as fast.

CREATE ROLE shop LOGIN;
CREATE ROLE backoffice LOGIN;
CREATE ROLE analyst LOGIN;
GRANT pg_read_all_data TO backoffice, analyst;
GRANT CREATE, USAGE ON SCHEMA public TO shop;

SET ROLE shop;
SET maintenance_work_mem = '64MB';
-- The same shop every time.
SELECT setseed(0.5);

CREATE TABLE categories AS
SELECT n AS id, 'Category ' || n AS name
FROM generate_series(1, 40) AS n;

CREATE TABLE products AS
SELECT n AS id, 1 + n % 40 AS category_id, 'Product ' || n AS name, 199 + (n * 7919) % 30000 AS price_cents,
    (n * 31) % 500 AS stock, repeat('A fine thing to have at home. ', 4) AS description
FROM generate_series(1, 2000) AS n;

CREATE TABLE customers AS
SELECT n AS id, 'Customer ' || n AS name, 'customer' || n || '@example.org' AS email,
    (ARRAY['AT', 'BE', 'CH', 'DE', 'FR', 'IT', 'NL', 'PT'])[1 + n % 8] AS country,
    now() - n * interval '1 hour' AS created_at
FROM generate_series(1, 3000) AS n;

CREATE TABLE orders AS
SELECT n AS id, 1 + floor(random() * 3000)::int AS customer_id, now() - (20000 - n) * interval '5 minutes' AS placed_at,
    (ARRAY['new', 'paid', 'shipped', 'returned'])[1 + n % 4] AS status
FROM generate_series(1, 20000) AS n;

CREATE TABLE order_items AS
SELECT row_number() OVER ()::int AS id, o.id AS order_id, 1 + floor(random() * 2000)::int AS product_id,
    1 + (o.id + k) % 3 AS quantity, 199 + (o.id * k * 7919) % 30000 AS unit_price_cents
FROM orders AS o, generate_series(1, 1 + o.id % 5) AS k;

CREATE TABLE invoices AS
SELECT n AS id, 1 + n % 3000 AS customer_id, n AS order_id, current_date - n % 90 AS issued_on,
    current_date - n % 90 + 30 AS due_on, 'open' AS status
FROM generate_series(1, 6000) AS n;

CREATE TABLE questions AS
SELECT n AS id, n % 2000 + 1 AS product_id, 'How do you like product ' || n % 2000 + 1 || '?' AS question_text,
    now() - n * interval '1 hour' AS pub_date
FROM generate_series(1, 800) AS n;

CREATE TABLE choices AS
SELECT row_number() OVER ()::int AS id, q.id AS question_id, 'Choice ' || k AS choice_text, (q.id * k) % 90 AS votes
FROM questions AS q, generate_series(1, 2 + q.id % 4) AS k;

-- Work that recurs, so that the queue neither empties nor grows.
CREATE TABLE jobs AS
SELECT n AS id, (ARRAY['mail', 'thumbnail', 'webhook'])[1 + n % 3] AS kind, now() + n * interval '20 ms' AS run_at, 0 AS runs
FROM generate_series(1, 300) AS n;

ALTER TABLE categories ADD PRIMARY KEY (id);
ALTER TABLE products ADD PRIMARY KEY (id), ADD FOREIGN KEY (category_id) REFERENCES categories;
ALTER TABLE customers ADD PRIMARY KEY (id), ADD UNIQUE (email);
ALTER TABLE orders ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE order_items ADD PRIMARY KEY (id), ADD FOREIGN KEY (order_id) REFERENCES orders,
    ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE invoices ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers,
    ADD FOREIGN KEY (order_id) REFERENCES orders;
ALTER TABLE questions ADD PRIMARY KEY (id), ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE choices ADD PRIMARY KEY (id), ADD FOREIGN KEY (question_id) REFERENCES questions;
ALTER TABLE jobs ADD PRIMARY KEY (id);

CREATE INDEX ON products (category_id);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON order_items (order_id);
CREATE INDEX ON order_items (product_id);
CREATE INDEX ON invoices (customer_id);
CREATE INDEX ON questions (product_id);
CREATE INDEX ON choices (question_id);
CREATE INDEX ON jobs (run_at);

ANALYZE;

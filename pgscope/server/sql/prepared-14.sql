-- Prepared transactions: they hold locks with no session behind them.
select p.transaction::text::int8, p.gid, date_part('epoch', p.prepared), p.owner, p.database
from pg_catalog.pg_prepared_xacts p

-- Every wait in pg_locks, and the holders of the same objects; what pg_blocking_pids says of the waiters.
-- Of the waiters for one object and mode only the first few are asked: each call copies the object's whole
-- queue, so asking them all costs the square of its length (500 updates of one row: 50 ms and 760 kB a look).
-- Any two of different modes stay exact, since one of them is of a mode with few waiters or both are asked.
-- The hash stands for the object: cheaper to sort and look up than its ten columns or a text of them.
-- Predicate locks (SIReadLock) block nobody. A prepared transaction has no pid; the lock on its own number
-- tells which it is.
with lock as materialized (
    select l.*,
           pg_catalog.hash_record_extended(
               row(l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid,
                   l.classid, l.objid, l.objsubid), 0) as object
    from pg_catalog.pg_locks l
    where l.mode <> 'SIReadLock'
), waiting as materialized (
    select w.pid,
           w.object,
           row_number() over (partition by w.object, w.mode order by w.waitstart, w.pid) as place
    from lock w
    where not w.granted
), asked as materialized (
    select w.pid from waiting w where w.place <= %(each)s order by w.place limit %(most)s
)
select coalesce(l.pid, 0),
       l.locktype,
       l.database::int8,
       l.relation::int8,
       l.page,
       l.tuple,
       l.virtualxid,
       l.transactionid::text::int8,
       l.classid::int8,
       l.objid::int8,
       l.objsubid,
       case when l.pid is null then l.virtualtransaction end,
       l.mode,
       l.granted,
       l.fastpath,
       date_part('epoch', l.waitstart),
       case when not l.granted and l.pid in (select a.pid from asked a)
            then pg_catalog.pg_blocking_pids(l.pid) end
from lock l
where l.object in (select w.object from waiting w)
   or l.pid is null and l.locktype = 'transactionid' and exists (select from waiting)

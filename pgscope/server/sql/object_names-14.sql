-- What other objects (roles, schemas, types, ...) are called, by class and oid.
select o.classid::int8, o.objid::int8, pg_catalog.pg_describe_object(o.classid, o.objid, 0)
from unnest(%(classids)s::oid[], %(objids)s::oid[]) as o (classid, objid)

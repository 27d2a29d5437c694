-- Running maintenance and DDL, one row each, in the terms of its present phase.
select p.pid,
       p.datid::int8,
       p.relid::int8,
       p.command,
       p.phase,
       case when p.phase like 'waiting%' then p.lockers_done
            when p.phase like '%tuples%' then p.tuples_done
            else p.blocks_done end,
       case when p.phase like 'waiting%' then p.lockers_total
            when p.phase like '%tuples%' then p.tuples_total
            else p.blocks_total end,
       case when p.phase like 'waiting%' then 'transactions'
            when p.phase like '%tuples%' then 'rows'
            else 'blocks' end,
       concat_ws(', ',
                 case when p.current_locker_pid > 0 then 'waits for pid ' || p.current_locker_pid end,
                 case when p.partitions_total > 0
                      then 'partition ' || p.partitions_done + 1 || ' of ' || p.partitions_total end)
from pg_catalog.pg_stat_progress_create_index p
union all
select p.pid,
       p.datid::int8,
       p.relid::int8,
       'VACUUM',
       p.phase,
       case when p.phase = 'vacuuming heap' then p.heap_blks_vacuumed else p.heap_blks_scanned end,
       p.heap_blks_total,
       'blocks',
       case when p.index_vacuum_count > 0 then p.index_vacuum_count || ' passes over the indexes done' end
from pg_catalog.pg_stat_progress_vacuum p
union all
select p.pid,
       p.datid::int8,
       coalesce(nullif(p.current_child_table_relid, 0), p.relid)::int8,
       'ANALYZE',
       p.phase,
       case when p.phase = 'computing extended statistics' then p.ext_stats_computed
            else p.sample_blks_scanned end,
       case when p.phase = 'computing extended statistics' then p.ext_stats_total
            else p.sample_blks_total end,
       case when p.phase = 'computing extended statistics' then 'statistics' else 'blocks' end,
       case when p.child_tables_total > 0
            then 'child table ' || p.child_tables_done + 1 || ' of ' || p.child_tables_total end
from pg_catalog.pg_stat_progress_analyze p
union all
select p.pid,
       p.datid::int8,
       p.relid::int8,
       p.command,
       p.phase,
       case when p.phase like 'index scanning%' then p.heap_tuples_scanned
            when p.phase = 'writing new heap' then p.heap_tuples_written
            when p.phase = 'rebuilding index' then p.index_rebuild_count
            else p.heap_blks_scanned end,
       case when p.phase like 'index scanning%' or p.phase = 'rebuilding index' then 0
            when p.phase = 'writing new heap' then p.heap_tuples_scanned
            else p.heap_blks_total end,
       case when p.phase like 'index scanning%' or p.phase = 'writing new heap' then 'rows'
            when p.phase = 'rebuilding index' then 'indexes'
            else 'blocks' end,
       null
from pg_catalog.pg_stat_progress_cluster p
union all
select p.pid,
       p.datid::int8,
       p.relid::int8,
       p.command,
       lower(p.type),
       p.bytes_processed,
       p.bytes_total,
       'bytes',
       concat_ws(', ',
                 p.tuples_processed || ' rows',
                 case when p.tuples_excluded > 0 then p.tuples_excluded || ' excluded by WHERE' end)
from pg_catalog.pg_stat_progress_copy p
union all
select p.pid,
       null,
       null,
       'BASE BACKUP',
       p.phase,
       p.backup_streamed,
       p.backup_total,
       'bytes',
       case when p.tablespaces_total > 1
            then p.tablespaces_streamed || ' of ' || p.tablespaces_total || ' tablespaces' end
from pg_catalog.pg_stat_progress_basebackup p

"""Functions that are refused by name: what their catalog entry says does not tell what they do."""

from __future__ import annotations

FUNCTIONS = frozenset(
    (
        # Run a query that they are given, or all of a table or view, whatever that calls.
        *("query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "cursor_to_xml"),
        *("table_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema"),
        *("schema_to_xml", "schema_to_xmlschema", "schema_to_xml_and_xmlschema"),
        *("database_to_xml", "database_to_xmlschema", "database_to_xml_and_xmlschema"),
        *("ts_stat", "ts_rewrite"),
        # Stable by the catalog, but give the transaction an id, which is a write.
        *("txid_current", "pg_current_xact_id"),
        # Session state that outlives a rollback, other sessions, files, the server itself.
        *("set_config", "setseed", "pg_notify", "pg_sleep", "pg_sleep_for", "pg_sleep_until"),
        *("pg_cancel_backend", "pg_terminate_backend", "pg_reload_conf", "pg_rotate_logfile", "pg_promote"),
        *("pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock"),
        *("pg_advisory_xact_lock", "pg_advisory_xact_lock_shared", "pg_try_advisory_lock_shared"),
        *("pg_try_advisory_xact_lock", "pg_try_advisory_xact_lock_shared"),
        *("pg_read_file", "pg_read_binary_file", "pg_stat_file", "pg_ls_dir", "lo_import", "lo_export"),
        *("nextval", "setval", "pg_switch_wal", "pg_create_restore_point", "pg_logical_emit_message"),
        *("pg_stat_reset", "pg_stat_reset_shared", "pg_stat_statements_reset", "pg_export_snapshot"),
    )
)

EXTENSIONS = frozenset(
    (
        *("dblink", "postgres_fdw", "file_fdw", "adminpack", "lo", "pageinspect", "pg_surgery", "pg_prewarm"),
        *(
            "pg_cron",
            "pg_background",
            "http",
            "pg_net",
            "aws_s3",
            "aws_lambda",
            "plproxy",
            "pg_partman",
            "orafce",
        ),
        *("pgagent", "pglogical", "xml2", "tablefunc", "pgq", "pldbgapi", "pg_repack", "system_stats"),
    )
)
"""Extensions whose functions act outside of the statement, or run one that they are given."""

TRUSTED_LANGUAGES = frozenset({"c", "internal"})
"""Only a superuser makes functions in these, so an extension's can be taken at their word."""

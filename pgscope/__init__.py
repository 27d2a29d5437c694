"""pgscope: a live query inspector for PostgreSQL, grouped by application."""

__version__ = "0.1.0"

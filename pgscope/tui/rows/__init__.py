"""Columns and rows of the tables: pure functions from what analysis knows to what a table shows."""

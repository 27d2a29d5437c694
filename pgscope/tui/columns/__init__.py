"""Choosing the columns of a table."""

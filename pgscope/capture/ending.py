"""Ending tasks for sure, for those above the server: see `pgscope.server.ending`."""

from __future__ import annotations

from pgscope.server.ending import end, within

__all__ = ["end", "within"]

"""The report as one HTML page that needs nothing else: no script, no network, plots as inline SVG."""

from pgscope.report.html.page import page

__all__ = ["page"]

"""A server with a workload of real programs, to try pgscope on."""

from pgscope.demo.demo import Demo, DemoMissingError, start_demo

__all__ = ["Demo", "DemoMissingError", "start_demo"]

"""A server with a workload of real programs, to try pgscope on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgscope.demo.demo import Demo, DemoMissingError, start_demo

__all__ = ["Demo", "DemoMissingError", "start_demo"]


def __getattr__(name: str) -> Any:
    # On demand: each program of the demo imports this package, and none needs the server's side.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pgscope.demo import demo

    return getattr(demo, name)

"""Modules that are loaded when something of them is asked for.

Like `importlib.util.LazyLoader`, whose modules are half there for a second thread until Python 3.12.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import Any

_LOADING = RLock()
_THERE = frozenset(("__spec__", "__path__", "__name__", "__file__", "__package__", "__loader__"))
"""What a module has before it is loaded. The import system asks for it with locks of its own in hand: to wait
for the load then could be to wait for ever."""


def import_late(*names: str) -> None:
    """Whoever imports these modules from now on gets them without their contents, which come when needed."""
    sys.meta_path.insert(0, _LateFinder(names))


class _LateFinder(MetaPathFinder):
    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002 - of who reloads
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path) if fullname in self._names else None
        if spec is not None and spec.loader is not None:
            spec.loader = _LateLoader(spec.loader)
        return spec


class _LateLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Not yet."""
        module.__class__ = _LateModule


class _LateModule(ModuleType):
    def __getattribute__(self, name: str) -> Any:
        if name in _THERE:
            return ModuleType.__getattribute__(self, name)
        with _LOADING:
            spec = self.__spec__
            late = spec and spec.loader
            if spec is not None and isinstance(late, _LateLoader):
                spec.loader = self.__loader__ = late.loader
                late.loader.exec_module(self)
                # Until here others wait: what a module has at first may not be what it has at its end.
                self.__class__ = ModuleType  # type: ignore[assignment]
        return ModuleType.__getattribute__(self, name)

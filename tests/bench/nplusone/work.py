"""Workloads of one library, a thread each: `python -m tests.bench.nplusone.work NAME=CONNINFO ...`."""

from __future__ import annotations

import importlib
import sys
import threading

from psycopg.conninfo import make_conninfo

from tests.bench.nplusone.labels import LABELS
from tests.bench.nplusone.pacing import pacing


def main() -> None:
    """Run until killed, or until the bench that started it is gone."""
    places = dict(word.split("=", 1) for word in sys.argv[1:])
    named = {name: make_conninfo(place, application_name=name) for name, place in places.items()}
    library = importlib.import_module(f"tests.bench.nplusone.with_{LABELS[next(iter(named))].library}")
    if hasattr(library, "start"):
        library.start(named)
    for name, conninfo in named.items():
        label = LABELS[name]
        for number in range(label.processes):
            work = library.prepare(label, conninfo, pacing(name, label.rate, number))
            threading.Thread(target=work, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()

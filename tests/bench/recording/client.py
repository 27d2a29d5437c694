"""Sessions for the bench: many connections, statements of many texts, at a steady rate."""

from __future__ import annotations

import random
import sys
import time

import psycopg


def main() -> None:
    """Connect, run every statement once, say so, then run some of them for ever."""
    conninfo, sessions, statements, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    chance = random.Random(1)
    connections = [
        psycopg.connect(conninfo, autocommit=True, application_name=f"app-{number % 20}")
        for number in range(sessions)
    ]
    first = connections[0]
    first.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    first.execute(
        "CREATE TABLE IF NOT EXISTS t AS SELECT g AS id, 'name ' || g AS name FROM generate_series(1, 1000) g"
    )
    texts = [_text(number) for number in range(statements)]
    for text in texts:
        _run(chance.choice(connections), text, chance)
    print(f"{sessions} sessions, {statements} statements, {rate:g} calls a second", flush=True)
    begun, done = time.monotonic(), 0
    while True:
        for _ in range(max(int((time.monotonic() - begun) * rate) - done, 0)):
            # A few are run most of the time, as it is.
            place = int(statements * chance.random() ** 3)
            _run(chance.choice(connections), texts[place], chance)
            done += 1
        time.sleep(0.01)


def _text(number: int) -> str:
    """A statement of its own: its operators are the number's bits (names of columns would make no other)."""
    terms = "".join(" + id" if number >> bit & 1 else " - id" for bit in range(16))
    return f"SELECT id, name, id + {{}}{terms} AS sum FROM t WHERE name = 'name {{}}' LIMIT 5"


def _run(connection: psycopg.Connection, text: str, chance: random.Random) -> None:
    filled = text.format(chance.randrange(1_000_000), chance.randrange(1000))
    connection.execute(filled.encode())


if __name__ == "__main__":
    main()

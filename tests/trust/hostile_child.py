"""pgscope on what an enemy wrote: texts, names, plans, settings; as `test_hostile_terminal` runs it.

usage: hostile_child.py FILE MODE

FILE is a JSON array of strings, put in turn into every text and name. MODE is `one` (a server), `fleet` (two,
with plans kept, a doctor and actions), `uncounted` (a server that counts no statements) or `replay`. The
names of the screens that were up are written to FILE.screens.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from pgscope.capture.actions import Actions
from pgscope.capture.audit import AuditLog
from pgscope.capture.checking import Checking
from pgscope.capture.explaining import Explaining
from pgscope.capture.plan_store import PlanStore, StoredPlan
from pgscope.capture.recording.recording import Recording
from pgscope.capture.source import Silent
from pgscope.sample import Checkup, Connected, Missing, Sample, Setting
from pgscope.server.conninfo import Target, target
from pgscope.text import clean
from pgscope.tui.app import PgscopeApp
from pgscope.tui.served import Begin, Server
from tests.tui.recorded import Recorded, changed, shop
from tests.tui.samples import recorded

NOWHERE = "host=/nowhere dbname=x"
DOCUMENT = Path(__file__).parents[1] / "tui" / "plans" / "turnover.json"


class Enemy:
    """Gives hostile texts, each in its turn."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = cycle(texts)

    def text(self, sql: str) -> str:
        return f"{next(self._texts)} {sql}"

    def name(self, one: str) -> str:
        return one + next(self._texts)

    def known(self, one: str) -> str:
        """What a server says of itself is cleaned on its way in."""
        return clean(self.name(one), lines=False)

    def samples(self, *, counted: bool = True) -> list[Sample]:
        return [self._facts(one, counted) for one in changed(shop().taken, self.text, self.name)]

    def _facts(self, one: Sample, counted: bool) -> Sample:
        if not isinstance(one, Connected):
            return one
        facts = replace(
            one.facts,
            version=self.known(one.facts.version),
            host=self.known("db1"),
            database=self.known("shop"),
            user=self.known("ops"),
            missing=(Missing(self.known("a"), self.known("b"), self.known("c")),),
            statements_version=one.facts.statements_version if counted else None,
        )
        return replace(one, facts=facts)

    def plans(self, folder: Path) -> PlanStore:
        """Plans kept, with hostile names in all their nodes."""
        store = PlanStore(folder, literals=True)
        pairs = [(self.name("db1"), self.name("d")) for _ in range(2)]
        for at in range(4):
            document = self._spoilt(json.loads(DOCUMENT.read_text()))
            store.save(StoredPlan(1.7e9 + at, *pairs[at // 2], at // 2, "select 1", True, document))
        return store

    def _spoilt(self, value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: self._spoilt(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [self._spoilt(one, key) for one in value]
        # What PostgreSQL itself chooses from says what a node is.
        kept = ("Node Type", "Strategy", "Parent Relationship", "Join Type", "Sort Space Type", "Operation")
        return self.name(value) if isinstance(value, str) and key not in kept else value

    def checkup(self, samples: list[Sample]) -> Checkup:
        """A set-up full of hostile words."""
        facts = next(one.facts for one in samples if isinstance(one, Connected))
        names = ("compute_query_id", "track_io_timing", "log_lock_waits", "shared_preload_libraries")
        settings = {name: Setting(self.known("x"), self.known("u"), self.known("sighup")) for name in names}
        return Checkup(facts, settings, self.known("1"), self.known("1"), 9, 3, 1)


class Given(Checking):
    """A check-up that was made before."""

    def __init__(self, where: Target, checkup: Checkup) -> None:
        super().__init__(where)
        self._checkup = checkup

    async def check_up(self) -> Checkup:
        return self._checkup


def fleet(enemy: Enemy, texts: list[str], folder: Path) -> PgscopeApp:
    where = target(NOWHERE)
    store = enemy.plans(folder / "plans")

    def server(title: str) -> Server:
        samples = enemy.samples()
        return Server(
            Recorded(samples),
            title,
            Actions(where, AuditLog(folder / "actions.jsonl")),
            partial(Explaining, where, store=store),
            Given(where, enemy.checkup(samples)),
        )

    first, other = server(texts[0]), server(texts[-1])
    return PgscopeApp(
        first.source,
        title=first.title,
        actions=first.actions,
        explaining=first.explaining,
        checking=first.checking,
        others=[other],
    )


def replay(enemy: Enemy, folder: Path) -> PgscopeApp:
    recorded(folder / "hostile.rec", enemy.samples())
    recording = Recording.open(folder / "hostile.rec")
    begin = Begin(recording.end - 1.0, playing=False)
    return PgscopeApp(Silent(), read_only=True, recording=recording, begin=begin)


def noting(app: PgscopeApp, change: Callable[..., Any], seen: set[str]) -> Callable[..., Any]:
    """What changes the screen, and notes which came up."""

    def changing(*arguments: Any, **options: Any) -> Any:
        done = change(*arguments, **options)
        seen.add(type(app.screen).__name__)
        return done

    return changing


def main() -> None:
    """Run the app of a mode, and write down which screens were up."""
    file, mode = Path(sys.argv[1]), sys.argv[2]
    texts = json.loads(file.read_text(encoding="utf-8"))
    enemy = Enemy(texts)
    made: dict[str, Callable[[], PgscopeApp]] = {
        "one": lambda: PgscopeApp(Recorded(enemy.samples()), title=texts[0]),
        "uncounted": lambda: PgscopeApp(Recorded(enemy.samples(counted=False)), title=texts[0]),
        "fleet": lambda: fleet(enemy, texts, file.parent),
        "replay": lambda: replay(enemy, file.parent),
    }
    app = made[mode]()
    seen: set[str] = set()
    for name in ("push_screen", "switch_screen"):
        setattr(app, name, noting(app, getattr(app, name), seen))
    app.run()
    file.with_name(f"{file.name}.screens").write_text(json.dumps(sorted(seen)))


if __name__ == "__main__":
    main()

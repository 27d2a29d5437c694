"""The palette (ctrl+p): every action that has a key, by what it does."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual.binding import ActiveBinding
from textual.command import DiscoveryHit, Hit, Hits, Provider

from pgscope.tui.help import binding_name


def _moves(active: ActiveBinding) -> bool:
    """Whether it only moves the cursor: those come last."""
    return (active.binding.id or "").startswith(("table.", "reader.")) and not active.binding.show


class Actions(Provider):
    """All actions of the screen in hand, of what has the focus there, and of the app."""

    def _actions(self) -> Iterable[tuple[str, str, ActiveBinding]]:
        seen = set()
        for active in sorted(self.screen.active_bindings.values(), key=_moves):
            name = binding_name(active)
            if name is None or name in seen:
                continue
            seen.add(name)
            key = self.app.get_key_display(active.binding)
            yield f"{active.binding.description} ({key})", active.binding.tooltip, active

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for title, tooltip, active in self._actions():
            yield DiscoveryHit(title, partial(self._run, active), help=tooltip or None)

    async def search(self, query: str) -> Hits:
        """Those that fit what is typed."""
        matcher = self.matcher(query)
        for title, tooltip, active in self._actions():
            score = max(matcher.match(title), matcher.match(tooltip) * 0.8)
            if score > 0:
                yield Hit(score, matcher.highlight(title), partial(self._run, active), help=tooltip or None)

    async def _run(self, active: ActiveBinding) -> None:
        await self.app.run_action(active.binding.action, active.node)

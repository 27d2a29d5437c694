"""Every key of every screen is in its help and in the palette, fits in the footer, and can be remapped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest
from textual.app import App
from textual.pilot import Pilot

from pgscope.config import Config, ConfigError
from pgscope.tui.app import PgscopeApp
from pgscope.tui.fleet.view import FleetView
from pgscope.tui.frame import Frame
from pgscope.tui.help import HelpScreen, keys_of
from pgscope.tui.keyline import KeyLine
from pgscope.tui.keylist import sections
from pgscope.tui.palette import Actions
from pgscope.tui.served import Server
from pgscope.tui.settings import binding_ids, check
from tests.tui.driving import shown, table, until
from tests.tui.frozen import FrozenSource, jam
from tests.tui.recorded import last_poll, shop

DRILLED = {
    "1": ("enter",),
    "2": ("enter",),
    "3": ("enter",),
    "5": ("enter",),
}


async def ready(pilot: Pilot[None]) -> PgscopeApp:
    app = pilot.app
    assert isinstance(app, PgscopeApp)
    last = last_poll(shop().taken)
    await until(pilot, lambda: app.snapshot.at == last.at, "the last recorded poll on the screen")
    return app


async def screens(pilot: Pilot[None]) -> AsyncIterator[Frame]:
    """Every view, and what each leads to."""
    app = await ready(pilot)
    for key in "0123456":
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, Frame) and app.screen.focused, "the view")
        assert isinstance(app.screen, Frame)
        yield app.screen
        if key in DRILLED and table(app).rows:
            view = app.screen
            await pilot.press(*DRILLED[key])
            await until(pilot, partial(_elsewhere, app, view), "what it leads to")
            await until(pilot, lambda: isinstance(app.screen, Frame) and app.screen.focused, "its focus")
            assert isinstance(app.screen, Frame)
            yield app.screen


def _elsewhere(app: PgscopeApp, screen: Frame) -> bool:
    return app.screen is not screen


def _fits(screen: Frame) -> bool:
    """Whether the footer shows all keys that it wants, and these are neither few nor many."""
    keys = screen.query_one(KeyLine).keys
    return 4 <= len(keys) <= 12 and all(0 < key.end <= 80 for key in keys)


def _says(app: PgscopeApp, words: str) -> bool:
    return words in shown(app)


def ours(app: App[None]) -> dict[str, str]:
    """The tooltips of the keys of pgscope that work now, by their ids."""
    return {
        active.binding.id: active.binding.tooltip
        for active in app.screen.active_bindings.values()
        if active.binding.id in binding_ids() and active.enabled
    }


def fleet() -> PgscopeApp:
    return PgscopeApp(shop(), title="shop", others=[Server(FrozenSource(jam()), "jam")])


async def test_every_key_is_told_everywhere_and_can_be_remapped() -> None:
    app = fleet()
    met: set[str] = set()
    helps: dict[str, type[Frame]] = {}
    async with app.run_test(size=(80, 24)) as pilot:
        async for screen in screens(pilot):
            found = ours(app)
            assert len(found) > 15, screen
            told = {tooltip for _, tooltip in keys_of(screen)}
            assert set(found.values()) <= told, screen
            actions = {active.binding.id for _, _, active in Actions(screen)._actions()}
            assert set(found) <= actions, screen
            for name in set(found) - met:
                app.set_keymap({name: "f9"})
                active = app.screen.active_bindings.get("f9")
                assert active is not None and active.binding.id == name, (screen, name)
            app.set_keymap({})
            met |= set(found)
            # Remapped keys are laid out anew.
            await until(pilot, partial(_fits, screen), f"room for all keys of {type(screen).__name__}")
            assert screen.HELP, screen
            assert helps.setdefault(screen.HELP, type(screen)) is type(screen)
            await pilot.press("question_mark")
            await until(pilot, partial(_says, app, screen.HELP[:20]), "its help")
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, HelpScreen), "the view again")
    assert {"fleet.tab", "group.tab", "finding.copy", "frame.load", "frame.columns", "view.plans"} <= met
    assert FleetView in helps.values()


def test_the_list_of_keys_has_every_id_of_the_views() -> None:
    listed = {name for _, keys in sections() for _, _, name in keys}
    of_dialogues = ("ask", "ignore", "help", "notices", "filter", "analyze", "parameters", "save", "jump")
    missing = {one for one in binding_ids() - listed if one.split(".")[0] not in of_dialogues}
    assert not missing


@pytest.mark.parametrize(
    ("keymap", "words"),
    [
        ({"view.sessions": "w"}, "'w' is the key of frame.load"),
        ({"applications.by": "s"}, "'s' is the key of table.sort"),
        ({"view.sessions": "?"}, "is the key of app.help"),
    ],
)
def test_a_key_that_another_has_is_refused(keymap: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check(Config(keymap=keymap))
    check(Config(keymap={"view.sessions": "2,f6", "applications.by": "x"}))
    check(Config(keymap={"view.sessions": "w", "frame.load": "f7", "plan.save": "f8"}))

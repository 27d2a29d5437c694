"""Keys of the past. Those that go back lead into it from the present."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding


def _key(keys: str, what: str, description: str, tooltip: str, name: str, shown: str) -> Binding:
    return Binding(
        keys, f"past({what})", description, tooltip=tooltip, id=f"past.{name}", show=False, key_display=shown
    )


BINDINGS: Final = (
    _key(
        "left_square_bracket", "'move', -10", "10 s back", "Go 10 s back, into the last minutes", "back", "["
    ),
    _key("right_square_bracket", "'move', 10", "10 s forward", "Go 10 s forward", "forward", "]"),
    _key("left_curly_bracket", "'move', -300", "5 min back", "Go 5 minutes back", "far_back", "{"),
    _key("right_curly_bracket", "'move', 300", "5 min forward", "Go 5 minutes forward", "far_forward", "}"),
    _key("comma", "'step', -1", "Step back", "Go one poll back", "step_back", ","),
    _key("full_stop", "'step', 1", "Step", "Go one poll forward", "step", "."),
    _key("greater_than_sign", "'finding', 1", "Next finding", "Go to the next finding", "finding", ">"),
    _key(
        "less_than_sign", "'finding', -1", "Finding before", "Go to the finding before", "finding_back", "<"
    ),
    _key("right_parenthesis", "'wait', 1", "Next lock wait", "Go to the next lock wait", "wait", ")"),
    _key(
        "left_parenthesis", "'wait', -1", "Lock wait before", "Go to the lock wait before", "wait_back", "("
    ),
    _key("at", "'jump'", "Jump", "Go to a time", "jump", "@"),
    _key("L", "'now'", "Live", "Back to what happens now", "now", "L"),
    _key("ctrl+r", "'record'", "Record", "Record what is seen to a file, or stop", "record", "^r"),
    _key("ctrl+s", "'save'", "Save past", "Save the last minutes to a file", "save", "^s"),
)

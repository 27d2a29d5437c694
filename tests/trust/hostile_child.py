"""pgscope on a recording whose texts and names an enemy wrote, as `test_hostile_terminal` runs it.

usage: hostile_child.py FILE   a JSON array of strings, put in turn into every text and name
"""

from __future__ import annotations

import json
import sys
from itertools import cycle
from pathlib import Path

from pgscope.tui.app import PgscopeApp
from tests.tui.recorded import Recorded, changed, shop

if __name__ == "__main__":
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    text, name = cycle(texts), cycle(texts)
    taken = changed(shop().taken, lambda sql: f"{next(text)} {sql}", lambda one: one + next(name))
    PgscopeApp(Recorded(taken), title=texts[0]).run()

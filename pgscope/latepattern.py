"""Regular expressions that are compiled when they are first used: some take a millisecond, at each start."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    late_pattern = re.compile
else:

    class late_pattern:
        """Is like the pattern that `re.compile` gives for the same arguments."""

        def __init__(self, pattern: str, flags: int = 0) -> None:
            self._given = (pattern, flags)

        def __getattr__(self, name: str) -> Any:
            # `re` keeps what it compiled; what was asked for once is found without coming here again.
            found = getattr(re.compile(*self._given), name)
            setattr(self, name, found)
            return found

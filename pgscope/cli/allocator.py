"""Memory that was freed goes back to the system: glibc would keep what reading long texts took once."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_BYTES = 64 * 1024


def give_back() -> None:
    """Have the C library return free memory from 64 kB on; where it cannot be told so, nothing is done.

    Left alone glibc raises both thresholds with what is freed, and a start with 47 MB of statement texts
    stays 20 MB larger than what is held.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # not glibc
        return
    mallopt(_M_TRIM_THRESHOLD, _BYTES)
    mallopt(_M_MMAP_THRESHOLD, _BYTES)

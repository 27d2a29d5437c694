"""What numbers may be, in the file and on the command line alike. Each check returns the number or raises
ValueError with the words that say what is wanted."""

from __future__ import annotations


def interval(value: float) -> float:
    """Seconds between polls."""
    if not 0.1 <= value <= 3600:
        raise ValueError("out of range: 0.1 to 3600 seconds")
    return value


def sample_hz(value: float) -> float:
    """Looks of the sampler each second."""
    if not 0 <= value <= 100:
        raise ValueError("out of range: 0 to 100 looks a second")
    return value


def budget(value: float) -> float:
    """Percent of one core."""
    if not 0 < value <= 100:
        raise ValueError("out of range: above 0, up to 100 percent of a core")
    return value


def not_negative(value: float) -> float:
    """A threshold."""
    if not 0 <= value < 1e15:
        raise ValueError("out of range: 0 or more")
    return value

"""A real PostgreSQL server to throw away, for the demo and the tests."""

from pgscope.embedded.binaries import Binaries, find_binaries, from_bin
from pgscope.embedded.errors import EmbeddedError
from pgscope.embedded.server import EmbeddedServer

__all__ = ["Binaries", "EmbeddedError", "EmbeddedServer", "find_binaries", "from_bin"]

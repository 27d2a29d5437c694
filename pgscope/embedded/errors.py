"""What goes wrong with an embedded server."""


class EmbeddedError(RuntimeError):
    """The embedded server cannot be found, started or spoken to; the text is one clear line."""

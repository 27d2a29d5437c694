"""How well a server can be observed, on the screen."""

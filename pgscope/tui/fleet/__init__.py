"""Several servers on one screen."""

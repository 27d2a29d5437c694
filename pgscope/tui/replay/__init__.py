"""The past on the screen: recordings, and the last minutes of a live watch."""

"""Parts of what the screen says of lock waits."""

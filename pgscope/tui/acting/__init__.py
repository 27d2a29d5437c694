"""Cancel and terminate: whom, asked first, done in the background, and what came of it."""

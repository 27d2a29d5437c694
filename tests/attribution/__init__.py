"""What was seen of real clients, with what they truly did: runs of `tests.bench.attribution --save`."""

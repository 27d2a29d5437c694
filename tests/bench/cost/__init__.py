"""What watching costs a server and the one who watches: pgscope beside others, on the same server."""

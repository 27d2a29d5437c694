"""`python -m pgscope`."""

from pgscope.cli import main

raise SystemExit(main())

"""`python -m livekit` is the `livekit` command."""

import sys

from .cli import main

sys.exit(main())

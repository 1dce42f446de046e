"""Run the `livekit` command: `python -m livekit`."""

import sys

from .cli import main

sys.exit(main())

"""Settings from the environment, under the names all LiveKit tools use."""

from __future__ import annotations

import os
from dataclasses import dataclass

DEV_KEY = "devkey"
DEV_SECRET = "secret"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Whose tokens a server takes."""

    api_key: str
    api_secret: str

    @classmethod
    def from_environment(cls) -> Settings:
        """LIVEKIT_API_KEY and LIVEKIT_API_SECRET; what is unset or empty is as `livekit dev` has it."""
        return cls(
            api_key=os.environ.get("LIVEKIT_API_KEY") or DEV_KEY,
            api_secret=os.environ.get("LIVEKIT_API_SECRET") or DEV_SECRET,
        )

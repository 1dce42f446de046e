"""How much passes through the rooms of a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

RELIABLE: Final = "reliable"
LOSSY: Final = "lossy"
TRACK: Final = "track"
"""Packets of data tracks."""


@dataclass(slots=True)
class Flow:
    """Packets of one kind, one way."""

    packets: int = 0
    size: int = 0
    """Bytes."""

    def add(self, packets: int, size: int) -> None:
        """So many packets of `size` bytes each pass."""
        self.packets += packets
        self.size += packets * size


def _flows() -> dict[str, Flow]:
    return {kind: Flow() for kind in (RELIABLE, LOSSY, TRACK)}


@dataclass(slots=True)
class Traffic:
    """Counts from the start of the server on."""

    received: Final[dict[str, Flow]] = field(default_factory=_flows)
    """What participants send to the server, by kind; what is dropped is not in it."""
    sent: Final[dict[str, Flow]] = field(default_factory=_flows)
    """What the server sends on to participants, one by one, or keeps for them until they can receive."""
    dropped: int = 0
    """Packets that came and were not allowed, not readable, or repeated."""
    calls: int = 0
    """Calls between participants that were begun."""

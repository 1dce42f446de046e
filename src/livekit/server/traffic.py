"""Packet counters of a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

RELIABLE: Final = "reliable"
LOSSY: Final = "lossy"
TRACK: Final = "track"
"""Packets of data tracks."""


@dataclass(slots=True)
class Flow:
    """Packets of one kind in one direction."""

    packets: int = 0
    size: int = 0
    """Bytes."""

    def add(self, packets: int, size: int) -> None:
        """Count `packets` packets of `size` bytes each."""
        self.packets += packets
        self.size += packets * size


def _flows() -> dict[str, Flow]:
    return {kind: Flow() for kind in (RELIABLE, LOSSY, TRACK)}


@dataclass(slots=True)
class Traffic:
    """Counters since the server started."""

    received: Final[dict[str, Flow]] = field(default_factory=_flows)
    """Packets received from participants, by kind; dropped ones are not included."""
    sent: Final[dict[str, Flow]] = field(default_factory=_flows)
    """Packets sent to participants or kept until they can receive, by kind; counted once per receiver."""
    dropped: int = 0
    """Received packets that were not permitted, not parseable, or duplicates."""
    calls: int = 0
    """RPC calls that participants started."""

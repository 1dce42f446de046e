"""Participants as the RPC core sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """The state and capabilities of a participant that matter to a call."""

    listed: bool
    """The server announced it, or a packet from it has arrived since it last left."""
    ready: bool
    """It is ACTIVE, or a packet from it has arrived: packets sent to it are delivered."""
    client_protocol: int = 0
    """0: version 1 packets only; 1: text streams; 2: inline text streams. 0 while unknown."""
    deflate: bool = False
    """It accepts raw DEFLATE in streams."""
    can_publish_data: bool = True
    """Its permissions allow it to answer."""
    announced: bool = True
    """The server announced it, so the fields above are known."""


ABSENT = PeerInfo(listed=False, ready=False, announced=False)
"""A participant that is neither announced nor known from its packets."""


class PeerLookup(Protocol):
    """The RPC core's view of the participants in the room."""

    def peer(self, identity: str) -> PeerInfo:
        """Return the participant with this identity, `ABSENT` if it is unknown."""
        ...

    def blocked_reason(self) -> str | None:
        """Return the reason why we cannot make calls: ``cannot_publish_data`` or ``hidden_caller``; None if we can."""
        ...

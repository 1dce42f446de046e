"""What the core knows of the participants it talks to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Peer:
    """A participant as a call needs to see it."""

    listed: bool
    """The server has announced it, or its packets were seen since it last left."""
    ready: bool
    """It is ACTIVE, or its packets were seen: what is sent to it arrives."""
    client_protocol: int = 0
    """0: version 1 packets only; 1: text streams; 2: inline text streams. 0 while unknown."""
    deflate: bool = False
    """It takes raw DEFLATE in streams."""
    can_publish_data: bool = True
    """It may answer at all."""
    announced: bool = True
    """The server has announced it, so that the fields above are known."""


ABSENT = Peer(listed=False, ready=False, announced=False)


class PeerDirectory(Protocol):
    """Where the core looks participants up."""

    def peer(self, identity: str) -> Peer:
        """The participant of that identity, `ABSENT` where nobody is known by it."""
        ...

    def obstacle(self) -> str | None:
        """Why we ourselves cannot call anybody: ``cannot_publish_data``, ``hidden_caller``; None if we can."""
        ...

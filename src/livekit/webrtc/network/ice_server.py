"""URLs of STUN and TURN servers (RFC 7064, RFC 7065)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from livekit.webrtc.interfaces import IceServerSettings

__all__ = ["IceServer"]


@dataclass(frozen=True, kw_only=True, slots=True)
class IceServer:
    """A STUN or TURN server."""

    scheme: str
    """stun, stuns, turn or turns."""
    host: str
    port: int
    transport: str
    """udp or tcp, between client and server."""
    username: str = ""
    credential: str = ""

    @classmethod
    def parse(cls, url: str, settings: IceServerSettings) -> IceServer | None:
        """Parse a URL of `settings`, whose credentials apply. Return None if it is not a STUN or TURN URL."""
        match = re.fullmatch(r"(stuns?|turns?):(\[[0-9a-fA-F:.]+\]|[^:?]+)(?::(\d{1,5}))?(?:\?transport=(\w+))?", url)
        if match is None:
            return None
        scheme, host, port, transport = match.groups()
        is_secure = scheme.endswith("s")
        return cls(
            scheme=scheme,
            host=host.strip("[]"),
            port=int(port or (5349 if is_secure else 3478)),
            transport=transport or ("tcp" if is_secure else "udp"),
            username=settings.username,
            credential=settings.credential,
        )

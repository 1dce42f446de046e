"""ICE candidates: the SDP attribute (RFC 8839 section 5.1) and the W3C RTCIceCandidateInit."""

from __future__ import annotations

import ipaddress
import json
import zlib
from dataclasses import dataclass

from .stun import Address

__all__ = ["Candidate", "CandidateError", "candidate_priority"]

TYPE_PREFERENCES = {"host": 126, "prflx": 110, "srflx": 100, "relay": 0}
"""Recommended by RFC 8445 section 5.1.2.2."""


class CandidateError(ValueError):
    """Raised for a malformed candidate."""


def candidate_priority(kind: str, local_preference: int = 65_535) -> int:
    """Return the priority of a candidate of component 1 (RFC 8445 section 5.1.2.1)."""
    return TYPE_PREFERENCES[kind] << 24 | local_preference << 8 | 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A transport address at which an agent may be reachable."""

    host: str
    """An IP address, or a `.local` name in an mDNS candidate (draft-ietf-mmusic-mdns-ice-candidates)."""
    port: int
    kind: str
    """host, srflx, prflx or relay."""
    priority: int
    foundation: str = ""
    component: int = 1
    transport: str = "udp"
    related: Address | None = None
    """The base of a srflx candidate, the mapped address of a relay candidate (`raddr` and `rport`)."""
    tcp_type: str | None = None
    """The TCP type: active, passive or so (simultaneous-open), by RFC 6544 section 4.5; None for UDP."""
    ufrag: str | None = None
    """The username fragment that the candidate belongs to (RFC 8838 section 13); None if not given."""

    @classmethod
    def local(cls, kind: str, address: Address, *, preference: int, related: Address | None = None) -> Candidate:
        """Make a local candidate; `preference` is the local preference, 0 to 65535."""
        base = related[0] if related and kind == "srflx" else address[0]
        return cls(
            host=address[0],
            port=address[1],
            kind=kind,
            priority=candidate_priority(kind, preference),
            foundation=str(zlib.crc32(f"{kind} {base}".encode())),
            related=related,
        )

    @property
    def address(self) -> Address:
        return self.host, self.port

    @property
    def ip_version(self) -> int | None:
        """4 or 6; None if `host` is a name."""
        try:
            return ipaddress.ip_address(self.host).version
        except ValueError:
            return None

    @classmethod
    def parse(cls, text: str) -> Candidate:
        """Parse a candidate attribute, with or without the prefix `candidate:`.

        Raises:
            CandidateError: the attribute is malformed or of an unknown candidate type.
        """
        fields = text.strip().removeprefix("a=").removeprefix("candidate:").split()
        if len(fields) < 8 or fields[6] != "typ":
            raise CandidateError(
                f"an ICE candidate must have at least 8 fields and 'typ' as the seventh: {text[:200]!r}"
            )
        extensions = dict(zip(fields[8::2], fields[9::2], strict=False))
        try:
            component, priority, port = int(fields[1]), int(fields[3]), int(fields[5])
            related_port = int(extensions.get("rport", "0"))
        except ValueError as error:
            raise CandidateError(f"ICE candidate with a field that is not a number: {text[:200]!r}") from error
        if not (0 <= port <= 65_535 and 0 < priority < 1 << 32 and 0 < component <= 256):
            raise CandidateError(f"ICE candidate with a number out of range: {text[:200]!r}")
        if fields[7] not in TYPE_PREFERENCES:
            raise CandidateError(f"unknown ICE candidate type: {fields[7][:40]!r}")
        return cls(
            foundation=fields[0],
            component=component,
            transport=fields[2].lower(),
            priority=priority,
            host=_canonical(fields[4]),
            port=port,
            kind=fields[7],
            related=(extensions["raddr"], related_port) if "raddr" in extensions else None,
            tcp_type=extensions.get("tcptype"),
            ufrag=extensions.get("ufrag"),
        )

    def __str__(self) -> str:
        parts = [
            f"candidate:{self.foundation} {self.component} {self.transport} {self.priority}",
            f"{self.host} {self.port} typ {self.kind}",
        ]
        if self.related is not None:
            parts.append(f"raddr {self.related[0]} rport {self.related[1]}")
        if self.tcp_type is not None:
            parts.append(f"tcptype {self.tcp_type}")
        if self.ufrag is not None:
            parts.append(f"ufrag {self.ufrag}")
        return " ".join(parts)

    @classmethod
    def from_init(cls, text: str) -> Candidate | None:
        """Parse the JSON of RTCIceCandidateInit. Return None for an empty candidate, the end-of-candidates marker.

        Raises:
            CandidateError: the JSON or the candidate is malformed.
        """
        try:
            init: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CandidateError("a trickled ICE candidate must be JSON (RTCIceCandidateInit)") from error
        line: object = init.get("candidate") if isinstance(init, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if not isinstance(line, str):
            raise CandidateError("a trickled ICE candidate must have a string 'candidate'")
        return cls.parse(line) if line.strip() else None

    def to_init(self, mid: str, index: int, ufrag: str) -> str:
        """Return the JSON of RTCIceCandidateInit."""
        init = {"candidate": str(self), "sdpMid": mid, "sdpMLineIndex": index, "usernameFragment": ufrag}
        return json.dumps(init, separators=(",", ":"))


def _canonical(host: str) -> str:
    """Return the canonical text form (RFC 5952), as addresses are compared as text."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host

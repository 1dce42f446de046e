"""Parsing and serialization of session descriptions (RFC 8866).

Parsing is lossless: unknown sections, attributes and lines are kept in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .certificate import Fingerprint
from .ice import Candidate, CandidateError, Credentials

__all__ = ["MediaSection", "SdpError", "SessionDescription"]

MAX_DESCRIPTION = 1 << 20
"""Characters."""
MAX_SECTIONS = 1000
"""Media sections."""
DEFAULT_MAX_MESSAGE_SIZE = 65_536
"""Bytes; applies if the attribute is absent (RFC 8841 section 6.1)."""
UNLIMITED_MESSAGE_SIZE = 1 << 30
"""Bytes; stands for max-message-size:0, which means any size (RFC 8841 section 6.1)."""
PACKET_SIZE = "x-max-sctp-packet-size"
"""A private attribute: bytes of the longest SCTP packet that its sender accepts. Other implementations may fail on long
packets (libwebrtc over 2,048 bytes, Pion over 8,192), so only peers that announce it are sent any."""
DATA_PROTOCOLS = frozenset({"UDP/DTLS/SCTP", "TCP/DTLS/SCTP"})
SETUP_ROLES = frozenset({"active", "passive", "actpass"})


class SdpError(ValueError):
    """Raised for a description that is malformed or lacks an attribute that data channels need."""


@dataclass(slots=True)
class Attributes:
    """The `a=` lines of the session or of one media section, in order; the value of a property attribute is empty."""

    items: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def add(self, name: str, value: object = "") -> None:
        """Append an attribute."""
        self.items.append((name, str(value)))

    def get(self, name: str) -> str | None:
        """Return the first value of an attribute; None if it is absent."""
        return next((value for key, value in self.items if key == name), None)

    def all(self, name: str) -> list[str]:
        """Return all values of an attribute."""
        return [value for key, value in self.items if key == name]

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.items)

    def lines(self) -> Iterator[str]:
        """Yield the attribute lines."""
        for name, value in self.items:
            yield f"a={name}:{value}" if value else f"a={name}"


@dataclass(slots=True)
class MediaSection:
    """An m-line and the lines that follow it.

    The properties fall back to the session level where RFC 8839 and RFC 8122 define that.
    """

    kind: str
    port: int
    protocol: str
    formats: list[str]
    attributes: Attributes = field(default_factory=Attributes)
    other_lines: list[str] = field(default_factory=list[str])
    """c=, b=, i= and k= lines."""
    session: Attributes = field(default_factory=Attributes)
    """The session-level attributes of the description."""

    @property
    def is_data_channel(self) -> bool:
        """True for SCTP over DTLS (RFC 8841 section 4)."""
        return self.kind == "application" and self.protocol in DATA_PROTOCOLS

    @property
    def is_audio_or_video(self) -> bool:
        """True for RTP of the two media types that a transceiver can have."""
        return self.kind in ("audio", "video") and "RTP/" in self.protocol

    @property
    def is_rejected(self) -> bool:
        """True if the port is 0 and the section is not bundle-only (RFC 9143 section 6)."""
        return self.port == 0 and "bundle-only" not in self.attributes

    @property
    def mid(self) -> str | None:
        """The identification tag (RFC 5888 section 4)."""
        return self.attributes.get("mid")

    @property
    def direction(self) -> str:
        """sendrecv, sendonly, recvonly or inactive; sendrecv by default (RFC 8866 section 6.7)."""
        for direction in ("sendrecv", "sendonly", "recvonly", "inactive"):
            if direction in self.attributes or direction in self.session:
                return direction
        return "sendrecv"

    @property
    def credentials(self) -> Credentials | None:
        """ICE username fragment and password; None unless both are present."""
        ufrag, password = self._inherited("ice-ufrag"), self._inherited("ice-pwd")
        return Credentials(ufrag=ufrag, password=password) if ufrag and password else None

    @property
    def fingerprints(self) -> list[Fingerprint]:
        """Fingerprints of the peer's certificate. Raises SdpError if one is malformed."""
        values = self.attributes.all("fingerprint") or self.session.all("fingerprint")
        return [_fingerprint(value) for value in values]

    @property
    def setup(self) -> str | None:
        """The DTLS role (RFC 8842 section 5). Raises SdpError if it is unknown."""
        value = self._inherited("setup")
        if value is not None and value not in SETUP_ROLES:
            raise SdpError(f"a=setup must be one of {', '.join(sorted(SETUP_ROLES))}, got {value[:40]!r}")
        return value

    @property
    def sctp_port(self) -> int | None:
        """The SCTP port (RFC 8841 section 5). Raises SdpError if it is not a port number."""
        value = self.attributes.get("sctp-port")
        return None if value is None else _number("sctp-port", value, 1, 65_535)

    @property
    def max_message_size(self) -> int:
        """Bytes. Raises SdpError if it is not a number."""
        value = self.attributes.get("max-message-size")
        if value is None:
            return DEFAULT_MAX_MESSAGE_SIZE
        return _number("max-message-size", value, 0, 1 << 64) or UNLIMITED_MESSAGE_SIZE

    @property
    def max_packet_size(self) -> int:
        """Longest SCTP packet that the peer accepts, in bytes; 0 if absent. Raises SdpError if it is not a number."""
        value = self.attributes.get(PACKET_SIZE)
        return 0 if value is None else _number(PACKET_SIZE, value, 0, 1 << 16)

    @property
    def candidates(self) -> list[Candidate]:
        """The well-formed candidates."""
        candidates: list[Candidate] = []
        for value in self.attributes.all("candidate"):
            try:
                candidates.append(Candidate.parse(value))
            except CandidateError:
                continue
        return candidates

    @property
    def has_end_of_candidates(self) -> bool:
        """True if no more candidates will trickle (RFC 8840 section 4.4)."""
        return self._inherited("end-of-candidates") is not None

    def _inherited(self, name: str) -> str | None:
        value = self.attributes.get(name)
        return self.session.get(name) if value is None else value

    def lines(self) -> Iterator[str]:
        """Yield the lines of this section."""
        yield f"m={self.kind} {self.port} {self.protocol} {' '.join(self.formats)}"
        yield from self.other_lines
        yield from self.attributes.lines()


@dataclass(slots=True)
class SessionDescription:
    """A session description."""

    session_lines: list[str]
    """The session-level lines that are not attributes: v=, o=, s=, t=, …"""
    attributes: Attributes
    media: list[MediaSection]

    @classmethod
    def new(cls, session_id: int, version: int) -> SessionDescription:
        """Return a local description without media sections (RFC 8829 section 5.2.1)."""
        lines = ["v=0", f"o=- {session_id} {version} IN IP4 127.0.0.1", "s=-", "t=0 0"]
        return cls(lines, Attributes(), [])

    @classmethod
    def parse(cls, text: str) -> SessionDescription:
        """Parse a description.

        Raises:
            SdpError: it is malformed or over a limit.
        """
        if len(text) > MAX_DESCRIPTION:
            raise SdpError(f"a session description of {len(text)} characters is over the limit of {MAX_DESCRIPTION}")
        lines = text.replace("\r\n", "\n").split("\n")
        description = cls([], Attributes(), [])
        for line in lines:
            if line:
                description._parse_line(line)
        if not description.session_lines or description.session_lines[0] != "v=0":
            raise SdpError("a session description must begin with 'v=0'")
        return description

    def _parse_line(self, line: str) -> None:
        kind, equals, value = line[:1], line[1:2], line[2:]
        if equals != "=" or not kind.isalpha():
            raise SdpError(f"a line of a session description must have the form 'x=…': {line[:80]!r}")
        section = self.media[-1] if self.media else None
        if kind == "m":
            if len(self.media) >= MAX_SECTIONS:
                raise SdpError(f"a session description must not have more than {MAX_SECTIONS} media sections")
            self.media.append(_media_section(value, self.attributes))
        elif kind == "a":
            name, _, content = value.partition(":")
            (section.attributes if section else self.attributes).add(name, content)
        elif section is not None:
            section.other_lines.append(line)
        else:
            self.session_lines.append(line)

    @property
    def is_ice_lite(self) -> bool:
        """True if the peer is an ICE-lite agent (RFC 8839 section 5.3)."""
        return "ice-lite" in self.attributes

    def bundled_mids(self) -> list[str]:
        """Return the mids of the first BUNDLE group (RFC 9143); empty without one."""
        for group in self.attributes.all("group"):
            fields = group.split()
            if fields[:1] == ["BUNDLE"]:
                return fields[1:]
        return []

    def data_section(self) -> tuple[int, MediaSection]:
        """Return the index of the first accepted data-channel section, and the section.

        Raises:
            SdpError: there is no such section.
        """
        for index, section in enumerate(self.media):
            if section.is_data_channel and not section.is_rejected:
                return index, section
        raise SdpError("the description lacks a section for data channels (m=application … UDP/DTLS/SCTP)")

    def __str__(self) -> str:
        lines = [*self.session_lines, *self.attributes.lines()]
        for section in self.media:
            lines += section.lines()
        return "\r\n".join(lines) + "\r\n"


def _media_section(value: str, session: Attributes) -> MediaSection:
    fields = value.split()
    if len(fields) < 4:
        raise SdpError(f"an m-line must have at least four fields: {value[:80]!r}")
    port = _number("port of an m-line", fields[1].partition("/")[0], 0, 65_535)
    return MediaSection(fields[0], port, fields[2], fields[3:], session=session)


def _number(name: str, value: str, low: int, high: int) -> int:
    digits = value.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20 and low <= int(digits) <= high):
        raise SdpError(f"{name} must be a number from {low} to {high}, got {value[:40]!r}")
    return int(digits)


def _fingerprint(value: str) -> Fingerprint:
    fields: Sequence[str] = value.split()
    if len(fields) != 2:
        raise SdpError(f"a=fingerprint must be an algorithm and a value, got {value[:80]!r}")
    return Fingerprint(fields[0].lower(), fields[1].upper())

"""SRTP and SRTCP sessions (RFC 3711): one object for each direction of a transport, over all its sources."""

from __future__ import annotations

from struct import Struct

from livekit.webrtc.rtp.packet import RtpError, RtpPacket, header_size

from .ciphers import AuthenticationError, create_transform
from .key_derivation import derive_session_keys
from .profiles import MasterKey, SrtpProfile
from .replay_window import ReplayWindow, estimate_index

__all__ = ["SrtpError", "SrtpReceiver", "SrtpSender"]

MAX_SOURCES = 16_384
"""Synchronization sources per session and direction, which bounds what an authenticated peer makes a receiver keep. A
source is never forgotten: its packets could be replayed, and a sender could use an index twice."""
MAX_RTP_INDEX = (1 << 48) - 1
MAX_RTCP_INDEX = (1 << 31) - 1
RTCP_HEADER_SIZE = 8
_SEQUENCE_AND_SSRC = Struct("!2xH4xL")
_SSRC = Struct("!4xL")


class SrtpError(ValueError):
    """Raised for a packet that must be dropped: malformed, not authentic, a replay, or over a limit."""


class SrtpSender:
    """Protects the packets of one direction.

    A packet index is used once: two packets under one index would reveal their difference, and under AES-GCM the
    authentication key (RFC 7714 section 10.1). To retransmit under the same sequence number, resend the protected
    packet.
    """

    def __init__(self, profile: SrtpProfile, master: MasterKey) -> None:
        self._rtp = create_transform(profile, derive_session_keys(profile, master))
        self._rtcp = create_transform(profile, derive_session_keys(profile, master, rtcp=True))
        self._windows: dict[int, ReplayWindow] = {}
        self._rtcp_indices: dict[int, int] = {}

    def protect_rtp(self, packet: bytes) -> bytes:
        """Return the SRTP packet for an RTP packet.

        Raises:
            SrtpError: The packet is malformed, its sequence number was used, or there are too many sources.
        """
        start = _header_size(packet)
        sequence_number, ssrc = _SEQUENCE_AND_SSRC.unpack_from(packet)
        return self.protect_payload(packet[:start], packet[start:], ssrc, sequence_number)

    def protect_payload(self, header: bytes, payload: bytes, ssrc: int, sequence_number: int) -> bytes:
        """Return the SRTP packet for a serialized RTP header and its payload, without parsing the header.

        Raises:
            SrtpError: The sequence number was used, or there are too many sources.
        """
        window = self._windows.get(ssrc)
        if window is None:
            window = _new_window(self._windows, ssrc)
        index = window.next_index(sequence_number)
        if index < 0:
            raise SrtpError(f"sequence number {sequence_number} of source {ssrc} was used or is too old")
        if index > MAX_RTP_INDEX:
            raise SrtpError(f"source {ssrc} has used all packet indices of its key")
        return self._rtp.protect_rtp(header, payload, ssrc, index)

    def protect_again(self, header: bytes, payload: bytes, ssrc: int, sequence_number: int) -> bytes | None:
        """Return the SRTP packet of a packet that was protected before, which must not have changed at all.

        Return None if its sequence number was not used lately.
        """
        window = self._windows.get(ssrc)
        if window is None:
            return None
        index = estimate_index(sequence_number, window.highest)
        return self._rtp.protect_rtp(header, payload, ssrc, index) if window.has(index) else None

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Return the SRTCP packet for a compound RTCP packet.

        Raises:
            SrtpError: The packet is malformed, or there are too many sources.
        """
        ssrc = _rtcp_ssrc(packet)
        index = self._rtcp_indices.get(ssrc, -1) + 1
        if not index and len(self._rtcp_indices) >= MAX_SOURCES:
            raise SrtpError(f"a session must not have more than {MAX_SOURCES} sources")
        if index > MAX_RTCP_INDEX:
            raise SrtpError(f"source {ssrc} has used all SRTCP indices of its key")
        self._rtcp_indices[ssrc] = index
        return self._rtcp.protect_rtcp(packet, ssrc, index)


class SrtpReceiver:
    """Authenticates and decrypts the packets of one direction. Only authentic packets change its state."""

    def __init__(self, profile: SrtpProfile, master: MasterKey) -> None:
        self._rtp = create_transform(profile, derive_session_keys(profile, master))
        self._rtcp = create_transform(profile, derive_session_keys(profile, master, rtcp=True))
        self._windows: dict[int, ReplayWindow] = {}
        self._rtcp_windows: dict[int, ReplayWindow] = {}

    def unprotect_rtp(self, packet: bytes) -> bytes:
        """Return the RTP packet in an SRTP packet.

        Raises:
            SrtpError: The packet is malformed, not authentic, a replay or too old, or there are too many sources.
        """
        start = _header_size(packet)
        return packet[:start] + self._unprotect(packet, start)

    def receive_rtp(self, packet: bytes) -> RtpPacket:
        """Return the RTP packet in an SRTP packet, parsed.

        Raises:
            SrtpError: The packet is malformed, not authentic, a replay or too old, or there are too many sources.
            RtpError: Its padding is malformed, though it is authentic.
        """
        start = _header_size(packet)
        return RtpPacket.assemble(packet, start, self._unprotect(packet, start))

    def _unprotect(self, packet: bytes, start: int) -> bytes:
        sequence_number, ssrc = _SEQUENCE_AND_SSRC.unpack_from(packet)
        window = self._windows.get(ssrc)
        if window is None:
            index = sequence_number
        else:
            index = window.highest + 1
            if index & 0xFFFF != sequence_number:
                index = estimate_index(sequence_number, window.highest)
                if not window.accepts(index):
                    raise SrtpError(f"packet {sequence_number} of source {ssrc} is a replay or too old")
        try:
            payload = self._rtp.unprotect_rtp(packet, start, ssrc, index)
        except AuthenticationError as error:
            raise SrtpError(f"packet {sequence_number} of source {ssrc}: {error}") from None
        if window is None:
            window = _new_window(self._windows, ssrc)
        window.add(index)
        return payload

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Return the compound RTCP packet in an SRTCP packet.

        Raises:
            SrtpError: The packet is malformed, not authentic, a replay or too old, or there are too many sources.
        """
        ssrc = _rtcp_ssrc(packet)
        window = self._rtcp_windows.get(ssrc)
        try:
            index = self._rtcp.rtcp_index(packet)
            if window is not None and not window.accepts(index):
                raise SrtpError(f"SRTCP packet {index} of source {ssrc} is a replay or too old")
            plain = self._rtcp.unprotect_rtcp(packet, ssrc)
        except AuthenticationError as error:
            raise SrtpError(f"SRTCP of source {ssrc}: {error}") from None
        if window is None:
            window = _new_window(self._rtcp_windows, ssrc)
        window.add(index)
        return plain


def _header_size(packet: bytes) -> int:
    try:
        return header_size(packet)
    except RtpError as error:
        raise SrtpError(str(error)) from None


def _rtcp_ssrc(packet: bytes) -> int:
    if len(packet) < RTCP_HEADER_SIZE or packet[0] >> 6 != 2:
        raise SrtpError(f"{len(packet)} bytes are not an RTCP packet")
    ssrc: int = _SSRC.unpack_from(packet)[0]
    return ssrc


def _new_window(windows: dict[int, ReplayWindow], ssrc: int) -> ReplayWindow:
    if len(windows) >= MAX_SOURCES:
        raise SrtpError(f"a session must not have more than {MAX_SOURCES} sources")
    window = windows[ssrc] = ReplayWindow()
    return window

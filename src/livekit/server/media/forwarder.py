"""The forwarder: rewrites published streams into one outgoing stream without a jump."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping, Sequence
from struct import Struct
from typing import Final, NamedTuple

from livekit.webrtc.media_interfaces import Codec
from livekit.webrtc.rtp.packet import RtpError, RtpPacket
from livekit.webrtc.rtp.remote_reception import RemoteReception
from livekit.webrtc.rtp.rtcp import ReportBlock, SenderReport
from livekit.webrtc.serial_number import unwrap_16

from .payload_types import PayloadRoute, route_payload_types
from .positions import EPOCH
from .published_stream import PublishedStream, StreamStats
from .rates import RateMeter

__all__ = ["FRAME", "Forwarder", "OutgoingPacket"]

FRAME: Final = 0.02
"""Seconds between the timestamps of two packets between which a stream was switched or interrupted, at least."""
TOLERANCE: Final = 0.2
"""Seconds by which a stream's own timestamps may differ from the time that has passed, after an interruption."""
REMEMBERED_SEGMENTS: Final = 4
"""Earlier segments whose late packets are still forwarded and whose packets can be sent again."""
_HEADER: Final = Struct("!BBHLL")
_VERSION: Final = 0x80
_MASK: Final = 0xFFFF_FFFF


class OutgoingPacket(NamedTuple):
    """A packet to encrypt and send: header, payload, and what SRTP needs of the header."""

    header: bytes
    payload: bytes
    sequence_number: int


class _Segment:
    """A part of the outgoing stream with constant distances to the sequence numbers and timestamps of one stream."""

    __slots__ = ("first", "last", "limit", "routes", "sequence_offset", "stream", "timestamp_offset")

    def __init__(
        self,
        stream: PublishedStream,
        first: int,
        routes: Mapping[int, PayloadRoute],
        sequence_offset: int,
        timestamp_offset: int,
    ) -> None:
        self.stream = stream
        self.routes = routes
        self.first = self.last = first
        self.limit = (first // EPOCH + 1) * EPOCH
        """The first position beyond the segment, while it is open."""
        self.sequence_offset = sequence_offset
        self.timestamp_offset = timestamp_offset


class Forwarder:
    """One outgoing stream to a subscriber, for as long as its section exists.

    What it forwards may change: `select` another published stream (a layer of simulcast, the same track published
    anew, another track in a section that is used again), `paused`, `codecs`. Sequence numbers continue without a gap
    over all of these; a loss in the published stream stays a gap, which a late packet fills. Timestamps continue by the
    time that has passed, or by the stream's own where these fit. Video starts at a key frame only, and until then the
    stream before is forwarded.

    No sequence number is used twice, except by `retransmit`, which repeats the packet exactly.
    """

    def __init__(
        self,
        ssrc: int,
        clock_rate: int,
        *,
        codecs: Sequence[Codec] = (),
        sequence_number: int | None = None,
        timestamp: int | None = None,
        now: float = 0.0,
    ) -> None:
        """`ssrc` is that of the section, `codecs` are those negotiated with the subscriber.

        The first sequence number and timestamp are random by default; the former below 2^15, so that the subscriber
        cannot take a reordered start for a rollover (RFC 3711 section 3.3.1).
        """
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.packets = 0
        """Packets sent, without retransmissions."""
        self.octets = 0
        """Payload bytes sent."""
        self.retransmitted = 0
        """Packets sent again."""
        self.remote = RemoteReception(clock_rate)
        """What the subscriber reports."""
        self._codecs = tuple(codecs)
        self._paused = False
        self._target: PublishedStream | None = None
        self._segment: _Segment | None = None
        self._history: deque[_Segment] = deque(maxlen=REMEMBERED_SEGMENTS)
        first = random.getrandbits(15) if sequence_number is None else sequence_number
        self._first = first
        self._highest = first - 1
        self._last_timestamp = random.getrandbits(32) if timestamp is None else timestamp
        self._last_at: float | None = None
        self._bitrate = RateMeter(now)

    # What is forwarded

    @property
    def stream(self) -> PublishedStream | None:
        """The selected stream."""
        return self._target

    def select(self, stream: PublishedStream | None) -> None:
        """Forward another stream from now on, or none."""
        if stream is self._target:
            return
        self._target = stream
        if stream is None or not stream.is_video:
            self._close()
        if stream is not None:
            stream.request_key_frame()

    @property
    def paused(self) -> bool:
        """True to forward nothing: muted, not subscribed, or not permitted."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        if paused == self._paused:
            return
        self._paused = paused
        if paused:
            self._close()
        elif self._target is not None:
            self._target.request_key_frame()

    @property
    def codecs(self) -> Sequence[Codec]:
        """The codecs negotiated with the subscriber; packets of others are dropped."""
        return self._codecs

    @codecs.setter
    def codecs(self, codecs: Sequence[Codec]) -> None:
        if tuple(codecs) == self._codecs:
            return
        self._codecs = tuple(codecs)
        segment = self._segment
        if segment is not None:  # what was sent keeps its payload type, should it be sent again
            position = self._highest + 1 - segment.sequence_offset
            self._continue(segment, position, segment.sequence_offset)

    def _close(self) -> None:
        """End the segment: the next packet begins another one, behind all that was sent."""
        segment = self._segment
        if segment is not None:
            segment.last = self._highest - segment.sequence_offset
            self._history.append(segment)
            self._segment = None

    def _continue(self, segment: _Segment, first: int, sequence_offset: int) -> None:
        """Replace the open segment by one with the same timestamps."""
        self._close()
        routes = route_payload_types(segment.stream.codecs, self._codecs)
        self._segment = _Segment(segment.stream, first, routes, sequence_offset, segment.timestamp_offset)

    # Packets

    def forward(self, stream: PublishedStream, packet: RtpPacket, position: int, now: float) -> OutgoingPacket | None:
        """Return the packet to send for one that was received; None if it is not for this subscriber.

        `position` is what `stream.receive` returned for the packet.
        """
        segment = self._segment
        if segment is None or segment.stream is not stream or not segment.first <= position < segment.limit:
            segment = self._find(stream, packet, position, now)
            if segment is None:
                return None
        route = segment.routes.get(packet.payload_type)
        if route is None:
            self._skip(segment, position)
            return None
        payload_type, convert = route
        payload = packet.payload
        if convert is not None:
            try:
                payload = convert(payload)
            except RtpError:
                self._skip(segment, position)
                return None
        sequence_number = position + segment.sequence_offset
        timestamp = packet.timestamp + segment.timestamp_offset & _MASK
        if sequence_number > self._highest:
            self._highest = sequence_number
            self._last_timestamp = timestamp
            self._last_at = now
        sequence_number &= 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        second = payload_type | 0x80 if packet.marker else payload_type
        header = _HEADER.pack(_VERSION, second, sequence_number, timestamp, self.ssrc)
        return OutgoingPacket(header, payload, sequence_number)

    def _find(self, stream: PublishedStream, packet: RtpPacket, position: int, now: float) -> _Segment | None:
        """Return the segment of a late packet, or open one for a packet that begins it."""
        for segment in self._history:
            if segment.stream is stream and segment.first <= position <= segment.last:
                return segment
        if self._paused or stream is not self._target or position < stream.newest:
            return None
        routes = route_payload_types(stream.codecs, self._codecs)
        if packet.payload_type not in routes:
            return None
        if stream.is_video and not stream.starts_key_frame(packet):
            stream.request_key_frame()
            return None
        self._close()
        offset = self._timestamp_offset(stream, position, packet.timestamp, now)
        self._segment = _Segment(stream, position, routes, self._highest + 1 - position, offset)
        return self._segment

    def _timestamp_offset(self, stream: PublishedStream, position: int, timestamp: int, now: float) -> int:
        """Return the distance of the outgoing timestamps of a segment that begins now."""
        if self._last_at is None:
            return self._last_timestamp - timestamp
        ahead = max(round((now - self._last_at) * self.clock_rate), round(FRAME * self.clock_rate))
        if self._history:
            natural = _natural_offset(self._history[-1], stream, position)
            if natural is not None:
                distance = (timestamp + natural - self._last_timestamp + (1 << 31) & _MASK) - (1 << 31)
                if distance > 0 and abs(distance - ahead) <= TOLERANCE * self.clock_rate:
                    return natural
        return self._last_timestamp + ahead - timestamp

    def _skip(self, segment: _Segment, position: int) -> None:
        """Close the gap that a packet without a route leaves; that of a late one remains."""
        sequence_number = position + segment.sequence_offset
        if segment is self._segment and sequence_number > self._highest:
            self._continue(segment, position + 1, segment.sequence_offset - 1)
            self._history[-1].last = position - 1

    def insert(self, payload_type: int, payload: bytes, now: float) -> OutgoingPacket:
        """Return a packet of this side's own making, such as silence, that follows those that were sent.

        Its timestamp is one frame after the last, or more if more time has passed.
        """
        self._close()
        frame = round(FRAME * self.clock_rate)
        elapsed = 0.0 if self._last_at is None else now - self._last_at
        frames = max(round(elapsed / FRAME), 1)
        self._last_timestamp = self._last_timestamp + frames * frame & _MASK
        self._last_at = now
        self._highest += 1
        self.packets += 1
        self.octets += len(payload)
        sequence_number = self._highest & 0xFFFF
        header = _HEADER.pack(_VERSION, payload_type, sequence_number, self._last_timestamp, self.ssrc)
        return OutgoingPacket(header, payload, sequence_number)

    def retransmit(self, sequence_number: int) -> OutgoingPacket | None:
        """Return a packet of video that was sent, again; None if it is not kept any more."""
        extended = unwrap_16(sequence_number, self._highest)
        if self._segment is not None:
            self._segment.last = self._highest - self._segment.sequence_offset
        for segment in (self._segment, *self._history):
            if segment is None or segment.stream.buffer is None:
                continue
            position = extended - segment.sequence_offset
            packet = segment.stream.buffer.get(position) if segment.first <= position <= segment.last else None
            route = None if packet is None else segment.routes.get(packet.payload_type)
            if packet is None or route is None:
                continue
            self.retransmitted += 1
            timestamp = packet.timestamp + segment.timestamp_offset & _MASK
            second = route[0] | packet.marker << 7
            header = _HEADER.pack(_VERSION, second, sequence_number, timestamp, self.ssrc)
            return OutgoingPacket(header, packet.payload, sequence_number)
        return None

    # Reports

    def sender_report(self, now: float) -> SenderReport | None:
        """Return a report with the publisher's clocks, continued to `now`; None before the publisher's first report.

        All streams of one publisher keep their relation, by which subscribers synchronize audio and video.
        """
        segment = self._segment or (self._history[-1] if self._history else None)
        clock = None if segment is None else segment.stream.clock
        if segment is None or clock is None:
            return None
        elapsed = now - clock.arrived
        ntp_timestamp = clock.ntp_timestamp + int(elapsed * (1 << 32)) & 0xFFFF_FFFF_FFFF_FFFF
        timestamp = clock.rtp_timestamp + segment.timestamp_offset + round(elapsed * self.clock_rate)
        self.remote.sent_report(ntp_timestamp, now)
        return SenderReport(
            ssrc=self.ssrc,
            ntp_timestamp=ntp_timestamp,
            rtp_timestamp=timestamp & _MASK,
            packet_count=self.packets & _MASK,
            octet_count=self.octets & _MASK,
        )

    def receive_report(self, block: ReportBlock, now: float) -> None:
        """Account for the subscriber's report block on this stream."""
        self.remote.receive(block, now)

    def stats(self, now: float) -> StreamStats:
        """Return the counters; loss and jitter are those that the subscriber reports."""
        bitrate = self._bitrate.rate(8 * self.octets, now)
        remote = self.remote
        return StreamStats(
            self.packets, self.octets, remote.lost, remote.jitter, bitrate, round_trip_time=remote.round_trip_time
        )

    @property
    def gaps(self) -> int:
        """Sequence numbers that were left out, since their packets did not arrive here."""
        return self._highest - self._first + 1 - self.packets


def _natural_offset(previous: _Segment, stream: PublishedStream, position: int) -> int | None:
    """Return the distance at which a stream continues the timeline of a segment; None if it is not known."""
    if previous.stream is stream:
        return previous.timestamp_offset if position < previous.limit else None
    before, after = previous.stream.clock, stream.clock
    if before is None or after is None:
        return None
    elapsed = (after.ntp_timestamp - before.ntp_timestamp) * stream.clock_rate >> 32
    return before.rtp_timestamp + previous.timestamp_offset + elapsed - after.rtp_timestamp

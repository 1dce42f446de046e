"""All incoming streams of one published track, and its subscribers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from livekit.server import limits
from livekit.webrtc.media_interfaces import Codec, MediaKind
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.rtcp import RtcpPacket

from .layers import LOW, choose_stream, layer_rank
from .published_stream import PublishedStream
from .publisher_limit import PublisherLimit
from .quality import Rating
from .track_output import TrackOutput
from .track_quality import PublishedQuality

__all__ = ["TrackStreams"]

REPLACED_AFTER: Final = 5.0
"""Seconds without a packet after which a stream makes room for another one at the limit."""
HEADER_SIZE: Final = 12


class TrackStreams:
    """Receives the packets of one track, opens a stream per source, and forwards them to the outputs.

    A source is known by its ssrc; a new one without rid replaces those before it, as after a reconnect of the
    publisher, and one with a rid is a layer of simulcast.
    """

    def __init__(self, kind: MediaKind, limit: PublisherLimit) -> None:
        """`limit` is shared by all tracks of the publisher."""
        self.kind = kind
        self.send_rtcp: Callable[[Sequence[RtcpPacket]], object] | None = None
        """Sends feedback to the publisher; None while it has no connection."""
        self.feedback_ssrc = 1
        """The source that feedback names as its sender."""
        self.dropped = 0
        """Packets of more sources than `MAX_STREAMS_PER_SECTION`, or without a negotiated codec."""
        self._quality = PublishedQuality()
        self._limit = limit
        self._codecs: tuple[Codec, ...] = ()
        self._audio_level_id: int | None = None
        self._streams: dict[int, PublishedStream] = {}
        self._outputs: tuple[TrackOutput, ...] = ()

    # The publisher

    def use_section(
        self,
        codecs: Sequence[Codec],
        audio_level_id: int | None,
        send_rtcp: Callable[[Sequence[RtcpPacket]], object] | None,
    ) -> None:
        """Take over what was negotiated for the section that carries the track.

        If it differs from before, the streams begin anew with the next packets; subscribers see no jump.
        """
        self.send_rtcp = send_rtcp
        if (tuple(codecs), audio_level_id) != (self._codecs, self._audio_level_id):
            self._codecs, self._audio_level_id = tuple(codecs), audio_level_id
            self._streams.clear()

    def receive(self, packet: RtpPacket, rid: str, now: float) -> None:
        """Forward a packet of the publisher to the outputs."""
        if not self._limit.admits(HEADER_SIZE + len(packet.payload), now):
            return
        stream = self._streams.get(packet.ssrc)
        if stream is None:
            stream = self._open(packet, rid, now)
            if stream is None:
                self.dropped += 1
                return
        position = stream.receive(packet, now)
        if position is not None:
            for output in self._outputs:
                outgoing = output.forwarder.forward(stream, packet, position, now)
                if outgoing is not None:
                    output.send(*outgoing)
        if stream.is_video and stream.needs_feedback:
            self._send_feedback(stream, now)

    def _open(self, packet: RtpPacket, rid: str, now: float) -> PublishedStream | None:
        if all(codec.payload_type != packet.payload_type for codec in self._codecs):
            return None
        if len(self._streams) >= limits.MAX_STREAMS_PER_SECTION:
            oldest = min(self._streams.values(), key=lambda stream: stream.last_packet_at or 0.0)
            if now - (oldest.last_packet_at or 0.0) < REPLACED_AFTER:
                return None
            del self._streams[oldest.ssrc]
        stream = self._streams[packet.ssrc] = PublishedStream(
            packet.ssrc,
            self.kind,
            self._codecs,
            rid=rid,
            is_low_layer=bool(rid) and layer_rank(rid) == LOW,
            audio_level_id=self._audio_level_id,
            now=now,
        )
        stream.last_packet_at = now
        for output in self._outputs:
            if rid:
                self.choose(output, now)
            else:
                output.forwarder.select(stream)
        return stream

    def _send_feedback(self, stream: PublishedStream, now: float) -> None:
        packets = stream.feedback(self.feedback_ssrc, now)
        if packets and self.send_rtcp is not None:
            self.send_rtcp(packets)

    @property
    def streams(self) -> Mapping[int, PublishedStream]:
        """The streams by ssrc, in the order in which they began."""
        return self._streams

    # The subscribers

    @property
    def outputs(self) -> Sequence[TrackOutput]:
        """The outputs that the track is forwarded to."""
        return self._outputs

    def add(self, output: TrackOutput, now: float, *, paused: bool = False) -> None:
        """Forward the track to an output from now on, or once `output.set_paused` ends the pause."""
        output.set_paused(paused, now)
        self._outputs = (*self._outputs, output)
        output.request_key_frame = partial(self._request_key_frame, output)
        self.choose(output, now)

    def remove(self, output: TrackOutput, now: float) -> None:
        """Forward nothing more to an output, which goes silent."""
        self._outputs = tuple(other for other in self._outputs if other is not output)
        output.close(now)

    def choose(self, output: TrackOutput, now: float) -> None:
        """Select the stream of an output, after a change of its quality too; a layer changes at a key frame."""
        forwarder = output.forwarder
        stream = choose_stream(self._streams.values(), forwarder.stream, output.quality, now)
        forwarder.select(stream)
        if stream is not None and stream.needs_feedback:
            self._send_feedback(stream, now)

    def _request_key_frame(self, output: TrackOutput, now: float) -> None:
        stream = output.forwarder.stream
        if stream is not None:
            stream.request_key_frame()
            self._send_feedback(stream, now)

    def poll(self, now: float) -> None:
        """Replace streams that have stopped, and repeat requests to the publisher; call it each second."""
        for output in self._outputs:
            self.choose(output, now)
        for stream in self._streams.values():
            if stream.needs_feedback:
                self._send_feedback(stream, now)

    def rate(self, now: float, *, muted: bool) -> Rating:
        """Return the quality of the link from the publisher; call it each `quality.UPDATE_INTERVAL`."""
        return self._quality.rate(self._streams.values(), muted=muted, now=now)

    def level(self, now: float) -> float:
        """Return the audio level, 0 to 1; 0 if the speaker is not active."""
        return max((stream.level.level(now) for stream in self._streams.values()), default=0.0)

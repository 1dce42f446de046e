"""Transceivers without a peer connection: packets travel over an impaired link on the event loop's clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from livekit._util.callbacks import ignore
from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind, MediaStreamId
from livekit.webrtc.rtp.header_extensions import AUDIO_LEVEL_URI
from livekit.webrtc.rtp.packet import RtpPacket

from .links import Link

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2, parameters="minptime=10;useinbandfec=1")
RED = Codec(payload_type=63, name="red", clock_rate=48_000, channels=2, parameters="111/111")


class WireTransceiver:
    """A `Transceiver` that is negotiated from the start."""

    def __init__(self, codecs: Sequence[Codec] = (RED, OPUS), *, ssrc: int = 1234, direction: str = "sendrecv") -> None:
        self.on_packet: Callable[[RtpPacket, str], None] = ignore
        self.direction = Direction(direction)
        self.stream_id: MediaStreamId | None = None
        self.codecs = codecs
        self.extensions: Sequence[str] = (AUDIO_LEVEL_URI,)
        self.kind = MediaKind.AUDIO
        self.mid: str | None = "0"
        self.ssrc = ssrc
        self.current_direction: Direction | None = self.direction
        self.current_codecs = codecs
        self.remote_direction = Direction.SENDRECV
        self.remote_stream_id: MediaStreamId | None = None
        self.remote_codecs = codecs
        self.remote_rids: Sequence[str] = ()
        self.sent: list[RtpPacket] = []
        self.deliver: Callable[[RtpPacket], None] = self.sent.append

    def extension_id(self, uri: str) -> int | None:
        return 1 if uri == AUDIO_LEVEL_URI else None

    def send(self, packet: RtpPacket) -> bool:
        self.deliver(packet)
        return True

    def send_serialized(self, header: bytes, payload: bytes, sequence_number: int) -> bool:
        return self.send(RtpPacket.parse(header + payload))

    def send_again(self, header: bytes, payload: bytes, sequence_number: int) -> bool:
        return self.send(RtpPacket.parse(header + payload))


def connect(
    sender: WireTransceiver, receiver: WireTransceiver, link: Link = lambda _rng, _number: 0.001, *, seed: int = 1
) -> None:
    """Let packets of `sender` arrive at `receiver` over `link`, now and then in another order."""
    rng, loop, number = random.Random(seed), asyncio.get_running_loop(), 0

    def deliver(packet: RtpPacket) -> None:
        nonlocal number
        delay = link(rng, number)
        number += 1
        if delay is not None:
            loop.call_later(delay, lambda: receiver.on_packet(replace(packet), ""))

    sender.deliver = deliver

"""Receives a track's audio over a transceiver and plays it to sinks, 10 ms at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from livekit._util.callbacks import ignore
from livekit.media.codecs.opus_packet import CLOCK_RATE
from livekit.webrtc.rtp.reception import ReceptionStatistics
from livekit.webrtc.rtp.rtcp import ReceiverReport, SenderReport

from .block import BLOCK_SECONDS, AudioSink
from .depacketizer import AudioDepacketizer
from .jitter_buffer import JitterBufferStatistics
from .meter import AudioMeter, root_mean_square
from .playout import Playout
from .playout_clock import PlayoutClock

if TYPE_CHECKING:
    from livekit.stats import RtcStats
    from livekit.webrtc.media_interfaces import Codec, Transceiver
    from livekit.webrtc.rtp.packet import RtpPacket
    from livekit.webrtc.rtp.red import RedundantBlock
    from livekit.webrtc.rtp.rtcp import RtcpPacket

__all__ = ["AudioReceiver", "OpenFrame"]

OpenFrame: TypeAlias = Callable[[bytes, int, int], "bytes | None"]
"""Decrypts an Opus packet with this SSRC and RTP timestamp; None if that fails, and it is played as silence."""

STALL = 0.015
"""Seconds by which the clock is late from which the event loop counts as stalled."""
DEFERRAL = 0.002
"""Seconds that playout waits after a stall, so that the packets of that time are read first."""
MAX_DEFERRALS = 5
MAX_CATCH_UP = 500
"""Blocks that are played at once after a stall; of a longer one, the rest is left out."""
ROUNDING = 1e-6


class AudioReceiver:
    """Receives one track; satisfies `livekit.media.audio.block.AudioFeed`."""

    def __init__(
        self, transceiver: Transceiver | None = None, *, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        """Receive from `transceiver`, whose `on_packet` is taken over until `replace_transceiver` or `close`."""
        self.transform: OpenFrame | None = None
        """Set to decrypt frames."""
        self._loop = loop or asyncio.get_running_loop()
        self._wall_clock_offset = time.time() - self._loop.time()
        self._transceiver: Transceiver | None = None
        self._codecs: tuple[Sequence[Codec], Sequence[Codec]] = ((), ())
        self._depacketizer = AudioDepacketizer(())
        self._reception: ReceptionStatistics | None = None
        self._sender_report: SenderReport | None = None
        self._sender_reports = 0
        self._header_bytes = 0
        self._meter = AudioMeter()
        self._playouts: dict[tuple[int, int], Playout] = {}
        self._index = 0
        self._clock: PlayoutClock | None = None  # while there are sinks
        self._timer: asyncio.TimerHandle | None = None
        self._deferrals = 0
        self._has_read = False  # packets since the last deferral
        self._closed = False
        self.replace_transceiver(transceiver)

    def add_sink(self, sample_rate: int, channels: int, sink: AudioSink) -> None:
        """Call `sink` with a block each 10 ms from now on, zeros while there is no sound.

        Raises:
            ValueError: The rate or the channel count is not possible.
            OpusNotFoundError: There is no libopus.
        """
        if self._closed:
            return
        playout = self._playouts.get((sample_rate, channels))
        if playout is None:
            playout = self._playouts[sample_rate, channels] = Playout(sample_rate, channels)
        playout.sinks.append(sink)
        self._run()

    def remove_sink(self, sink: AudioSink) -> None:
        """Stop calling `sink`; unknown ones are ignored."""
        for playout in self._playouts.values():
            playout.sinks = [kept for kept in playout.sinks if kept != sink]
        self._playouts = {form: playout for form, playout in self._playouts.items() if playout.sinks}
        self._run()

    def replace_transceiver(self, transceiver: Transceiver | None) -> None:
        """Go on with the packets of another transceiver, without a gap in the blocks. With None, blocks stop until
        there is one again, as after `set_subscribed(False)`."""
        if self._closed or transceiver is self._transceiver:
            return
        self._release_transceiver()
        self._transceiver = transceiver
        if transceiver is not None:
            transceiver.on_packet = self._on_packet
        self._run()

    def close(self) -> None:
        """Stop for good: no more blocks. May be called again."""
        self._closed = True
        self._release_transceiver()
        self._playouts = {}
        self._run()

    def _release_transceiver(self) -> None:
        previous, self._transceiver = self._transceiver, None
        if previous is not None and previous.on_packet == self._on_packet:
            previous.on_packet = ignore

    # Packets

    def _on_packet(self, packet: RtpPacket, _rid: str = "") -> None:
        frames = self._depacketize(packet)
        now = self._loop.time()
        reception = self._reception
        if reception is None or reception.ssrc != packet.ssrc:
            if not frames:
                return
            reception = self._begin(packet.ssrc)
        reception.receive(packet.sequence_number, packet.timestamp, len(packet.payload), now)
        self._header_bytes += (
            12 + 4 * len(packet.csrcs) + (4 + len(packet.extension) if packet.extension_profile else 0)
        )
        clock = self._clock
        if clock is None or not frames:
            return
        self._has_read = True
        stalled_from = clock.next if now - clock.next > STALL else None
        for playout in self._playouts.values():
            playout.buffer.receive(packet.timestamp, frames, now, earliest=stalled_from)
            start = playout.buffer.start_time
            if start is not None:
                clock.start_at(start, now)
                self._schedule()

    def _depacketize(self, packet: RtpPacket) -> list[RedundantBlock]:
        assert self._transceiver is not None
        codecs = (self._transceiver.current_codecs, self._transceiver.codecs)
        if codecs[0] is not self._codecs[0] or codecs[1] is not self._codecs[1]:
            self._codecs = codecs
            self._depacketizer = AudioDepacketizer([*codecs[0], *codecs[1]])
        return self._depacketizer.frames(packet, self.transform)

    def _begin(self, ssrc: int) -> ReceptionStatistics:
        """Receive a new source."""
        self._sender_report = None
        for playout in self._playouts.values():
            playout.buffer.restart()
        self._reception = ReceptionStatistics(ssrc, CLOCK_RATE)
        return self._reception

    # Clock

    def _run(self) -> None:
        """Start or stop the clock."""
        if not self._playouts or self._transceiver is None:
            self._clock = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        elif self._clock is None:
            for playout in self._playouts.values():
                playout.buffer.restart()
            self._clock = PlayoutClock(self._loop.time())
            self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        assert self._clock is not None
        self._timer = self._loop.call_at(self._clock.next, self._tick)

    def _tick(self) -> None:
        clock = self._clock
        assert clock is not None
        now = self._loop.time()
        if now - clock.next > STALL and self._defer():
            return
        self._deferrals = 0
        for _ in range(MAX_CATCH_UP):
            if clock.next > now + ROUNDING:
                break
            self._play(clock)
        else:
            clock.next = now
        if self._clock is clock:  # else a sink has removed the last one
            self._schedule()

    def _defer(self) -> bool:
        """Wait for packets to be read first. Return False if that was done already."""
        if (self._deferrals and not self._has_read) or self._deferrals >= MAX_DEFERRALS:
            return False
        self._deferrals += 1
        self._has_read = False
        self._timer = self._loop.call_later(DEFERRAL, self._tick)
        return True

    def _play(self, clock: PlayoutClock) -> None:
        excess: float | None = None
        for number, playout in enumerate(tuple(self._playouts.values())):
            pcm = playout.play(self._index, clock.next)
            if not number:
                self._meter.add(root_mean_square(pcm))
                excess = playout.buffer.excess(clock.next + BLOCK_SECONDS)
        self._index += 1
        clock.advance(excess)

    # Reports

    def receive_rtcp(self, packets: Sequence[object], now: float) -> None:
        """Take the peer's reports, which arrived at `now`; packets about other sources are ignored."""
        for packet in packets:
            if isinstance(packet, SenderReport) and self._reception and packet.ssrc == self._reception.ssrc:
                self._reception.receive_sender_report(packet.ntp_timestamp, now)
                self._sender_report = packet
                self._sender_reports += 1

    def reports(self, now: float) -> Sequence[RtcpPacket]:
        """Return the receiver report that is due at `now`; empty before the first packet."""
        if self._reception is None or self._transceiver is None:
            return ()
        return (ReceiverReport(ssrc=self._transceiver.ssrc, blocks=(self._reception.report(now),)),)

    def stats(self, now: float) -> list[RtcStats]:
        """Return codec, inbound_rtp and, after the first sender report, remote_outbound_rtp; empty before a packet."""
        from .receiver_stats import receiver_stats

        if self._reception is None:
            return []
        playout = next(iter(self._playouts.values()), None)
        return receiver_stats(
            self._reception,
            JitterBufferStatistics() if playout is None else playout.buffer.statistics,
            self._meter,
            sample_rate=CLOCK_RATE if playout is None else playout.sample_rate,
            codec=next((codec for codec in (*self._codecs[0], *self._codecs[1]) if codec.name.lower() == "opus"), None),
            mid=(self._transceiver.mid or "") if self._transceiver else "",
            header_bytes=self._header_bytes,
            sender_report=self._sender_report,
            sender_reports=self._sender_reports,
            timestamp=round((now + self._wall_clock_offset) * 1000),
        )

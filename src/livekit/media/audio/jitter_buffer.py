"""A jitter buffer with its decoder: takes RTP packets as they arrive and gives 10 ms of audio whenever asked.

The delay adapts to the jitter by leaving out or repeating pitch periods. A lost frame is taken from redundancy (RED) or
from the next packet's in-band FEC, or concealed by the codec.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from livekit.media.codecs.opus_packet import CLOCK_RATE, has_inband_fec, is_discontinuous, packet_duration
from livekit.webrtc.rtp.red import RedundantBlock
from livekit.webrtc.serial_number import unwrap_32

from .concealment import AudioDecoder, Concealment
from .delay_estimator import DelayEstimator
from .waveform import lengthen, shorten

__all__ = ["JitterBuffer", "JitterBufferStatistics"]

FRAME_MS = 10
FRAME_UNITS = CLOCK_RATE * FRAME_MS // 1000
MAX_CONCEALMENT = 960
"""Units of 1/48,000 s concealed at once."""
MIN_DURATION = 120
"""Units of 1/48,000 s of the shortest Opus frame, of which all others are multiples."""
SAMPLE_SIZE = 2
MAX_FRAMES = 250
"""Encoded frames kept; 5 s of frames of 20 ms."""
MAX_EXPANSION = 1.0
"""Seconds of concealment, which has faded by then, until the source counts as paused."""
MAX_SILENCE = 5.0
"""Seconds without a packet until a source in discontinuous transmission counts as paused; it sends one each 0.4 s."""
MAX_STEP = 2.0
"""Seconds by which a packet's transit may differ from the shortest; beyond, the timestamps have jumped."""
MAX_EXCESS = 0.3
"""Seconds above the target delay that are skipped at once, as after a stall, instead of period by period."""
MAX_DEFICIT = 0.0
"""Seconds below the target delay from which a period is repeated."""
MIN_EXCESS = 0.0125
"""Seconds above the target delay from which a period is left out; more than the 10 ms between two frames."""
STRETCH_INTERVAL = 0.1
"""Seconds between two changes of the delay: a change of up to 15 ms in 100 ms stays inaudible."""
MIN_STRETCHED = 0.005
"""Seconds of audio in which a period can be looked for: two frames of 2.5 ms, the shortest of Opus."""


@dataclass(slots=True)
class JitterBufferStatistics:
    """Counters of RTCInboundRtpStreamStats (W3C WebRTC Statistics), in samples per channel unless said otherwise."""

    packets_discarded: int = 0
    """Packets that arrived after their time."""
    concealed: int = 0
    concealment_events: int = 0
    inserted_for_deceleration: int = 0
    removed_for_acceleration: int = 0
    emitted: int = 0
    delay: float = 0.0
    """Sum over the emitted samples of the seconds that each was held."""
    target_delay: float = 0.0
    """The same sum of the target delay."""


class JitterBuffer:
    """Orders, delays and decodes the packets of one source."""

    def __init__(self, decoder: AudioDecoder) -> None:
        self.statistics = JitterBufferStatistics()
        self._decoder = decoder
        self._frame_samples = decoder.sample_rate * FRAME_MS // 1000
        self._channels = decoder.channels
        self._concealment = Concealment(decoder)
        self._estimator = DelayEstimator(CLOCK_RATE)
        self._frames: dict[int, bytes] = {}
        self._seen: dict[int, None] = {}  # timestamps of the last frames, in order of arrival
        self._newest: int | None = None
        self._next: int | None = None  # timestamp of the next frame to decode; None while the source is paused
        self._pcm = array("h")  # decoded, not played yet
        self._expanded = 0  # concealed while the frame at _next was missing, in units of 1/48,000 s
        self._silent_since: int | None = None  # timestamp at which discontinuous transmission stopped the source
        self._stretched_at = 0.0

    @property
    def target_delay(self) -> float:
        """Seconds that the fastest packets are delayed."""
        return self._estimator.target

    def excess(self, now: float) -> float | None:
        """Return by how many seconds the next sample is played later at `now` than by the target delay; None while
        the source is paused."""
        if self._next is None:
            return None
        return self._estimator.delay(self._position(self._next), now) - self._estimator.target

    @property
    def start_time(self) -> float | None:
        """When the sound that has arrived after a pause or silence will have been delayed by the target; else None."""
        if not self._frames or (self._next is not None and self._silent_since is None):
            return None
        first = min(self._frames)
        if is_discontinuous(self._frames[first]):
            return None
        return self._estimator.arrival(first) + self._estimator.target

    def restart(self) -> None:
        """Pause, and take the next packet for the first of a new source; the jitter stays known."""
        self._pause()
        self._newest = None
        self._seen.clear()

    def receive(
        self, timestamp: int, blocks: Sequence[RedundantBlock], now: float, *, earliest: float | None = None
    ) -> None:
        """Take the frames of a packet, the primary one last, that arrived at `now`.

        `timestamp` has 32 bits. If the receiver did not run before `now`, the packet may have arrived from `earliest`
        on, and counts as late only if it was due before that.
        """
        if self._newest is not None:
            timestamp = unwrap_32(timestamp, self._newest)
            if earliest is not None:
                now = min(max(self._estimator.arrival(timestamp), earliest), now)
            if abs(self._estimator.delay(timestamp, now)) > MAX_STEP:
                self._pause()  # the source's timestamps have jumped
        self._newest = timestamp if self._newest is None else max(timestamp, self._newest)
        if self._next is not None and timestamp < self._next:
            if self._silent_since is None or timestamp < self._silent_since:
                self.statistics.packets_discarded += 1
            else:
                self._next = timestamp  # silence that was longer than the source's can be taken back
        for block in reversed(blocks):
            self._insert(timestamp - block.timestamp_offset, block.payload, now)

    def _insert(self, timestamp: int, payload: bytes, now: float) -> None:
        """Keep a frame. A frame that only redundancy brings counts as late, so that the delay allows for it."""
        duration = packet_duration(payload)
        if timestamp in self._seen or not duration:
            return
        self._seen[timestamp] = None
        if len(self._seen) > MAX_FRAMES:
            del self._seen[next(iter(self._seen))]
        if not is_discontinuous(payload):  # which nothing waits for
            self._estimator.observe(timestamp, now)
        if has_inband_fec(payload) and timestamp - duration not in self._seen:
            self._estimator.observe(timestamp - duration, now)
        if self._next is None or timestamp >= self._next:
            self._frames[timestamp] = payload
            if len(self._frames) > MAX_FRAMES:
                del self._frames[min(self._frames)]

    def pull(self, now: float) -> bytes:
        """Return the next 10 ms of signed 16-bit samples, channels interleaved; zeros while the source is paused."""
        size = self._frame_samples * self._channels
        if self._next is None and not self._start(now):
            return bytes(SAMPLE_SIZE * size)
        delay = self._estimator.delay(self._position(self._next or 0), now)
        while len(self._pcm) < size:
            self._produce(now)
        pcm = self._pcm[:size].tobytes()
        del self._pcm[:size]
        statistics = self.statistics
        statistics.emitted += self._frame_samples
        statistics.delay += delay * self._frame_samples
        statistics.target_delay += self._estimator.target * self._frame_samples
        return pcm

    def _start(self, now: float) -> bool:
        """Start playing once the first frame has been delayed by the target. Return True if it plays."""
        if not self._frames:
            return False
        first = max(
            (at for at in self._frames if self._estimator.delay(at, now) >= self._estimator.target), default=None
        )
        if first is None:
            return False
        self._frames = {at: frame for at, frame in self._frames.items() if at >= first}  # older ones came too late
        self._next = first
        del self._pcm[:]
        self._silent_since = None
        self._expanded = 0
        return True

    def _pause(self) -> None:
        self._frames.clear()
        self._next = self._silent_since = None
        self._estimator.forget_transit()

    @property
    def position(self) -> float | None:
        """The unwrapped timestamp of the next sample to play; None while the source is paused."""
        return None if self._next is None else self._position(self._next)

    def _position(self, decoded: int) -> float:
        return decoded - len(self._pcm) // self._channels * CLOCK_RATE / self._decoder.sample_rate

    # Production of samples

    def _produce(self, now: float) -> None:
        """Append samples to `_pcm`, or advance `_next`."""
        assert self._next is not None
        frame = self._frames.pop(self._next, None)
        if frame is not None:
            self._play(frame, now)
            return
        following = min(self._frames, default=None)
        if following is None:
            self._underrun()
        elif self._silent_since is None:
            self._bridge(following)
        elif self._estimator.delay(following, now) >= self._estimator.target:
            self._next = following
        else:  # silence is the time to reach the target
            self._pcm += self._conceal(FRAME_UNITS)
            self._next = min(self._next + FRAME_UNITS, following - 1)

    def _play(self, frame: bytes, now: float) -> None:
        assert self._next is not None
        lead = self._estimator.delay(self._next, now)
        duration = packet_duration(frame)
        try:
            pcm = self._concealment.played(array("h", self._decoder.decode(frame)))
        except ValueError:
            pcm = self._conceal(duration)
        self._next += duration
        self._expanded = 0
        self._silent_since = self._next if is_discontinuous(frame) else None
        self._pcm += pcm
        self._adapt(lead - self._estimator.target, len(pcm), now)

    def _underrun(self) -> None:
        """Conceal until a frame arrives; the time of a silent source runs on."""
        assert self._next is not None
        self._pcm += self._conceal(FRAME_UNITS)
        if self._silent_since is not None:
            self._next += FRAME_UNITS
            is_over = self._next - self._silent_since > MAX_SILENCE * CLOCK_RATE
        else:
            if not self._expanded:
                self.statistics.concealment_events += 1
            self._expanded += FRAME_UNITS
            self.statistics.concealed += self._frame_samples
            is_over = self._expanded > MAX_EXPANSION * CLOCK_RATE
        if is_over:
            self._pause()

    def _bridge(self, following: int) -> None:
        """Replace lost frames up to the one at `following`; what was concealed in an underrun counts."""
        assert self._next is not None
        gap = following - self._next - self._expanded
        self._expanded = 0
        if gap <= 0:
            self._next = following
            return
        duration = min(gap, MAX_CONCEALMENT)
        self._next = following - gap + duration
        pcm = self._restore(self._frames[following], duration) if duration == gap else self._conceal(duration)
        self.statistics.concealed += len(pcm) // self._channels
        self.statistics.concealment_events += 1
        self._pcm += pcm

    def _restore(self, following: bytes, duration: int) -> array[int]:
        """Return the frame before another one from its in-band FEC; conceal it if that has none or is malformed."""
        if has_inband_fec(following) and not duration % MIN_DURATION:
            try:
                copy = self._decoder.decode_fec(following, self._samples(duration))
            except ValueError:
                return self._conceal(duration)
            return self._concealment.played(array("h", copy))
        return self._conceal(duration)

    def _samples(self, duration: int) -> int:
        return duration * self._decoder.sample_rate // CLOCK_RATE

    def _conceal(self, duration: int) -> array[int]:
        return self._concealment.conceal(self._samples(duration))

    def _adapt(self, excess: float, size: int, now: float) -> None:
        """Bring the delay closer to the target by changing the last `size` samples of `_pcm`, or more if they are few.

        `excess` is by how many seconds too early the frame was there.
        """
        if excess > MAX_EXCESS:
            self._skip(excess)
            return
        size = max(size, int(MIN_STRETCHED * self._decoder.sample_rate) * self._channels)
        if len(self._pcm) < size:
            return
        if not -MAX_DEFICIT <= excess <= MIN_EXCESS and now - self._stretched_at >= STRETCH_INTERVAL:
            self._stretched_at = now
            stretch = shorten if excess > 0 else lengthen
            pcm = stretch(self._pcm[-size:], self._decoder.sample_rate, self._channels)
            self._pcm[-size:] = pcm
            change = (len(pcm) - size) // self._channels
            self.statistics.inserted_for_deceleration += max(change, 0)
            self.statistics.removed_for_acceleration += max(-change, 0)

    def _skip(self, excess: float) -> None:
        """Drop frames that are too old to catch up with."""
        assert self._next is not None
        until = self._next + excess * CLOCK_RATE
        following = min((at for at in self._frames if at >= until), default=max(self._frames, default=self._next))
        self._frames = {at: frame for at, frame in self._frames.items() if at >= following}
        self.statistics.removed_for_acceleration += self._samples(following - self._next)
        self._next = following

"""A tone through Opus, RED and an impaired link in virtual time, into a jitter buffer."""

from __future__ import annotations

import heapq
import math
import random
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from livekit.media.audio.jitter_buffer import JitterBuffer
from livekit.media.codecs.opus import OpusDecoder, OpusEncoder
from livekit.webrtc.rtp.red import RedundantBlock

RATE = 48_000
TONE = 440.0
PAYLOAD_TYPE = 111
FRAME = 0.02
Link = Callable[[random.Random, int], float | None]
"""Returns the seconds that a packet takes, or None if it is lost."""


def encode_tone(seconds: float) -> list[bytes]:
    """Return packets of 20 ms."""
    encoder = OpusEncoder(RATE, 1)
    encoder.configure(bitrate=48_000, complexity=2)
    step = math.tau * TONE / RATE
    samples = array("h", [round(12_000 * math.sin(step * n)) for n in range(int(seconds * RATE))])
    return [encoder.encode(samples[start : start + 960].tobytes()) for start in range(0, len(samples), 960)]


def differs(frame: bytes) -> bool:
    """Return True unless 10 ms are a sine of the tone's frequency and about its amplitude."""
    samples = array("h", frame)
    step = math.tau * TONE / RATE
    # Least squares over a frame that is not a whole number of periods: solve for both amplitudes.
    cc = ss = cs = xc = xs = xx = 0.0
    for n, sample in enumerate(samples):
        c, s = math.cos(step * n), math.sin(step * n)
        cc, ss, cs = cc + c * c, ss + s * s, cs + c * s
        xc, xs, xx = xc + sample * c, xs + sample * s, xx + sample * sample
    determinant = cc * ss - cs * cs
    a, b = (xc * ss - xs * cs) / determinant, (xs * cc - xc * cs) / determinant
    residual = xx - a * xc - b * xs
    return not 8_000 < math.hypot(a, b) < 16_000 or residual > 0.05 * xx


@dataclass
class Heard:
    """What a listener got."""

    buffer: JitterBuffer
    frames: list[bytes] = field(default_factory=list[bytes])
    latencies: list[float] = field(default_factory=list[float])

    def differing(self, skip: int = 100) -> float:
        """Return the percentage of 10 ms frames that are not the tone, after the first `skip`."""
        frames = self.frames[skip:]
        return 100 * sum(map(differs, frames)) / len(frames)

    def latency(self, share: float, skip: int = 500) -> float:
        """Return a quantile of the latency in milliseconds, from capture to the frame."""
        values = sorted(self.latencies[skip:])
        return 1000 * values[int(share * (len(values) - 1))]


def listen(
    packets: list[bytes], link: Link, *, seed: int = 1, phase: float = 0.003, drift: float = 0.0, red: int = 1
) -> Heard:
    """Send packets, each with `red` earlier ones, and pull a frame each 10 ms.

    `drift` is how much faster the sender's clock is, as a share.
    """
    rng = random.Random(seed)
    arrivals: list[tuple[float, int, list[RedundantBlock]]] = []
    for number, packet in enumerate(packets):
        delay = link(rng, number)
        if delay is None:
            continue
        earlier = range(max(number - red, 0), number)
        blocks = [RedundantBlock(PAYLOAD_TYPE, 960 * (number - n), packets[n]) for n in earlier]
        sent = (number + 1) * FRAME / (1 + drift)
        heapq.heappush(arrivals, (sent + delay, number, [*blocks, RedundantBlock(PAYLOAD_TYPE, 0, packet)]))
    heard = Heard(JitterBuffer(OpusDecoder(RATE, 1)))
    for tick in range(int(len(packets) * FRAME / (1 + drift) / 0.01)):
        now = tick * 0.01 + phase
        while arrivals and arrivals[0][0] <= now:
            at, number, blocks = heapq.heappop(arrivals)
            heard.buffer.receive(number * 960 & 0xFFFF_FFFF, blocks, at)
        position = heard.buffer.position
        heard.frames.append(heard.buffer.pull(now))
        if position is not None:
            heard.latencies.append(now - position / RATE / (1 + drift))
    return heard

"""Encodes blocks of 10 ms as Opus packets of 20 ms."""

from __future__ import annotations

from dataclasses import dataclass

from livekit.media.codecs.opus import SAMPLE_RATES, OpusApplication, OpusEncoder
from livekit.media.codecs.opus_packet import CLOCK_RATE, is_discontinuous

from .block import BLOCKS_PER_SECOND, AudioBlock
from .block_converter import BlockConverter
from .meter import AudioMeter, root_mean_square

__all__ = ["AudioEncoder", "EncodedFrame"]

BLOCK_UNITS = CLOCK_RATE // BLOCKS_PER_SECOND
LOW_DELAY_COMPLEXITY = 5
COMPLEXITY = 7
"""Of the other modes. Below 7 libopus does not analyse whether a sound is music or noise, and with discontinuous
transmission takes steady tones for silence."""
LOW_DELAY_BITRATE = 32_000
"""Bits per second from which the low-delay mode, 4 ms faster, sounds as good as the others."""


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """20 ms of audio."""

    timestamp: int
    """Of the first sample, in units of 1/48,000 s on the source's time line."""
    payload: bytes
    """An Opus packet."""
    level: float
    """Root mean square of the samples, 0 to 1."""

    @property
    def is_discontinuous(self) -> bool:
        """True in silence, when a packet need not be sent."""
        return is_discontinuous(self.payload)


class AudioEncoder:
    """Encodes one source, in one mode at a time."""

    def __init__(self, *, bitrate: int, dtx: bool, stereo: bool) -> None:
        """Create an encoder of `bitrate` bits per second. The codec is opened with the first block."""
        self.meter = AudioMeter()
        self._bitrate = bitrate
        self._dtx = dtx
        self._stereo = stereo
        self._has_fec = False
        self._packet_loss = 0
        self._encoder: OpusEncoder | None = None
        self._converter: BlockConverter | None = None
        self._first: AudioBlock | None = None  # of the two blocks of a packet
        self._silence = b""  # the last packet, if it is one of discontinuous transmission

    def expect_loss(self, share: float, *, use_fec: bool) -> None:
        """Prepare for a share of lost packets, 0 to 1; with `use_fec`, by in-band FEC."""
        loss = round(100 * share)
        if use_fec != self._has_fec:
            self._has_fec, self._encoder = use_fec, None
        if loss != self._packet_loss:
            self._packet_loss = loss
            if self._encoder is not None:
                self._encoder.configure(packet_loss=loss)

    def encode(self, block: AudioBlock) -> list[EncodedFrame]:
        """Return the frames that `block` completes: at most one, except after a resampler.

        Raises:
            OpusNotFoundError: There is no libopus.
        """
        if block.sample_rate in SAMPLE_RATES:
            return self._add(block)
        if self._converter is None:
            self._converter = BlockConverter(CLOCK_RATE, block.channels)
        return [frame for converted in self._converter.convert(block) for frame in self._add(converted)]

    def _add(self, block: AudioBlock) -> list[EncodedFrame]:
        first, self._first = self._first, block
        if first is None:
            return []
        if block.index == first.index + 1:
            self._first = None
            return [self._encode(first, block.pcm)]
        return [self._encode(first, bytes(len(first.pcm)))]  # the time line has jumped

    def _encode(self, first: AudioBlock, second: bytes) -> EncodedFrame:
        pcm = first.pcm + second
        is_silence = pcm == bytes(len(pcm))
        level = 0.0 if is_silence else root_mean_square(pcm)
        self.meter.add(level, 2)
        if not (is_silence and self._silence):
            payload = self._opus(first.sample_rate, first.channels).encode(pcm)
            self._silence = payload if self._dtx and is_discontinuous(payload) else b""
        else:
            payload = self._silence  # silence goes on: the codec need not run
        return EncodedFrame(first.index * BLOCK_UNITS, payload, level)

    def _opus(self, sample_rate: int, channels: int) -> OpusEncoder:
        encoder = self._encoder
        if encoder is None or (encoder.sample_rate, encoder.channels) != (sample_rate, channels):
            coded_channels = 2 if self._stereo and channels == 2 else 1
            is_fast = not self._has_fec and self._bitrate >= LOW_DELAY_BITRATE * coded_channels
            application = OpusApplication.LOW_DELAY if is_fast else OpusApplication.VOIP
            encoder = self._encoder = OpusEncoder(sample_rate, channels, application=application)
            encoder.configure(
                bitrate=self._bitrate,
                complexity=LOW_DELAY_COMPLEXITY if is_fast else COMPLEXITY,
                dtx=self._dtx,
                inband_fec=self._has_fec,
                packet_loss=self._packet_loss,
                coded_channels=coded_channels,
            )
        return encoder

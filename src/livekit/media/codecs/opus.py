"""Opus encoder and decoder (RFC 6716) on libopus."""

from __future__ import annotations

import ctypes
import enum
import weakref
from ctypes import byref, c_int, c_int16, c_int32

from .libopus import load_opus

__all__ = ["SAMPLE_RATES", "OpusApplication", "OpusDecoder", "OpusEncoder", "OpusError"]

SAMPLE_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
"""Rates in Hz that libopus accepts and returns; the coded signal is the same."""
SAMPLE_SIZE = 2
MAX_PACKET = 1275 * 3 + 7
"""Bytes of the longest packet of 60 ms (RFC 6716 section 3.2.5)."""
MAX_FRAME_MS = 120
"""The longest duration of a packet (RFC 6716 section 3.2.5)."""
OK, ALLOCATION_FAILED = 0, -7
SET_BITRATE, SET_COMPLEXITY, SET_INBAND_FEC, SET_PACKET_LOSS, SET_DTX = 4002, 4010, 4012, 4014, 4016
SET_FORCE_CHANNELS = 4022
GET_LOOKAHEAD = 4027


class OpusError(ValueError):
    """Raised if libopus rejects an argument or a packet."""


class OpusApplication(enum.IntEnum):
    """Kinds of signals that an encoder can be tuned for."""

    VOIP = 2048
    AUDIO = 2049
    LOW_DELAY = 2051


def _check(result: int) -> int:
    if result < OK:
        library, _ = load_opus()
        text: bytes = library.opus_strerror(result)
        raise OpusError(f"libopus: {text.decode()}")
    return result


class OpusEncoder:
    """Encodes frames of one sample rate and channel count."""

    def __init__(self, sample_rate: int, channels: int, *, application: OpusApplication = OpusApplication.VOIP) -> None:
        """Create an encoder.

        Raises:
            OpusError: `sample_rate` is not in `SAMPLE_RATES`, or `channels` is not 1 or 2.
            OpusNotFoundError: There is no libopus.
        """
        self._library, _ = load_opus()
        error = c_int(ALLOCATION_FAILED)
        self._encoder: int | None = self._library.opus_encoder_create(sample_rate, channels, application, byref(error))
        _check(error.value)
        self._finalizer = weakref.finalize(self, self._library.opus_encoder_destroy, self._encoder)
        self.sample_rate = sample_rate
        self.channels = channels
        self._buffer = ctypes.create_string_buffer(MAX_PACKET)

    def configure(
        self,
        *,
        bitrate: int | None = None,
        complexity: int | None = None,
        inband_fec: bool | None = None,
        packet_loss: int | None = None,
        dtx: bool | None = None,
        coded_channels: int | None = None,
    ) -> None:
        """Change settings; those that are None stay. Allowed between any two frames.

        Args:
            bitrate: bits per second.
            complexity: 0 to 10; CPU for quality.
            inband_fec: put a coarse copy of the frame before into each packet, if `packet_loss` is above zero.
            packet_loss: expected loss in percent, 0 to 100.
            dtx: encode silence as packets of up to two bytes, which need not be sent (discontinuous transmission).
            coded_channels: 1 to mix two channels into one, 2 to keep them.

        Raises:
            OpusError: A value is out of its range.
        """
        settings = (
            (SET_BITRATE, bitrate),
            (SET_COMPLEXITY, complexity),
            (SET_INBAND_FEC, inband_fec),
            (SET_PACKET_LOSS, packet_loss),
            (SET_DTX, dtx),
            (SET_FORCE_CHANNELS, coded_channels),
        )
        for request, value in settings:
            if value is not None:
                _check(self._library.opus_encoder_ctl(self._encoder, request, c_int32(value)))

    @property
    def lookahead(self) -> int:
        """Samples by which the decoded signal is later than the encoded one."""
        samples = c_int32()
        _check(self._library.opus_encoder_ctl(self._encoder, GET_LOOKAHEAD, byref(samples)))
        return samples.value

    def encode(self, pcm: bytes) -> bytes:
        """Return the packet of one frame of 2.5, 5, 10, 20, 40 or 60 ms.

        `pcm` holds signed 16-bit samples in native byte order, channels interleaved.

        Raises:
            OpusError: The frame has another length.
        """
        samples, rest = divmod(len(pcm), SAMPLE_SIZE * self.channels)
        if rest:
            raise OpusError(f"{len(pcm)} bytes are not a whole number of samples of {self.channels} channels")
        size = _check(self._library.opus_encode(self._encoder, pcm, samples, self._buffer, MAX_PACKET))
        return self._buffer.raw[:size]


class OpusDecoder:
    """Decodes packets to one sample rate and channel count, whatever they were encoded from."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        """Create a decoder.

        Raises:
            OpusError: `sample_rate` is not in `SAMPLE_RATES`, or `channels` is not 1 or 2.
            OpusNotFoundError: There is no libopus.
        """
        self._library, _ = load_opus()
        error = c_int(ALLOCATION_FAILED)
        self._decoder: int | None = self._library.opus_decoder_create(sample_rate, channels, byref(error))
        _check(error.value)
        self._finalizer = weakref.finalize(self, self._library.opus_decoder_destroy, self._decoder)
        self.sample_rate = sample_rate
        self.channels = channels
        self._max_samples = sample_rate * MAX_FRAME_MS // 1000
        self._buffer = (c_int16 * (self._max_samples * channels))()

    def decode(self, packet: bytes) -> bytes:
        """Return the samples of a packet: signed 16-bit integers in native byte order, channels interleaved.

        Raises:
            OpusError: The packet is malformed.
        """
        if not packet:
            raise OpusError("an Opus packet has at least one byte")
        return self._decode(packet, self._max_samples, fec=False)

    def decode_fec(self, packet: bytes, samples: int) -> bytes:
        """Return the frame before a packet from its in-band FEC, concealed if it has none.

        `samples` per channel is the duration that was lost, a multiple of 2.5 ms.

        Raises:
            OpusError: The packet is malformed, or `samples` is not such a multiple.
        """
        return self._decode(packet, samples, fec=True)

    def conceal(self, samples: int) -> bytes:
        """Return `samples` per channel that conceal lost audio, fading to silence; a multiple of 2.5 ms.

        Raises:
            OpusError: `samples` is not such a multiple, or over 120 ms.
        """
        return self._decode(None, samples, fec=False)

    def _decode(self, packet: bytes | None, samples: int, *, fec: bool) -> bytes:
        if samples > self._max_samples:
            raise OpusError(f"{samples} samples are over {MAX_FRAME_MS} ms")
        size = 0 if packet is None else len(packet)
        count = _check(self._library.opus_decode(self._decoder, packet, size, self._buffer, samples, fec))
        return ctypes.string_at(self._buffer, SAMPLE_SIZE * self.channels * count)

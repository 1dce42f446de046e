"""Sealed audio and video frames: arbitrary bytes are never opened, and opening raises nothing.

Run as `python -m fuzz.fuzz_frames [COUNT] [SEED]`.
"""

from __future__ import annotations

from fuzz.mutate import Fuzzer, always
from livekit.e2ee import KeyProvider, KeyProviderOptions
from livekit.e2ee.frame_cipher import FrameOpener, FrameSealer
from livekit.e2ee.frame_cryptor import FrameCryptor
from livekit.e2ee.frame_format import H264, OPUS, VP8
from livekit.enums import KeyDerivationFunction

FORMATS = (OPUS, VP8, H264)
FRAMES = (
    b"\x78" + bytes(range(60)),
    b"\x10" + bytes(range(100)),
    b"\0\0\0\1\x67\x42\0\0\0\1\x65\x88" + bytes(60),
)
TRAILER = b"trailer"
keys = KeyProvider(
    KeyProviderOptions(shared_key=b"key", key_derivation_function=KeyDerivationFunction.HKDF, ratchet_window_size=2)
)
cryptor = FrameCryptor("alice", "TR_a")
sealers = [FrameSealer(cryptor, keys, lambda state: None, frame_format) for frame_format in FORMATS]
openers = [
    FrameOpener(cryptor, keys, lambda state: None, frame_format, sif_trailer=lambda: TRAILER)
    for frame_format in FORMATS
]


def _seeds() -> list[bytes]:
    sealed = [sealer.seal(frame, 1, 2) or b"" for sealer, frame in zip(sealers, FRAMES, strict=True)]
    return [*FRAMES, *sealed, b"\xf8\xff\xfe" + bytes(77) + TRAILER]


SEEDS = _seeds()
_GENUINE = {*FRAMES}


def target(data: bytes) -> None:
    for opener in openers:
        opened = opener.open(data)
        assert opened is None or opened in _GENUINE or data.endswith(TRAILER), "a forged frame was opened"


FUZZER = Fuzzer("frames", SEEDS, (), always(target))

if __name__ == "__main__":
    FUZZER.main()

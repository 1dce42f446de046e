"""Fuzz DCEP: parsing raises DcepError only, and a parsed message survives a round trip.

Run as `python -m fuzz.fuzz_dcep [COUNT] [SEED]`.
"""

from __future__ import annotations

from fuzz.mutate import Fuzzer, always
from livekit.webrtc.sctp import dcep

ALLOWED = (dcep.DcepError,)
SEEDS = [
    dcep.ACK,
    dcep.Open(label="_reliable").encode(),
    dcep.Open(label="_lossy", ordered=False, max_retransmits=0).encode(),
    dcep.Open(label="λ", protocol="p", lifetime_ms=500, priority=256).encode(),
]


def target(data: bytes) -> None:
    message = dcep.parse(data)
    if message is not None and dcep.parse(message.encode()) != message:
        raise AssertionError(f"{message} does not survive a round trip")


FUZZER = Fuzzer("dcep", SEEDS, ALLOWED, always(target))

if __name__ == "__main__":
    FUZZER.main()

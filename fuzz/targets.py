"""All fuzz targets by name."""

from __future__ import annotations

from fuzz import (
    fuzz_dcep,
    fuzz_engine,
    fuzz_forwarding,
    fuzz_frames,
    fuzz_join,
    fuzz_media,
    fuzz_packets,
    fuzz_requests,
    fuzz_responses,
    fuzz_rtp,
    fuzz_sctp,
    fuzz_sdp,
    fuzz_streams,
    fuzz_stun,
    fuzz_tokens,
    fuzz_twirp,
    fuzz_workers,
)

_MODULES = (
    *(fuzz_packets, fuzz_streams, fuzz_responses, fuzz_requests, fuzz_forwarding, fuzz_tokens, fuzz_join, fuzz_twirp),
    *(fuzz_workers, fuzz_engine),
    *(fuzz_stun, fuzz_sctp, fuzz_dcep, fuzz_sdp, fuzz_rtp, fuzz_media, fuzz_frames),
)
FUZZERS = {module.FUZZER.name: module.FUZZER for module in _MODULES}

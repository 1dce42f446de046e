"""Fuzz SCTP: parsers raise ChunkError or PacketError only, and an association never raises.

Inputs are the chunks of a packet; the fuzzer adds a valid header and checksum, so that inputs reach the chunk handlers.
Run as `python -m fuzz.fuzz_sctp [COUNT] [SEED]`.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable

from fuzz.mutate import Fuzzer
from livekit.webrtc.sctp import Association, State
from livekit.webrtc.sctp.chunks import (
    DATA_HEADER,
    ForwardTsn,
    Init,
    Sack,
    encode_cause,
    encode_parameter,
    iterate_causes,
    parse_parameters,
)
from livekit.webrtc.sctp.constants import RECEIVE_BUFFER, ChunkType, Parameter
from livekit.webrtc.sctp.packet import ChunkError, PacketError, PacketHeader, encode_chunk, iterate_chunks, verify

ALLOWED = (ChunkError, PacketError)

FIRST_TSN = 1
PARSERS: dict[int, Callable[[bytes], object]] = {
    ChunkType.INIT: Init.parse,
    ChunkType.INIT_ACK: Init.parse,
    ChunkType.SACK: Sack.parse,
    ChunkType.FORWARD_TSN: ForwardTsn.parse,
    ChunkType.RE_CONFIG: parse_parameters,
    ChunkType.ABORT: lambda body: list(iterate_causes(body)),
    ChunkType.ERROR: lambda body: list(iterate_causes(body)),
}


class Target:
    """An established association, replaced when an input has closed it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._renew()

    def _renew(self) -> None:
        randomness = random.Random(1)
        self.victim = Association(randbits=lambda _: FIRST_TSN)
        peer = Association(randbits=randomness.getrandbits)
        peer.open_channel("channel")
        peer.connect(self.now, is_client=True)
        self.victim.connect(self.now, is_client=False, initiate=False)
        for _ in range(4):
            for packet in peer.datagrams_to_send(self.now):
                self.victim.receive_datagram(packet, self.now)
            for packet in self.victim.datagrams_to_send(self.now):
                peer.receive_datagram(packet, self.now)
        self.channel = self.victim.open_channel("another")

    def __call__(self, data: bytes) -> None:
        victim = self.victim
        self.now += 0.01
        packet = PacketHeader(victim.tcb.local_tag).packet([data])
        victim.receive_datagram(PacketHeader(0).packet([data]), self.now)
        victim.receive_datagram(packet, self.now)
        if self.channel.is_open:
            self.channel.send(data[:4000])
        timer = victim.next_timer()
        if timer is not None and timer <= self.now:
            victim.handle_timer(self.now)
        victim.datagrams_to_send(self.now)
        self._check()
        verify(packet)
        for kind, _, start, end in iterate_chunks(packet):
            if kind in PARSERS:
                PARSERS[kind](packet[start:end])

    def _check(self) -> None:
        transfer = self.victim.tcb.transfer
        if transfer is None or self.victim.state is not State.ESTABLISHED or self.now % 50 < 0.01:
            self._renew()
            return
        outstanding = transfer.sender.outstanding
        if not 0 <= outstanding.flight_size <= sum(len(chunk.wire) for chunk in outstanding.chunks.values()):
            raise AssertionError(f"{outstanding.flight_size} bytes in flight")
        if not 0 <= transfer.receiver.reassembly.buffered <= 2 * RECEIVE_BUFFER:
            raise AssertionError(f"{transfer.receiver.reassembly.buffered} bytes buffered")


def _seeds() -> list[bytes]:
    peer = random.Random(1)
    peer.getrandbits(32)
    tsn = peer.getrandbits(32)
    data = [
        DATA_HEADER.pack(0, flags, 20, (tsn + offset) & 0xFFFF_FFFF, stream, offset, 53) + b"data"
        for offset, (flags, stream) in enumerate([(3, 0), (2, 0), (0, 0), (1, 0), (7, 1), (11, 0)])
    ]
    reset = encode_parameter(Parameter.OUTGOING_RESET_REQUEST, tsn.to_bytes(4, "big") * 3 + b"\0\0")
    answer = encode_parameter(Parameter.RECONFIG_RESPONSE, FIRST_TSN.to_bytes(4, "big") + b"\0\0\0\1")
    return [
        *data,
        b"".join(data),
        Sack(FIRST_TSN, 1 << 20, [], []).encode(),
        Sack(FIRST_TSN, 0, [(2, 3), (5, 9)], [1, 2]).encode(),
        ForwardTsn(tsn + 5 & 0xFFFF_FFFF, ((0, 3), (1, 0))).encode(),
        Init(5, 1500, 10, 10, 7, ((Parameter.STATE_COOKIE, bytes(20)),)).encode(ChunkType.INIT),
        Init(5, 1500, 10, 10, 7, ((0xC001, b"x"),)).encode(ChunkType.INIT_ACK),
        encode_chunk(ChunkType.COOKIE_ECHO, bytes(60)),
        encode_chunk(ChunkType.COOKIE_ACK),
        encode_chunk(ChunkType.HEARTBEAT, b"\0\1\0\6ab"),
        encode_chunk(ChunkType.ERROR, encode_cause(3, bytes(4))),
        encode_chunk(ChunkType.RE_CONFIG, reset),
        encode_chunk(ChunkType.RE_CONFIG, answer),
        encode_chunk(0xC1, b"unknown"),
    ]


SEEDS = _seeds()
FUZZER = Fuzzer("sctp", SEEDS, ALLOWED, lambda: contextlib.nullcontext(Target()))


if __name__ == "__main__":
    FUZZER.main()

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.sctp.chunks import (
    ForwardTsn,
    Init,
    Sack,
    encode_cause,
    encode_parameter,
    encode_shutdown,
    iterate_causes,
    parse_parameters,
    parse_shutdown,
)
from livekit.webrtc.sctp.constants import MAX_GAP_BLOCKS, ChunkType, Parameter
from livekit.webrtc.sctp.packet import ChunkError

words = st.integers(0, 0xFFFF_FFFF)
halves = st.integers(0, 0xFFFF)
parameters = st.lists(st.tuples(halves, st.binary(max_size=20)), max_size=5).map(tuple)
inits = st.builds(Init, words, words, halves, halves, words, parameters)
sacks = st.builds(Sack, words, words, st.lists(st.tuples(halves, halves), max_size=20), st.lists(words, max_size=9))
forwards = st.builds(ForwardTsn, words, st.lists(st.tuples(halves, halves), max_size=20).map(tuple))


def body(chunk: bytes) -> bytes:
    length = int.from_bytes(chunk[2:4], "big")
    assert len(chunk) == length + (-length & 3)
    return chunk[4:length]


@given(inits)
def test_init_round_trip(init: Init) -> None:
    assert Init.parse(body(init.encode(ChunkType.INIT))) == init


@given(sacks)
def test_sack_round_trip(sack: Sack) -> None:
    assert Sack.parse(body(sack.encode())) == sack


@given(forwards)
def test_forward_tsn_round_trip(chunk: ForwardTsn) -> None:
    assert ForwardTsn.parse(body(chunk.encode())) == chunk


@given(parameters)
def test_parameters_round_trip(values: tuple[tuple[int, bytes], ...]) -> None:
    data = b"".join(encode_parameter(*value) for value in values)
    assert parse_parameters(data) == values


@given(words)
def test_shutdown_round_trip(tsn: int) -> None:
    assert parse_shutdown(body(encode_shutdown(tsn))) == tsn


def test_causes_round_trip() -> None:
    assert list(iterate_causes(encode_cause(3, b"abcd") + encode_cause(12))) == [(3, b"abcd"), (12, b"")]


def test_gap_blocks_of_a_sack_are_bounded() -> None:
    sack = Sack(1, 2, [(2 * i, 2 * i) for i in range(1, MAX_GAP_BLOCKS + 9)], [])
    assert len(Sack.parse(body(sack.encode())).gaps) == MAX_GAP_BLOCKS


@pytest.mark.parametrize("parse", [Init.parse, Sack.parse, ForwardTsn.parse, parse_parameters, parse_shutdown])
@given(data=st.binary(max_size=64))
def test_any_bytes_parse_or_raise_chunk_error(parse: Callable[[bytes], object], data: bytes) -> None:
    try:
        value = parse(data)
    except ChunkError:
        return
    assert value is not None


def test_extensions_are_recognised() -> None:
    plain = Init(1, 2, 3, 4, 5)
    assert not plain.supports_forward_tsn
    assert not plain.supports_reconfig
    listed = Init(1, 2, 3, 4, 5, ((Parameter.SUPPORTED_EXTENSIONS, bytes((130, 192))),))
    assert listed.supports_forward_tsn
    assert listed.supports_reconfig
    assert Init(1, 2, 3, 4, 5, ((Parameter.FORWARD_TSN_SUPPORTED, b""),)).supports_forward_tsn

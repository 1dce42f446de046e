"""Arbitrary bytes from a channel: a room accepts them or raises DecodeError, and its pending calls are unaffected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from fuzz import fuzz_packets, mutate
from livekit.protocol import models
from livekit.rpc import wire
from livekit.rpc.invocation import RpcCallInfo

SENDERS = st.sampled_from(["bob", "carol", "dave", "alice", ""])


@pytest.fixture(scope="module")
def room() -> Iterator[fuzz_packets.Room]:
    room = fuzz_packets.Room()
    yield room
    room.close()


@pytest.mark.parametrize("seed", range(3))
def test_mutated_packets_raise_decode_errors_only(room: fuzz_packets.Room, seed: int) -> None:
    mutate.run(room.target, fuzz_packets.SEEDS, fuzz_packets.ALLOWED, count=2000, seed=seed)


@pytest.mark.slow
def test_many_mutated_packets(room: fuzz_packets.Room) -> None:
    mutate.run(room.target, fuzz_packets.SEEDS, fuzz_packets.ALLOWED, count=300_000, seed=0)


@given(data=st.binary(max_size=300))
def test_any_bytes_are_accepted_or_raise_decode_error(room: fuzz_packets.Room, data: bytes) -> None:
    try:
        room.target(data)
    except DecodeError:
        pass


def texts(limit: int = 20) -> st.SearchStrategy[str]:
    return st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=limit)


def ids() -> st.SearchStrategy[str]:
    return st.one_of(st.just(fuzz_packets.KNOWN_ID), st.sampled_from(["", "a", "b"]), texts(300))


def attributes() -> st.SearchStrategy[dict[str, str]]:
    names = [wire.ATTR_REQUEST_ID, wire.ATTR_METHOD, wire.ATTR_TIMEOUT_MS, wire.ATTR_VERSION]
    return st.dictionaries(st.sampled_from(names), st.one_of(texts(), st.sampled_from(["1", "2", "echo", "9" * 30])))


PACKETS = st.builds(
    models.DataPacket,
    participant_identity=SENDERS,
    rpc_request=st.none()
    | st.builds(
        models.RpcRequest,
        id=ids(),
        method=st.sampled_from(["echo", "other"]),
        payload=texts(),
        response_timeout_ms=st.integers(0, 2**32 - 1),
        version=st.integers(0, 3),
    ),
    rpc_response=st.none()
    | st.builds(
        models.RpcResponse, request_id=ids(), error=st.none() | st.builds(models.RpcError, code=st.integers(0, 9000))
    ),
    stream_header=st.none()
    | st.builds(
        models.DataStream.Header,
        stream_id=ids(),
        topic=st.sampled_from([wire.REQUEST_TOPIC, wire.RESPONSE_TOPIC, "other"]),
        total_length=st.none() | st.integers(0, 2**64 - 1),
        compression=st.integers(0, 1),
        attributes=attributes(),
        inline_content=st.none() | st.binary(max_size=20),
    ),
    stream_chunk=st.none()
    | st.builds(
        models.DataStream.Chunk, stream_id=ids(), chunk_index=st.integers(0, 2**64 - 1), content=st.binary(max_size=20)
    ),
    stream_trailer=st.none()
    | st.builds(
        models.DataStream.Trailer,
        stream_id=ids(),
        reason=st.sampled_from(["", wire.CANCEL_REASON, "other"]),
        attributes=attributes(),
    ),
)


@given(packet=PACKETS)
def test_any_well_formed_packet_is_accepted(room: fuzz_packets.Room, packet: models.DataPacket) -> None:
    room.target(packet.SerializeToString())


@pytest.mark.timeout(300)  # hundreds of examples, on a machine that may be busy
@given(lies=st.lists(PACKETS, max_size=10))
def test_row_27_a_pending_call_ignores_packets_of_others(
    room: fuzz_packets.Room, lies: list[models.DataPacket]
) -> None:
    """Packets of other participants with the request id of a pending call."""
    calls = room.session.rpc_client

    async def scenario() -> str:
        task = asyncio.ensure_future(calls.perform(RpcCallInfo("bob", "m", "p", 60.0)))
        await asyncio.sleep(0)
        (request_id,) = calls.caller._in_flight
        for packet in lies:
            packet.participant_identity = "carol"
            if packet.WhichOneof("value") == "rpc_response":
                packet.rpc_response.request_id = request_id
            elif packet.WhichOneof("value") == "stream_header":
                packet.stream_header.attributes[wire.ATTR_REQUEST_ID] = request_id
            room.session.on_packet(packet)
        assert list(calls.caller._in_flight) == [request_id]
        truth = wire.response_packet("alice", request_id, "truth")
        truth.participant_identity = "bob"
        room.session.on_packet(truth)
        return await task

    room.session.participants._packet_sids["bob"] = ""
    assert room.loop.run_until_complete(scenario()) == "truth"
    assert len(calls.caller) == 0

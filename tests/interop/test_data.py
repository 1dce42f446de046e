"""Packets, streams and attributes, in both directions."""

from __future__ import annotations

import base64
import random

import pytest

from tests.interop.kinds import OURS, PYTHON, WITH_OURS, Pair
from tests.interop.matrix import Matrix
from tests.interop.test_payloads import TEXTS, text

pytestmark = [pytest.mark.peers, pytest.mark.asyncio(loop_scope="session")]

SIZES = (1, 14_900, 15_000, 15_001, 65_536, 1_000_000)


@pytest.mark.parametrize("reliable", [True, False])
@pytest.mark.parametrize("pair", WITH_OURS, ids=str)
async def test_packet_arrives_with_sender_and_topic(matrix: Matrix, pair: Pair, reliable: bool) -> None:
    """A data packet arrives with its sender and topic"""
    sender, receiver = await matrix.pair(pair)
    content = f"packet {reliable} {pair}"
    await sender.do("publish", content=content, to=[receiver.identity], reliable=reliable)
    got = await receiver.got(content.encode(), what="packet")
    assert (got["sender"], got["topic"]) == (sender.identity, "topic")


@pytest.mark.parametrize("pair", WITH_OURS, ids=str)
async def test_largest_packet_arrives(matrix: Matrix, pair: Pair) -> None:
    """A packet of 63,000 bytes arrives"""
    sender, receiver = await matrix.pair(pair)
    content = f"{pair}".ljust(63_000, ".")
    await sender.do("publish", content=content, to=[receiver.identity], reliable=True)
    await receiver.got(content.encode(), what="packet")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("pair", WITH_OURS, ids=str)
async def test_text_arrives_with_its_attributes(matrix: Matrix, pair: Pair, kind: str, size: int) -> None:
    """Texts of 1 to 1,000,000 bytes arrive with their attributes"""
    sender, receiver = await matrix.pair(pair)
    content = text(kind, size)
    attributes = {"key": f"{pair} {kind}"}
    await sender.do("send_text", content=content, to=[receiver.identity], attributes=attributes)
    got = await receiver.got(content.encode(), what="text", failed=False, sender=sender.identity)
    assert got["attributes"] == attributes or "key" in got["attributes"]


@pytest.mark.parametrize("pair", WITH_OURS, ids=str)
async def test_text_written_incrementally_arrives_complete(matrix: Matrix, pair: Pair) -> None:
    """A text written incrementally arrives complete"""
    sender, receiver = await matrix.pair(pair)
    pieces = [f"{pair}", "漢" * 9_999, "", "x" * 20_000, "🎈"]
    await sender.do("write_text", pieces=pieces, to=[receiver.identity], reason="")
    await receiver.got("".join(pieces).encode(), what="text", failed=False, sender=sender.identity)


@pytest.mark.parametrize("pair", [Pair(OURS, PYTHON), Pair(PYTHON, OURS), Pair(OURS, OURS)], ids=str)
async def test_aborted_text_fails_after_its_content(matrix: Matrix, pair: Pair) -> None:
    """A text stream closed with a reason fails after the content received"""
    sender, receiver = await matrix.pair(pair)
    content = f"to be cont {pair}"
    await sender.do("write_text", pieces=[content], to=[receiver.identity], reason="no paper")
    await receiver.got(content.encode(), what="text", failed=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pair", WITH_OURS, ids=str)
async def test_byte_stream_arrives_unchanged(matrix: Matrix, pair: Pair, size: int) -> None:
    """Byte streams of 1 to 1,000,000 bytes arrive unchanged"""
    sender, receiver = await matrix.pair(pair)
    content = random.Random(f"{pair}{size}").randbytes(size)
    await sender.do("write_bytes", content=base64.b64encode(content).decode(), to=[receiver.identity])
    await receiver.got(content, what="bytes", failed=False, sender=sender.identity)


@pytest.mark.parametrize(
    "pair", [pair for pair in WITH_OURS if pair.caller is not pair.callee and not pair.version_1], ids=str
)
async def test_encrypted_data_reaches_participants_with_the_key_only(matrix: Matrix, pair: Pair) -> None:
    """Packets, streams and calls pass between participants with the key; those of others are not delivered"""
    sender, receiver = await matrix.encrypted(pair.caller, "right"), await matrix.encrypted(pair.callee, "right")
    wrong = await matrix.encrypted(pair.caller, "wrong")
    for each in (sender, wrong):
        await matrix.introduce(each, receiver)
    long = text("random", 100_000) + str(pair)
    content = random.Random(f"encrypted {pair}").randbytes(50_000)
    for who in (wrong, sender):
        await who.do("publish", content="secret", to=[receiver.identity], reliable=True)
        await who.do("send_text", content=long, to=[receiver.identity], attributes={"key": "value"})
        await who.do("write_text", pieces=["in ", "pieces"], to=[receiver.identity], reason="")
        await who.do("write_bytes", content=base64.b64encode(content).decode(), to=[receiver.identity])
    await receiver.got(b"secret", what="packet")
    got = await receiver.got(long.encode(), what="text", failed=False)
    assert got["attributes"]["key"] == "value"
    await receiver.got(b"in pieces", what="text", failed=False)
    await receiver.got(content, what="bytes", failed=False)
    assert {event["sender"] for event in receiver.events if event["event"] == "got"} == {sender.identity}
    assert await sender.call(receiver, "echo", long) == long
    for each in (sender, receiver, wrong):
        await each.leave()

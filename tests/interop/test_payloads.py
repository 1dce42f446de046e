"""Payloads around every size limit, in both directions."""

from __future__ import annotations

import json
import random
import string

import pytest

from livekit.rpc.wire import MAX_V1_PAYLOAD_BYTES
from tests.interop.harness import CallError
from tests.interop.kinds import ALL_PAIRS, WITH_OURS, Pair
from tests.interop.matrix import Matrix

pytestmark = [pytest.mark.peers, pytest.mark.asyncio(loop_scope="session")]

SIZES = (0, 1, 15_359, 15_360, 15_361, 65_535, 65_536, 262_144)
TEXTS = ("ascii", "multibyte", "random")


def text(kind: str, size: int) -> str:
    """Return a text of `size` UTF-8 bytes that deflates well, has multi-byte characters, or does not deflate."""
    if kind == "random":
        return "".join(random.Random(size).choices(string.printable, k=size))
    unit = {"ascii": "x", "multibyte": "漢"}[kind]
    length = len(unit.encode())
    return unit * (size // length) + "x" * (size % length)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("pair", ALL_PAIRS, ids=str)
async def test_payloads_of_all_sizes_are_echoed(matrix: Matrix, pair: Pair, kind: str, size: int) -> None:
    """Payloads of 0 to 262,144 bytes are echoed; over 15,360 bytes a version 1 call fails with 1402"""
    caller, callee = await matrix.pair(pair)
    payload = text(kind, size)
    if pair.version_1 and size > MAX_V1_PAYLOAD_BYTES:
        with pytest.raises(CallError) as failed:
            await caller.call(callee, "echo", payload)
        assert failed.value.code == 1402
    else:
        assert await caller.call(callee, "echo", payload) == payload


@pytest.mark.parametrize("pair", [pair for pair in ALL_PAIRS if pair.version_1], ids=str)
async def test_version_1_response_over_the_limit_fails(matrix: Matrix, pair: Pair) -> None:
    """A response over 15,360 bytes in version 1 fails with 1504"""
    caller, callee = await matrix.pair(pair)
    with pytest.raises(CallError) as failed:
        await caller.call(callee, "repeat", json.dumps({"text": "x", "times": MAX_V1_PAYLOAD_BYTES + 1}))
    assert failed.value.code == 1504


@pytest.mark.parametrize("pair", [pair for pair in WITH_OURS if not pair.version_1], ids=str)
async def test_short_request_gets_a_long_response(matrix: Matrix, pair: Pair) -> None:
    """A short request can have a long response"""
    caller, callee = await matrix.pair(pair)
    response = await caller.call(callee, "repeat", json.dumps({"text": "漢字", "times": 40_000}))
    assert response == "漢字" * 40_000


@pytest.mark.parametrize("pair", ALL_PAIRS, ids=str)
async def test_none_is_an_empty_response(matrix: Matrix, pair: Pair) -> None:
    """A handler that returns nothing sends an empty response"""
    caller, callee = await matrix.pair(pair)
    assert await caller.call(callee, "nothing") == ""

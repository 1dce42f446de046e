from __future__ import annotations

import os
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.streams.deflate import (
    MIN_DEFLATE_BYTES,
    SAMPLE_BYTES,
    WORTHWHILE_RATIO,
    InflatedTooLongError,
    InflateError,
    Inflater,
    deflate_if_worthwhile,
)


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def inflate(data: bytes, limit: int | None, step: int = 1_000_000) -> bytes:
    inflater = Inflater(limit)
    parts = [inflater.feed(data[start : start + step]) for start in range(0, len(data), step)]
    inflater.finish()
    return b"".join(parts)


@pytest.mark.parametrize("size", [0, MIN_DEFLATE_BYTES - 1])
def test_short_content_is_not_compressed(size: int) -> None:
    assert deflate_if_worthwhile(b"x" * size) is None


@pytest.mark.parametrize("size", [MIN_DEFLATE_BYTES, SAMPLE_BYTES, 100_000])
def test_incompressible_content_is_not_compressed(size: int) -> None:
    assert deflate_if_worthwhile(os.urandom(size)) is None


@pytest.mark.parametrize("size", [MIN_DEFLATE_BYTES, 4 * SAMPLE_BYTES, 4 * SAMPLE_BYTES + 1, 262_144])
def test_text_is_compressed(size: int) -> None:
    text = (b'{"name": "value", "number": 12345}' * size)[:size]
    compressed = deflate_if_worthwhile(text)
    assert compressed is not None
    assert len(compressed) < size * WORTHWHILE_RATIO
    assert inflate(compressed, size) == text


@given(st.binary(max_size=2000), st.integers(1, 100), st.integers(1, 50))
def test_content_round_trips(data: bytes, times: int, step: int) -> None:
    content = data * times
    assert inflate(raw_deflate(content), None, step) == content
    assert inflate(raw_deflate(content), len(content), step) == content
    compressed = deflate_if_worthwhile(content)
    assert compressed is None or inflate(compressed, len(content)) == content


@given(st.binary(min_size=1, max_size=2000), st.integers(0, 1999), st.integers(1, 50))
def test_content_over_the_limit_is_refused(data: bytes, limit: int, step: int) -> None:
    limit = min(limit, len(data) - 1)
    with pytest.raises(InflatedTooLongError):
        inflate(raw_deflate(data), limit, step)


@given(st.binary(max_size=500), st.integers(0, 1000), st.integers(1, 50))
def test_any_bytes_inflate_within_the_limit_or_raise(data: bytes, limit: int, step: int) -> None:
    try:
        assert len(inflate(data, limit, step)) <= limit
    except InflateError:
        pass


def test_row_14_a_deflate_bomb_costs_no_more_than_the_limit() -> None:
    bomb = raw_deflate(bytes(200_000_000))
    assert len(bomb) < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(InflatedTooLongError):
            inflate(bomb, 262_144)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_trailing_bytes_are_rejected_and_not_buffered() -> None:
    inflater = Inflater(100)
    assert inflater.feed(raw_deflate(b"text")) == b"text"
    assert inflater.feed(b"") == b""
    inflater.finish()
    with pytest.raises(InflateError, match="follows the end"):
        inflater.feed(b"more")


def test_truncated_content() -> None:
    inflater = Inflater(None)
    inflater.feed(raw_deflate(b"some text" * 10)[:-2])
    with pytest.raises(InflateError, match="too early"):
        inflater.finish()

"""Previews of payloads."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from livekit.server.console.payload import MAX_PREVIEW, PayloadPreview


def test_only_the_size_is_kept() -> None:
    content = PayloadPreview(keep=False)
    content.feed(b"abc")
    content.feed(b"de")
    assert (content.size, content.text, content.cut) == (5, None, False)


def test_short_payload_is_not_truncated() -> None:
    content = PayloadPreview(keep=True)
    content.feed(b"a" * MAX_PREVIEW)
    content.feed(b"")
    assert (content.text, content.cut) == ("a" * MAX_PREVIEW, False)
    content.feed(b"b")
    assert (content.text, content.cut, content.size) == ("a" * MAX_PREVIEW, True, MAX_PREVIEW + 1)


def test_truncation_at_character_boundaries() -> None:
    content = PayloadPreview(keep=True)
    content.feed(b"a" + "ä".encode() * MAX_PREVIEW)
    assert (content.text, content.cut) == ("a" + "ä" * (MAX_PREVIEW // 2 - 1), True)


def test_decompression_bomb_is_truncated() -> None:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = compressor.compress(bytes(5_000_000)) + compressor.flush()
    content = PayloadPreview(keep=True, deflated=True, announced=5_000_000)
    for start in range(0, len(bomb), 15_000):
        content.feed(bomb[start : start + 15_000])
    assert content.cut
    assert len(content.text or "") == MAX_PREVIEW
    assert content.size == 5_000_000


@given(st.lists(st.binary(max_size=200)), st.booleans())
def test_any_chunks_are_accepted(pieces: list[bytes], deflated: bool) -> None:
    content = PayloadPreview(keep=True, deflated=deflated)
    for piece in pieces:
        content.feed(piece)
    assert content.size == sum(map(len, pieces))
    assert len((content.text or "").encode()) <= 3 * MAX_PREVIEW
    content.forget()
    assert content.text is None

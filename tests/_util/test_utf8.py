"""Lengths and cuts of UTF-8 text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit._util.utf8 import truncate_utf8, utf8_boundary, utf8_length

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50)


@given(texts, st.integers(0, 120))
def test_truncation_is_the_longest_prefix_that_fits(text: str, limit: int) -> None:
    cut = truncate_utf8(text, limit)
    assert text.startswith(cut)
    assert len(cut.encode()) <= limit
    assert cut == text or len(text[: len(cut) + 1].encode()) > limit


@given(texts)
def test_length_is_in_bytes(text: str) -> None:
    assert utf8_length(text) == len(text.encode())


@given(texts, st.integers(0, 250))
def test_boundary_splits_no_character(text: str, end: int) -> None:
    data = text.encode()
    boundary = utf8_boundary(data, end)
    assert max(0, min(end, len(data)) - 3) <= boundary <= end or boundary == len(data) <= end
    assert (data[:boundary].decode() + data[boundary:].decode()) == text


def test_invalid_utf8_has_boundaries_too() -> None:
    assert utf8_boundary(b"\x80" * 10, 5) == 0


@pytest.mark.parametrize("text", ["\ud800", "x" * 10 + "\udfff"])
def test_lone_surrogates_raise(text: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        utf8_length(text)
    for limit in (0, 5, 1000):
        with pytest.raises(UnicodeEncodeError):
            truncate_utf8(text, limit)

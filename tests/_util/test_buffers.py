from __future__ import annotations

from array import array

import pytest

from livekit._util.buffers import to_bytes


@pytest.mark.parametrize(
    "value", [b"ab", bytearray(b"ab"), memoryview(b"ab"), memoryview(b"a_b_")[::2], array("B", b"ab")]
)
def test_bytes_like_objects(value: object) -> None:
    assert to_bytes(value, "payload") == b"ab"


@pytest.mark.parametrize("value", [7, True, [1, 2], {1: 2}, None, "ab", 1.5])
def test_others_are_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="^payload must be bytes-like, not "):
        to_bytes(value, "payload")

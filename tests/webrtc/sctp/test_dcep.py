from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.sctp import dcep

limits = st.one_of(
    st.just((None, None)),
    st.integers(0, 0xFFFF_FFFF).map(lambda value: (value, None)),
    st.integers(0, 0xFFFF_FFFF).map(lambda value: (None, value)),
)


@given(st.text(max_size=50), st.text(max_size=20), st.booleans(), limits, st.integers(0, 0xFFFF))
def test_open_round_trip(
    label: str, protocol: str, ordered: bool, limit: tuple[int | None, int | None], priority: int
) -> None:
    message = dcep.Open(
        label=label,
        protocol=protocol,
        ordered=ordered,
        max_retransmits=limit[0],
        lifetime_ms=limit[1],
        priority=priority,
    )
    assert dcep.parse(message.encode()) == message


def test_wire_format_of_open() -> None:
    message = dcep.Open(label="_lossy", ordered=False, max_retransmits=0)
    assert message.encode() == bytes.fromhex("03 81 0000 00000000 0006 0000") + b"_lossy"


def test_ack_parses_to_none() -> None:
    assert dcep.parse(dcep.ACK) is None


@pytest.mark.parametrize("data", ["", "01", "03", "0303000000000000 00000000", "0300000000000000 00010000", "03" * 12])
def test_malformed(data: str) -> None:
    with pytest.raises(dcep.DcepError):
        dcep.parse(bytes.fromhex(data))


def test_label_must_be_utf8() -> None:
    with pytest.raises(dcep.DcepError, match="UTF-8"):
        dcep.parse(bytes.fromhex("0300 0000 00000000 0001 0000 ff"))


@given(st.binary(max_size=40).map(lambda data: b"\x03" + data))
def test_any_bytes_parse_or_raise_dcep_error(data: bytes) -> None:
    try:
        message = dcep.parse(data)
    except dcep.DcepError:
        return
    assert message is not None

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.ice.stun import MAX_MESSAGE_SIZE, Attribute, MessageClass, StunError, StunMessage, parse_stun

KEY = b"VOkJxbRl1RmTxUk/WvJxBt"

RFC_5769_REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)
"""The sample request of RFC 5769 section 2.1."""

addresses = st.tuples(st.ip_addresses().map(str), st.integers(0, 65_535))


def test_sample_request_of_rfc_5769() -> None:
    message = parse_stun(RFC_5769_REQUEST)
    assert message.message_class is MessageClass.REQUEST
    assert message.attributes[Attribute.USERNAME] == b"evtj:h6vY"
    assert message.integer(Attribute.PRIORITY) == 0x6E0001FF
    assert message.integer(Attribute.ICE_CONTROLLED) == 0x932FF9B151263B36
    assert message.has_integrity(KEY)
    assert not message.has_integrity(b"another")


@given(
    message_class=st.sampled_from(MessageClass),
    method=st.integers(0, 0xFFF),
    attributes=st.dictionaries(st.integers(0x0024, 0x7FFF), st.binary(max_size=40), max_size=6),
    key=st.none() | st.binary(min_size=1, max_size=30),
)
def test_encoding_round_trips(
    message_class: MessageClass, method: int, attributes: dict[int, bytes], key: bytes | None
) -> None:
    message = StunMessage(message_class, method, attributes=dict(attributes))
    parsed = parse_stun(message.encode(key))
    assert (parsed.message_class, parsed.method, parsed.transaction_id) == (
        message_class,
        method,
        message.transaction_id,
    )
    assert {number: parsed.attributes[number] for number in attributes} == attributes
    assert parsed.has_integrity(key or b"") is (key is not None)


@given(addresses)
def test_mapped_address_round_trips(address: tuple[str, int]) -> None:
    message = StunMessage(MessageClass.SUCCESS)
    message.mapped_address = address
    assert parse_stun(message.encode()).mapped_address == address


def test_error_codes() -> None:
    message = StunMessage(MessageClass.ERROR)
    message.set_error(487, "Role Conflict")
    assert parse_stun(message.encode()).error_code == 487
    assert StunMessage(MessageClass.ERROR).error_code is None


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: RFC_5769_REQUEST[:20] + tail))
def test_any_bytes_parse_or_raise_stun_error(data: bytes) -> None:
    try:
        message = parse_stun(data)
    except StunError:
        return
    assert message.has_integrity(KEY) in (True, False)
    assert message.mapped_address is None or len(message.mapped_address) == 2
    assert message.error_code is None or message.error_code >= 0


@given(st.integers(0, len(RFC_5769_REQUEST) - 1), st.integers(1, 255))
def test_changed_bytes_fail_authentication(index: int, change: int) -> None:
    changed = bytearray(RFC_5769_REQUEST)
    changed[index] ^= change
    try:
        message = parse_stun(bytes(changed))
    except StunError:
        return
    # Only a change of the FINGERPRINT attribute type may pass: MESSAGE-INTEGRITY does not cover it.
    assert index >= len(RFC_5769_REQUEST) - 8 or not message.has_integrity(KEY)


def test_attributes_after_message_integrity_are_ignored() -> None:
    message = StunMessage(MessageClass.REQUEST)
    signed = message.encode(KEY)[:-8]
    forged = bytearray(signed + bytes.fromhex("00250000"))
    forged[2:4] = (len(forged) - 20).to_bytes(2, "big")
    parsed = parse_stun(bytes(forged))
    assert parsed.has_integrity(KEY)
    assert Attribute.USE_CANDIDATE not in parsed.attributes


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(20),
        bytes(MAX_MESSAGE_SIZE + 1),
        RFC_5769_REQUEST[:-1],
        RFC_5769_REQUEST + b"\0\0\0\0",
        b"\x80" + RFC_5769_REQUEST[1:],
        bytes.fromhex("000100042112a442" + "00" * 12 + "0006ffff"),
    ],
    ids=["empty", "no cookie", "too long", "cut", "longer than announced", "RTP", "attribute too long"],
)
def test_malformed_messages_are_rejected(data: bytes) -> None:
    with pytest.raises(StunError):
        parse_stun(data)


@pytest.mark.parametrize("value", [b"", b"\0\1\0", b"\0\1\0\0\1", b"\0\2\0\0\0\0\0\0", b"\0\3\0\0\0\0\0\0"])
def test_malformed_mapped_addresses_are_ignored(value: bytes) -> None:
    message = StunMessage(MessageClass.SUCCESS, attributes={Attribute.XOR_MAPPED_ADDRESS: value})
    assert message.mapped_address is None


def test_integer_attributes() -> None:
    message = StunMessage(MessageClass.REQUEST)
    assert message.integer(Attribute.PRIORITY) is None
    message.set_integer(Attribute.PRIORITY, 0x6E0001FF, 4)
    assert parse_stun(message.encode()).integer(Attribute.PRIORITY) == 0x6E0001FF
    assert message.attributes[Attribute.PRIORITY] == b"\x6e\x00\x01\xff"
